"""Where a machine may have interpreters of Python; whether one runs, and which it is, is for the caller to ask."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_TOOL_CACHE = Path("/opt/hostedtoolcache/Python")  # of GitHub's own runners


def candidates(names: Iterable[str], path: str | None = None, version: str = "") -> Iterator[Path]:
    """The one that runs this, those of these names on the path, those that version managers keep.

    `path`: as the variable PATH, None for this process's own. `version`: the beginning of that of kept ones, 3.12 say.
    On the path may be what only says how to get a Python: pyenv's python3.12 is there and refuses to run.
    """
    yield Path(sys.executable)
    yield from (Path(found) for name in names if (found := shutil.which(name, path=path)))
    wanted = f"{version}.*" if version else "*"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted((pyenv / "versions").glob(f"{wanted}/bin/python"))
    yield from sorted((Path.home() / ".local/share/uv/python").glob(f"cpython-{wanted}/bin/python"))
    yield from sorted(_TOOL_CACHE.glob(f"{wanted}/x64/bin/python"))
