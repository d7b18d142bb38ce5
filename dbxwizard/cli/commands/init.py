"""`dbxwizard init`: the files of a new project, none of the user's overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dbxwizard import bundled
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.core.result import Status

_FOLDERS = ("environments", "bicep", "framework")


def run(invocation: Invocation) -> Report:
    """Writes what is missing; with --force also what differs."""
    root = invocation.root
    written, kept = _write(root, force=invocation.flag("force"))
    lines = [f"wrote {len(written)} files into {root}"] if written else ["everything is there already"]
    lines += [f"kept your {path} (--force overwrites it)" for path in kept]
    lines += ["next: dbxwizard setup --subscription ID --repo OWNER/NAME"] if written else []
    status = Status.SUCCESS if written else Status.UNCHANGED
    return Report("init", invocation.run_id, status, text=tuple(lines), extra={"written": written, "kept": kept})


def _write(root: Path, *, force: bool) -> tuple[list[str], list[str]]:
    """The paths that were written, and those of the user's that differ and were kept."""
    written, kept = [], []
    for name, content in _shipped():
        target = root / name
        present = target.read_bytes() if target.is_file() else None
        if present == content:
            continue
        if present is not None and not force:
            kept.append(name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        written.append(name)
    return written, kept


def _shipped() -> Iterator[tuple[str, bytes]]:
    for folder in _FOLDERS:
        yield from bundled.files(folder)
    yield "README.md", (Path(__file__).parent.parent / "data" / "project-readme.md").read_bytes()
