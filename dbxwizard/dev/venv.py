"""The virtual environment `.venv` of a project: what it has, and what it takes to have in it what the lock says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.core.secret import hide
from dbxwizard.dev.lock import Lock
from dbxwizard.dev.pythons import Python

NAME = ".venv"
FRAMEWORK = "framework"
_MARK = "dbxwizard.json"  # which lock is installed in it; without it the environment is somebody else's
_CONFIG_LINE = re.compile(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", re.MULTILINE)
_DIST = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)\.dist-info")
_REQUIREMENT = re.compile(r"^[A-Za-z0-9]", re.MULTILINE)
_ERRORS_SHOWN = 3  # last lines of pip's errors


@dataclass(frozen=True, slots=True)
class Venv:
    """`python`: minor version, "" where it does not run any more. `installed`: package → version."""

    folder: Path
    python: str
    installed: dict[str, str]
    digest: str
    ours: bool

    @property
    def interpreter(self) -> Path:
        return interpreter_of(self.folder)


@dataclass(frozen=True, slots=True)
class VenvChange:
    """`action`: create (also anew, where it is there) or update. `remove`: packages that go first."""

    folder: Path
    python: Python
    lock: Lock
    framework: Path | None
    action: str
    reasons: tuple[str, ...]
    yours: bool
    remove: tuple[str, ...] = ()

    name = NAME

    def diff(self) -> list[str]:
        return list(self.reasons)

    async def make(self, tell: Callable[[str], object]) -> None:
        """Raises OperationError with pip's own words. What it leaves unfinished is taken up by the next run."""
        if self.action == "create":
            tell(f"making {NAME} with {self.python.path} ({self.python.version})")
            await _run([self.python.path, "-m", "venv", "--clear", str(self.folder)], "venv-not-made", self._advice())
        self._mark("")
        python = str(interpreter_of(self.folder))
        if "pip" not in _installed(self.folder):  # as uv makes them
            await _run([python, "-m", "ensurepip"], "packages-not-installed", f"remove {NAME}, and run dev setup again")
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        if self.remove:
            await _run(
                [*pip, "uninstall", "--yes", *self.remove],
                "packages-not-removed",
                f"remove {NAME}, and run dev setup again",
            )
        tell(f"installing {len(_REQUIREMENT.findall(self.lock.text))} packages into {NAME}")
        advice = "look at the network and at pip config list, and run dev setup again"
        with tempfile.TemporaryDirectory() as folder:
            requirements = _written(Path(folder, "requirements.txt"), self.lock.text)
            await _run([*pip, "install", "--quiet", "-r", requirements], "packages-not-installed", advice)
        if self.framework:
            # The lock has what builds it, so nothing else is fetched.
            options = ["--quiet", "--no-deps", "--no-build-isolation", "--editable", str(self.framework)]
            advice = f"look at {FRAMEWORK}/pyproject.toml"
            await _run([*pip, "install", *options], "framework-not-installed", advice)
        self._mark(self.lock.digest)

    def _mark(self, digest: str) -> None:
        Path(self.folder, _MARK).write_text(json.dumps({"lock": digest}), "utf-8")

    def _advice(self) -> str:
        return f"look at the permissions of {self.folder.parent}"


def read_venv(folder: Path) -> Venv | None:
    """None where there is none. Raises UsageError for something else of that name."""
    if not folder.exists() and not folder.is_symlink():
        return None
    config = folder / "pyvenv.cfg"
    if not config.is_file():
        fix = "move it away, and run dev setup again"
        raise UsageError("not-a-venv", "this is no virtual environment of Python", resource=str(folder), fix=fix)
    found = _CONFIG_LINE.search(config.read_text("utf-8", "replace"))
    runs = found is not None and os.access(interpreter_of(folder), os.X_OK)
    mark = folder / _MARK
    digest = ""
    with suppress(OSError, ValueError, AttributeError):
        digest = str(json.loads(mark.read_text("utf-8")).get("lock", ""))
    return Venv(folder, found[1] if found and runs else "", _installed(folder), digest, mark.is_file())


def plan_venv(root: Path, runtime: str, python: Python, lock: Lock) -> VenvChange | None:
    """None where all of the lock is in it. Raises UsageError."""
    folder = root / NAME
    there = read_venv(folder)
    framework = root / FRAMEWORK if (root / FRAMEWORK / "pyproject.toml").is_file() else None
    minor = ".".join(python.version.split(".")[:2])

    def change(action: str, *reasons: str, yours: bool = False, remove: tuple[str, ...] = ()) -> VenvChange:
        return VenvChange(folder, python, lock, framework, action, reasons, yours, remove)

    fits = f"Python {minor}, databricks-connect {runtime} and the framework"
    if there is None:
        return change("create", fits)
    if there.python != minor:
        had = f"has Python {there.python}" if there.python else "does not run any more"
        return change("create", f"it {had}, and the cluster's runtime has {minor}: made anew", yours=not there.ours)
    if "pyspark" in there.installed:
        reason = f"pyspark {there.installed['pyspark']} is removed: beside databricks-connect neither works"
        return change("update", reason, fits, yours=True, remove=("pyspark", "databricks-connect"))
    lacking = _lacking(there, runtime, lock, framework)
    return change("update", *lacking, yours=not there.ours) if lacking else None


def interpreter_of(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def _lacking(there: Venv, runtime: str, lock: Lock, framework: Path | None) -> list[str]:
    connect = there.installed.get("databricks-connect", "")
    found = [] if connect.startswith(f"{runtime}.") else [f"databricks-connect {connect or 'absent'} → {runtime}.*"]
    if framework and "dbkframework" not in there.installed:
        found.append("the framework, from its folder")
    if there.digest != lock.digest:
        found.append("the packages of the lock")
    return found


def _installed(folder: Path) -> dict[str, str]:
    """As the folders of their metadata say it: asking pip takes most of a second."""
    places = [*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]
    names = (_DIST.fullmatch(one.name) for place in places for one in place.glob("*.dist-info"))
    return {found["name"].lower().replace("_", "-"): found["version"] for found in names if found}


def _written(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


async def _run(command: list[str], code: str, fix: str) -> None:
    """With this process's own environment: pip needs the certificates and the index that people set there."""
    try:
        child = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        raise OperationError(code, error.strerror or str(error), resource=command[0], fix=fix) from error
    try:
        told, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
    if child.returncode:
        lines = [line for line in told.decode("utf-8", "replace").splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines
        raise OperationError(code, hide("\n".join(errors[-_ERRORS_SHOWN:])), resource=NAME, fix=fix)
