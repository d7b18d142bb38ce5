"""A Python of the asked version, of those that this machine has: each job gets a virtual environment of its own.

actions/setup-python at v7: github.com/actions/setup-python/blob/v7.0.0/action.yml. Of its inputs `python-version` is
known, as `3`, `3.12` or `3.12.1`; nothing is downloaded.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dbxwizard.sandbox.actions.running.job import ActionCall, StepError

SETUP_PYTHON = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97"
_VERSION = re.compile(r"\d+(\.\d+){0,2}")


def setup_python(call: ActionCall) -> None:
    """The action. Raises StepError where the machine has no such version."""
    unknown = sorted(call.inputs.keys() - {"python-version"})
    if unknown:
        raise StepError(f"The sandbox's actions/setup-python does not know: {', '.join(unknown)}")
    asked = call.inputs.get("python-version", "")
    if not _VERSION.fullmatch(asked):
        raise StepError(f"The sandbox's actions/setup-python wants a python-version as 3.12, not '{asked}'")
    python, version = _found(call, asked)
    folder = Path(call.environment["RUNNER_TEMP"]) / "python"
    made = _run(call, str(python), "-m", "venv", "--clear", str(folder))
    if made.returncode:
        raise StepError(f"No virtual environment could be made with {python}: {made.stderr.strip()}")
    call.paths.append(str(folder / "bin"))
    call.variables["pythonLocation"] = str(folder)
    call.outputs["python-version"], call.outputs["python-path"] = version, str(folder / "bin" / "python")
    call.log(f"Successfully set up CPython ({version})")


def _found(call: ActionCall, asked: str) -> tuple[Path, str]:
    """The first interpreter of that version, and its whole version."""
    for python in _candidates(call, asked):
        said = _run(call, str(python), "-c", "import platform; print(platform.python_version())")
        version = said.stdout.strip()
        if said.returncode == 0 and f"{version}.".startswith(f"{asked}."):
            return python, version
    raise StepError(f"The version '{asked}' with architecture 'x64' was not found for this operating system.")


def _candidates(call: ActionCall, asked: str) -> Iterator[Path]:
    """The one that runs the sandbox, then those on the path: there may be some that only say how to get them."""
    yield Path(sys.executable)
    minor = ".".join(asked.split(".")[:2])
    for name in (f"python{minor}", "python3", "python"):
        found = shutil.which(name, path=call.environment["PATH"])
        if found:
            yield Path(found)


def _run(call: ActionCall, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: call.environment[name] for name in ("PATH", "HOME") if name in call.environment}
    return subprocess.run(  # noqa: S603 - an interpreter of this machine and fixed words
        command, env=environment, capture_output=True, text=True, check=False
    )
