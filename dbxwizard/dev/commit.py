"""The commit that a folder's code is of, as telemetry carries it."""

from __future__ import annotations

import asyncio
from pathlib import Path


async def commit_of(folder: Path) -> str:
    """The commit that is checked out around `folder`; with `-dirty` behind it, as `git describe` says it, where the
    working tree has something else. "" outside of a repository, before its first commit, or without git."""
    commit = await _git(folder, "rev-parse", "--verify", "HEAD")
    if not commit:
        return ""
    return f"{commit}-dirty" if await _git(folder, "status", "--porcelain") else commit


async def _git(folder: Path, *arguments: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            "git", *arguments, cwd=folder,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return ""
    output, _ = await process.communicate()
    return output.decode("utf-8", "replace").strip() if process.returncode == 0 else ""
