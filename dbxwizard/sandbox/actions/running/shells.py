"""How the script of a step is run.

docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell, on Linux.
"""

from __future__ import annotations

import shlex
from pathlib import Path

_DEFAULT = "bash -e {0}"
_BUILT_IN = {
    "bash": "bash --noprofile --norc -eo pipefail {0}",
    "sh": "sh -e {0}",
    "python": "python {0}",
    "pwsh": "pwsh -command \". '{0}'\"",
}
_INVALID = (
    "Invalid shell option. Shell must be a valid built-in (bash, sh, cmd, powershell, pwsh) or a format string "
    "containing '{0}'"
)


class ShellError(Exception):
    """A shell that is none."""


def template(shell: str) -> str:
    """The command of a shell, with `{0}` for the script. Raises ShellError."""
    found = _BUILT_IN.get(shell.lower(), shell) if shell else _DEFAULT
    if "{0}" not in found:
        raise ShellError(_INVALID)
    return found


def command(shell: str, script: Path) -> list[str]:
    """Raises ShellError."""
    try:
        words = shlex.split(template(shell))
    except ValueError as error:
        raise ShellError(_INVALID) from error
    return [word.replace("{0}", str(script)) for word in words]
