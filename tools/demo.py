"""The whole road on a new sandbox, as a user would type it: every command is a process of its own.

Without the proof of the sign-in, which installs dbxwizard in four jobs: that takes a minute of its own.

The last line is computed: the time that passed, and what the sandbox's own log says that the second run wrote.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = "contoso/databricks"


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dbxwizard-demo-") as folder:
        environ = _environment(Path(folder))
        project = Path(folder) / "project"
        project.mkdir()
        subscription = _asked(environ, project, "sandbox", "show")["subscriptions"][0]["id"]
        for arguments in _road(subscription):
            code = _typed(environ, project, *arguments)
            if code:
                print(f"demo: failed, {arguments[0]} ended with {code}")
                return 1
        writes_before = _writes(environ, project)
        second = _asked(environ, project, "deploy", "--output", "json")
        writes = _writes(environ, project) - writes_before
    print(f"demo: {time.monotonic() - began:.0f} s, second run: {second['status']} ({writes} writes)")
    return 0 if second["status"] == "unchanged" and writes == 0 else 1


def _environment(folder: Path) -> dict[str, str]:
    """The caller's environment, with all state in `folder`."""
    ours = {
        "DBXWIZARD_SANDBOX": "1",
        "DBXWIZARD_STATE_DIR": str(folder / "state"),
        "DBXWIZARD_SANDBOX_STATE": str(folder / "sandbox" / "state.sqlite"),
    }
    return {**os.environ, **ours}


def _road(subscription: str) -> list[list[str]]:
    return [
        ["init"],
        ["setup", "--subscription", subscription, "--repo", REPOSITORY, "--yes", "--no-proof"],
        ["deploy", "--yes"],
        ["status"],
    ]


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "dbxwizard", *arguments]


def _typed(environ: dict[str, str], folder: Path, *arguments: str) -> int:
    """Runs a command with this terminal, and returns its exit code."""
    print(f"\n$ dbxwizard {' '.join(arguments)}", flush=True)
    began = time.monotonic()
    code = subprocess.run(_command(*arguments), env=environ, cwd=folder, check=False).returncode  # noqa: S603
    print(f"  ({time.monotonic() - began:.1f} s)", flush=True)
    return code


def _asked(environ: dict[str, str], folder: Path, *arguments: str) -> dict[str, Any]:
    """What a command prints as JSON."""
    done = subprocess.run(_command(*arguments), env=environ, cwd=folder, check=True, stdout=subprocess.PIPE)  # noqa: S603
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _writes(environ: dict[str, str], folder: Path) -> int:
    return sum(request["write"] for request in _asked(environ, folder, "sandbox", "log")["requests"])


if __name__ == "__main__":
    sys.exit(main())
