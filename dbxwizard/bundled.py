"""The files that `init` writes and deploy reads, in an installed package as in a checkout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

WORKFLOWS = (
    "checks.yml",
    "deploy.yml",
    "development.yml",
    "uat.yml",
    "preproduction.yml",
    "production.yml",
    "full-deployment.yml",
    "drift.yml",
)
_PACKAGE = Path(__file__).parent
_LEFT_OUT = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", "dist", "build", ".hypothesis"})


def folder(name: str) -> Path:
    """A shipped folder (`environments`, `bicep`, `framework`, `workflows`): in _data, or beside the package."""
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def files(name: str) -> Iterator[tuple[str, bytes]]:
    """Each file of a shipped folder: its path with `name/` before it, and its content, sorted by path."""
    root = folder(name)
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and not _LEFT_OUT.intersection(relative.parts) and path.suffix != ".pyc":
            yield f"{name}/{relative.as_posix()}", path.read_bytes()
