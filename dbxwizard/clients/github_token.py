"""The GitHub token that a person or a job has at hand."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dbxwizard.core.errors import NotSignedIn
from dbxwizard.core.secret import Secret

_PATIENCE = 10.0  # seconds for the GitHub CLI to answer


def find_token(environ: Mapping[str, str], host: str = "github.com") -> Secret | None:
    """The token that the GitHub CLI would use for `host`: from the environment, else from its own store."""
    variable = token_variable(environ, host)
    found = environ[variable] if variable else _ask_gh(environ, host)
    return Secret(found.strip()) if found.strip() else None


def require_token(token: Secret | None, resource: str) -> Secret:
    """Raises NotSignedIn without one."""
    if token is None:
        raise NotSignedIn(
            "github-token-missing",
            "there is no GitHub token",
            resource=resource,
            fix="Set GH_TOKEN or GITHUB_TOKEN, or run `gh auth login`.",
        )
    return token


def token_variable(environ: Mapping[str, str], host: str = "github.com") -> str:
    """The environment variable that has a token for `host`; "" where none has."""
    names: tuple[str, ...] = ("GH_TOKEN", "GITHUB_TOKEN")
    if host != "github.com" and not host.endswith(".ghe.com"):
        names = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", *names)
    return next((name for name in names if environ.get(name, "").strip()), "")


def gh_user(environ: Mapping[str, str], host: str = "github.com") -> str:
    """Who has signed in to `host` with the GitHub CLI, by its hosts.yml; "" where nobody has. Asks nobody."""
    try:
        text = (_gh_folder(environ) / "hosts.yml").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    found = re.search(rf"^{re.escape(host)}:[ ]*\n((?:[ ]+.*\n?)+)", text, re.MULTILINE)
    named = re.search(r"^ +user: *(\S+)", found[1], re.MULTILINE) if found else None
    return named[1].strip("\"'") if named else ""


def _gh_folder(environ: Mapping[str, str]) -> Path:
    """cli.github.com/manual/gh_help_environment: GH_CONFIG_DIR, else $XDG_CONFIG_HOME/gh, %AppData%, ~/.config/gh."""
    if environ.get("GH_CONFIG_DIR"):
        return Path(environ["GH_CONFIG_DIR"])
    if environ.get("XDG_CONFIG_HOME"):
        return Path(environ["XDG_CONFIG_HOME"]) / "gh"
    if environ.get("AppData"):
        return Path(environ["AppData"]) / "GitHub CLI"
    return Path.home() / ".config" / "gh"


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
