"""Builds a project's wheel: with the project's own backend, without network and isolation, the same bytes each time.

The version gets a local segment with the hash of the project's files (`0.1.0+d1a2b3c4e`), so that a changed wheel never
has the version of another. The backend runs in a process of its own on a copy of the project; what it built is then
renamed as the wheel format says (packaging.python.org/specifications/binary-distribution-format), whatever the backend.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import io
import os
import re
import shutil
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.errors import OperationError

_LEFT_OUT = frozenset({"build", "dist", "__pycache__", "node_modules", "htmlcov"})
_LEFT_OUT_ENDINGS = (".egg-info", ".pyc", ".pyo")
_CREDENTIAL = re.compile(r"(?i)token|secret|passw(or)?d|credential|(^|_)pat(_|$)|_key$|connection_?string|assertion")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest moment that a zip can hold
_PATIENCE = 300.0  # seconds that a backend may take
_LEGACY_BACKEND = "setuptools.build_meta:__legacy__"  # of a project without [build-system] (PEP 517)
# Runs in the child: argv holds the backend, its search path and the folder for the wheel.
_CHILD = """
import importlib, os, sys
backend, paths, target = sys.argv[1], sys.argv[2], sys.argv[3]
sys.path[:0] = [os.path.abspath(path) for path in paths.split(os.pathsep) if path]
module, _, attribute = backend.partition(":")
hooks = importlib.import_module(module)
for name in attribute.split(".") if attribute else ():
    hooks = getattr(hooks, name)
print("wheel:" + hooks.build_wheel(target))
"""


@dataclass(frozen=True, slots=True)
class Wheel:
    file_name: str
    version: str
    content: bytes

    @property
    def stored_name(self) -> str:
        """With its length in bytes as the build tag, which installers only choose by: so a list of files shows one that
        was overwritten (packaging.python.org/specifications/binary-distribution-format)."""
        distribution, version, *tags = self.file_name.split("-")
        return "-".join((distribution, version, str(len(self.content)), *tags[-3:]))


def stored_length(path: str) -> int | None:
    """The bytes that a wheel of this `stored_name` has; None where the name does not tell."""
    parts = path.rsplit("/", 1)[-1].split("-")
    return int(parts[2]) if len(parts) == 6 and parts[2].isdecimal() else None


def content_hash(project: Path) -> str:
    """`d` and eight hex digits over the paths and contents of the project's files; caches and build products apart.

    Raises OperationError `wheel-project` when there is no project or a file can't be read.
    """
    if not any((project / name).is_file() for name in ("pyproject.toml", "setup.py", "setup.cfg")):
        raise OperationError(
            "wheel-project",
            "it holds neither pyproject.toml nor setup.py",
            resource=str(project),
            fix="Name the folder of the Python project in WheelFiles.",
        )
    digest = hashlib.sha256()
    try:
        for path in sorted(source_files(project)):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(project).as_posix()}\0{len(content)}\0".encode() + content)
    except OSError as error:
        raise OperationError("wheel-project", f"it can't be read: {error}", resource=str(project)) from error
    return f"d{digest.hexdigest()[:8]}"


def source_files(folder: Path) -> Iterator[Path]:
    """What a wheel is built from; caches and build products apart."""
    for path in folder.iterdir():
        if path.name in _LEFT_OUT or path.name.startswith(".") or path.name.endswith(_LEFT_OUT_ENDINGS):
            continue
        if path.is_dir():
            yield from source_files(path)
        elif path.is_file():
            yield path


def distribution_of(file_name: str) -> str:
    """The normalised name of the distribution that a wheel's file name begins with."""
    return _normal(file_name.split("-", 1)[0])


def distribution_name(project: Path) -> str:
    """The normalised name that pyproject.toml gives the project; "" where it gives none, or can't be read."""
    try:
        return _normal(str(tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["name"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class WheelBuilds:
    """Builds each content once, however many environments want it."""

    def __init__(self) -> None:
        self._tasks: dict[tuple[Path, str], asyncio.Future[Wheel]] = {}
        self._begun: set[asyncio.Future[None]] = set()

    def begin(self, project: Path) -> None:
        """Builds ahead what is going to be asked for; an error is told to whoever asks."""
        begun = asyncio.ensure_future(self._ahead(project))
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)

    async def _ahead(self, project: Path) -> None:
        with suppress(OperationError):
            await self.wheel(project, await asyncio.to_thread(content_hash, project))

    async def wheel(self, project: Path, mark: str) -> Wheel:
        """As `build`."""
        key = project, mark
        task = self._tasks.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._tasks[key] = asyncio.ensure_future(build(project, mark))
        return await asyncio.shield(task)  # one environment that is cancelled must not take it from the others


async def build(project: Path, mark: str) -> Wheel:
    """The wheel of `project`, `mark` (see content_hash) in its version. Raises OperationError `wheel-build-failed`."""
    try:
        with tempfile.TemporaryDirectory(prefix="dbxwizard-wheel-") as folder:
            source, target = Path(folder, "source"), Path(folder, "wheel")
            await asyncio.to_thread(_prepare, project, source, target)
            await _run_backend(project, source, target)
            return await asyncio.to_thread(_taken, project, target, mark)
    except OSError as error:
        raise OperationError(
            "wheel-build-failed",
            error.strerror or str(error),
            resource=str(error.filename or project),
            fix="See that the project may be read, and that there is room where it is built; TMPDIR names that folder.",
        ) from error


def _prepare(project: Path, source: Path, target: Path) -> None:
    target.mkdir()
    for path in source_files(project):
        copied = source / path.relative_to(project)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copied)


def _taken(project: Path, target: Path, mark: str) -> Wheel:
    """What the backend has put into `target`."""
    built = next(target.glob("*.whl"), None)
    if built is None:
        raise _failed(project, "the backend made no wheel")
    try:
        return _marked(built, mark)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise _failed(project, f"what the backend made is no wheel: {error}") from error


def _backend(project: Path, source: Path) -> tuple[str, str]:
    """The backend of the project and where its own files are searched first, separated as in PYTHONPATH."""
    file = source / "pyproject.toml"
    try:
        system = tomllib.loads(file.read_text("utf-8")).get("build-system", {}) if file.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _failed(project, f"pyproject.toml can't be read: {error}") from error
    return system.get("build-backend", _LEGACY_BACKEND), os.pathsep.join(system.get("backend-path", []))


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the backend of a project may know: no credential, which it has no use for."""
    return {name: value for name, value in environ.items() if not _CREDENTIAL.search(name)}


async def _run_backend(project: Path, source: Path, target: Path) -> None:
    backend, paths = _backend(project, source)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CHILD, backend, paths, str(target),
        cwd=source, env=_environment(os.environ),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _PATIENCE)
    except TimeoutError as error:
        raise _failed(project, f"the backend {backend} took more than {_PATIENCE:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise _backend_error(project, backend, output.decode("utf-8", "replace"))


def _backend_error(project: Path, backend: str, output: str) -> OperationError:
    lines = [line for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    module = backend.partition(":")[0].partition(".")[0]
    if "ModuleNotFoundError" in last and f"'{module}" in last:
        fix = f"Install {module} beside dbxwizard: nothing is downloaded to build a wheel."
        return OperationError(
            "wheel-backend-missing", f"its backend {backend} is not here", resource=str(project), fix=fix
        )
    return _failed(project, last)


def _failed(project: Path, message: str) -> OperationError:
    return OperationError(
        "wheel-build-failed",
        message,
        resource=str(project),
        fix="Run `python -m build --wheel` in that folder to see all that the backend says.",
    )


def _marked(built: Path, mark: str) -> Wheel:
    """The wheel under its marked version, with fixed times and order."""
    name, version, tags = built.name.removesuffix(".whl").split("-", 2)
    marked = f"{version}{'.' if '+' in version else '+'}{mark}"
    before, after = f"{name}-{version}", f"{name}-{marked}"
    members: dict[str, bytes] = {}
    modes: dict[str, int] = {}
    with zipfile.ZipFile(built) as archive:
        for item in archive.infolist():
            if item.is_dir() or item.filename == f"{before}.dist-info/RECORD":
                continue
            path = re.sub(rf"^{re.escape(before)}\.(dist-info|data)/", rf"{after}.\1/", item.filename)
            members[path], modes[path] = archive.read(item), item.external_attr
    metadata = f"{after}.dist-info/METADATA"
    members[metadata] = re.sub(rb"(?m)^Version: .*$", f"Version: {marked}".encode(), members[metadata], count=1)
    members[f"{after}.dist-info/RECORD"] = _record(members, f"{after}.dist-info/RECORD")
    return Wheel(f"{after}-{tags}.whl", marked, _archive(members, modes))


def _record(members: dict[str, bytes], own: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for path, content in sorted(members.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        writer.writerow((path, f"sha256={digest}", len(content)))
    writer.writerow((own, "", ""))
    return text.getvalue().encode()


def _archive(members: dict[str, bytes], modes: dict[str, int]) -> bytes:
    """The metadata goes last, as the format recommends."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(members, key=lambda path: (".dist-info/" in path, path)):
            item = zipfile.ZipInfo(path, _EPOCH)
            item.external_attr, item.compress_type = modes.get(path, 0o100644 << 16), zipfile.ZIP_DEFLATED
            item.create_system = 3
            archive.writestr(item, members[path])
    return buffer.getvalue()
