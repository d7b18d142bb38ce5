"""A Python of the asked version, of those that this machine has: each job gets a virtual environment of its own.

actions/setup-python at v7: github.com/actions/setup-python/blob/v7.0.0/action.yml. Of its inputs `python-version` is
known, as `3`, `3.12` or `3.12.1`. Nothing is downloaded: where the machine has no such version, the job gets the
nearest one from OLDEST up, and the log says so. GitHub has every version: this is about the machine alone.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from dbxwizard.sandbox.actions.running.job import ActionCall, StepError
from dbxwizard.sandbox.pythons import candidates

SETUP_PYTHON = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97"
OLDEST = (3, 11)
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
    """The first interpreter of that version, else the nearest, and its whole version."""
    others: dict[tuple[int, ...], tuple[Path, str]] = {}
    for python in candidates(_names(asked), call.environment["PATH"]):
        said = _run(call, str(python), "-c", "import platform; print(platform.python_version())")
        version = said.stdout.strip()
        if said.returncode == 0 and f"{version}.".startswith(f"{asked}."):
            return python, version
        if said.returncode == 0 and (number := _number(version)) >= OLDEST:
            others.setdefault(number[:2], (python, version))
    if not others or not OLDEST <= _number(asked) < (OLDEST[0] + 1,):
        raise StepError(f"The version '{asked}' with architecture 'x64' was not found for this operating system.")
    python, version = others[min(others, key=lambda number: (abs(number[1] - _number(asked)[1]), -number[1]))]
    call.log(f"##[warning]The sandbox's machine has no Python {asked}: the job gets {version}")
    return python, version


def _number(version: str) -> tuple[int, ...]:
    """3.12.1 as numbers; what stands behind them (`rc1`) is left out, and `3` is taken for 3.0."""
    found = [int(part) for part in re.findall(r"\d+", version)[:3]]
    return tuple(found if len(found) > 1 else [*found, 0])


def _names(asked: str) -> Iterator[str]:
    for minor in (".".join(asked.split(".")[:2]), *(f"3.{number}" for number in range(OLDEST[1], 20))):
        yield f"python{minor}"
    yield from ("python3", "python")


def _run(call: ActionCall, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: call.environment[name] for name in ("PATH", "HOME") if name in call.environment}
    return subprocess.run(  # noqa: S603 - an interpreter of this machine and fixed words
        command, env=environment, capture_output=True, text=True, check=False
    )
