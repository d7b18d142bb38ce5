"""The GitHub token that a person or a job has at hand."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from dbxwizard.core.secret import Secret

_PATIENCE = 10.0  # seconds for the GitHub CLI to answer


def find_token(environ: Mapping[str, str], host: str = "github.com") -> Secret | None:
    """The token that the GitHub CLI would use for `host`: from the environment, else from its own store."""
    names: tuple[str, ...] = ("GH_TOKEN", "GITHUB_TOKEN")
    if host != "github.com" and not host.endswith(".ghe.com"):
        names = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", *names)
    found = next((environ[name] for name in names if environ.get(name, "").strip()), "")
    found = found or _ask_gh(environ, host)
    return Secret(found.strip()) if found.strip() else None


def _ask_gh(environ: Mapping[str, str], host: str) -> str:
    gh = shutil.which("gh", path=environ.get("PATH"))
    if gh is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603  gh's own path and fixed arguments
            [gh, "auth", "token", "--hostname", host],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout if done.returncode == 0 else ""
