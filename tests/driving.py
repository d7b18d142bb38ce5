"""Runs the program as its user does: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def dbxwizard(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """One command in `cwd`, without a terminal, its state in `cwd`/.state; `environ` is added to the environment.

    `setup` ends without a proof run: its jobs would install dbxwizard from the network.
    """
    clean = {name: value for name, value in os.environ.items() if name not in ("CI", "GITHUB_ACTIONS")}
    return subprocess.run(
        [sys.executable, "-m", "dbxwizard", *arguments],
        cwd=cwd,
        env={**clean, "DBXWIZARD_STATE_DIR": str(cwd / ".state"), **environ},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
