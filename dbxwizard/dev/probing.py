"""The project's virtual environment, asked: `data/check_here.py` in a process of its Python."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbxwizard.core.secret import hide

_SCRIPT = Path(__file__).parent / "data" / "check_here.py"
_SHOWN = 300  # characters of what a process said that found nothing
_LONGEST = 1024 * 1024  # bytes of a line


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to; `more`: what else it says, by name."""

    check: str
    ok: bool
    found: str
    more: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Probe:
    """`variables`: the whole environment of its processes, secrets among them. `folder`: where they run."""

    python: Path
    folder: Path
    variables: Mapping[str, str]

    async def ask(self, *words: str, seconds: float) -> AsyncGenerator[Finding]:
        """Findings as they come; one that is not ok and has no check's name where the process ended otherwise."""
        try:
            child = await asyncio.create_subprocess_exec(
                *(str(self.python), "-X", "utf8", str(_SCRIPT), *words),
                cwd=self.folder,
                env=dict(self.variables),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LONGEST,
            )
        except OSError as error:
            yield Finding("", False, f"{self.python} does not run: {error.strerror or error}", {})
            return
        assert child.stdout is not None and child.stderr is not None  # noqa: S101, PT018 - they are pipes
        said = asyncio.create_task(child.stderr.read())
        try:
            async with asyncio.timeout(seconds):
                async for line in child.stdout:
                    yield _finding(line)
                if await child.wait():
                    yield Finding("", False, _last(await said) or f"it ended with exit code {child.returncode}", {})
        except TimeoutError:
            yield Finding("", False, f"no answer within {seconds:.0f} s", {})
        finally:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
            said.cancel()


def _finding(line: bytes) -> Finding:
    told = json.loads(line)
    check, ok, found = str(told.pop("check")), bool(told.pop("ok")), hide(str(told.pop("found")))
    return Finding(check, ok, found, told)


def _last(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return hide(lines[-1].strip()[:_SHOWN]) if lines else ""
