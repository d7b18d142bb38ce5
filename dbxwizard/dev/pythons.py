"""The Python that a cluster's runtime has, found on this machine."""

from __future__ import annotations

import re
import shutil
import subprocess  # interpreters are asked what they are
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.parameters.catalog import runtimes

OLDEST = (3, 11)  # of the framework, framework/pyproject.toml
_PROBE = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])"
_PATIENCE = 30.0  # seconds; a shim of pyenv takes some tenths
_PARTS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Python:
    """`version`: all three parts, such as 3.12.1."""

    path: str
    version: str


def demanded(runtime: str) -> str:
    """The Python, such as `3.12`, of a Databricks Runtime such as `17.3`. Raises UsageError.

    Databricks Connect wants the same minor version for code that is sent along
    (docs.databricks.com/dev-tools/databricks-connect/requirements).
    """
    known = runtimes().get(runtime, {}).get("python")
    supported = [one for one, about in runtimes().items() if _version(about["python"]) >= OLDEST]
    if known is None:
        raise UsageError(
            "runtime-unknown",
            f"nothing is known of Databricks Runtime {runtime}",
            resource=f"runtime {runtime}",
            fix=f"take a cluster with one of {', '.join(supported)}, or a newer dbxwizard",
        )
    if runtime not in supported:
        raise UsageError(
            "runtime-too-old",
            f"Databricks Runtime {runtime} has Python {known}, and the framework needs {'.'.join(map(str, OLDEST))}",
            resource=f"runtime {runtime}",
            fix=f"take a cluster with one of {', '.join(supported)}",
        )
    return str(known)


def find(version: str, environ: Mapping[str, str]) -> Python:
    """The first that runs, is of this version and can make virtual environments. Raises OperationError."""
    seen: set[str] = set()
    for command in _candidates(version, environ):
        if command[0] in seen and len(command) == 1:
            continue
        seen.add(command[0])
        found = _asked(command, environ)
        if found and _minor(found.version) == version:
            return found
    raise OperationError(
        "python-missing",
        f"there is no Python {version} here that runs and has venv",
        resource=f"Python {version}",
        fix=f"Install it, with one of: uv python install {version}; pyenv install {version}; "
        f"winget install Python.Python.{version}; apt install python{version}-venv.",
    )


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[list[str]]:
    """Ways to call it: that which runs this, on the path, of pyenv, that which uv knows, the launcher of Windows."""
    yield [str(getattr(sys, "_base_executable", sys.executable))]  # not an environment of its own
    path = environ.get("PATH", "")
    for name in (f"python{version}", "python3", "python"):
        if found := shutil.which(name, path=path):
            yield [found]
    yield from ([str(one)] for one in _of_pyenv(version, environ))
    if uv := shutil.which("uv", path=path):
        yield from _of_uv(uv, version, environ)
    if launcher := shutil.which("py", path=path):
        yield [launcher, f"-{version}"]


def _of_pyenv(version: str, environ: Mapping[str, str]) -> list[Path]:
    """Its shim may be on the path and refuse to run; the interpreters themselves run. The newest first."""
    root = environ.get("PYENV_ROOT") or str(Path(environ.get("HOME") or "~").expanduser() / ".pyenv")
    found = Path(root, "versions").glob(f"{version}.*/bin/python")
    return sorted(found, key=lambda one: [int(part) for part in _PARTS.findall(one.parts[-3])], reverse=True)


def _of_uv(uv: str, version: str, environ: Mapping[str, str]) -> Iterator[list[str]]:
    told = _output([uv, "python", "find", "--no-project", "--no-python-downloads", version], environ)
    if told:
        yield [told]


def _asked(command: list[str], environ: Mapping[str, str]) -> Python | None:
    """None for what does not run, is no Python, or has no venv (Debian keeps that in a package of its own)."""
    told = _output([*command, "-I", "-c", f"{_PROBE}; print(sys.executable)"], environ).splitlines()
    return Python(told[1], told[0]) if len(told) == 2 else None


def _output(command: list[str], environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False, env=dict(environ), errors="replace"
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
