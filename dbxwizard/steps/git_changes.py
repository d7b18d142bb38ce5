"""What git says of the files of a project."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def unchanged(root: Path, since: str, paths: Sequence[Path]) -> bool:
    """Whether `paths` (in the work tree of `root`) are as they were at `since`; False where git can't say."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "diff", "--quiet", "--end-of-options", since, "--", *(str(path.resolve()) for path in paths)],  # noqa: S607
            cwd=root,
            check=False,
            capture_output=True,
        )
    except OSError:
        return False
    return done.returncode == 0
