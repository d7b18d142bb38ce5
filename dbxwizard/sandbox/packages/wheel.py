"""The wheel of the dbxwizard that runs: built from its source tree, or put together from what is installed.

Both give the same bytes for the same files (packaging.python.org/specifications/binary-distribution-format). What a
source tree gave is kept in the user's cache by the hash of its files, so it is built once.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from platformdirs import user_cache_path

import dbxwizard

_SOURCES = ("pyproject.toml", "README.md", "dbxwizard", "screens", "environments", "bicep", "framework", "workflows")
_LEFT_OUT = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", "dist", "build"})
_OF_THE_INSTALLER = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})
_EPOCH = (2020, 2, 2, 0, 0, 0)  # what hatchling writes too


class NoWheelError(Exception):
    """What there is of dbxwizard makes no wheel; says why."""


def running_wheel() -> tuple[str, bytes]:
    """File name and content. Raises NoWheelError."""
    root = Path(dbxwizard.__file__).parent.parent
    if (root / "pyproject.toml").is_file() and (root / "workflows").is_dir():
        return _of_source(root)
    try:
        return _of_installed(distribution("dbxwizard"))
    except (PackageNotFoundError, OSError) as error:
        raise NoWheelError(str(error)) from error


@cache  # what runs was loaded once; hashing its files takes 60 ms
def _of_source(root: Path) -> tuple[str, bytes]:
    kept = user_cache_path("dbxwizard") / "wheels" / _digest(root)
    found = list(kept.glob("*.whl"))
    if not found:
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as folder:
            made = _build(root, Path(folder))
            found = [made.replace(kept / made.name)]
    return found[0].name, found[0].read_bytes()


def _build(root: Path, folder: Path) -> Path:
    """With the project's own backend, without network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    made = list(folder.glob("*.whl"))
    if ended.returncode or not made:
        raise NoWheelError(ended.stderr.strip() or ended.stdout.strip())
    return made[0]


def _digest(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(_files(root)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for name in _SOURCES:
        for folder, folders, files in os.walk(root / name):
            folders[:] = [inner for inner in folders if inner not in _LEFT_OUT]
            yield from (Path(folder, file) for file in files if not file.endswith(".pyc"))
        if (root / name).is_file():
            yield root / name


def _of_installed(installed: Distribution) -> tuple[str, bytes]:
    """The files that the installer recorded, without those that it made itself."""
    found = {
        file.as_posix(): Path(str(installed.locate_file(file))).read_bytes()
        for file in installed.files or ()
        if ".." not in file.parts and "__pycache__" not in file.parts and file.name not in _OF_THE_INSTALLER
    }
    info = next((name.partition("/")[0] for name in found if name.endswith(".dist-info/METADATA")), "")
    if not info:
        raise NoWheelError("the installed dbxwizard has no record of its files")
    return f"{info.removesuffix('.dist-info')}-py3-none-any.whl", _packed(found, f"{info}/RECORD")


def _packed(files: Mapping[str, bytes], record: str) -> bytes:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        writer.writerow((name, f"sha256={digest}", len(content)))
    writer.writerow((record, "", ""))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, record: lines.getvalue().encode()}.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()
