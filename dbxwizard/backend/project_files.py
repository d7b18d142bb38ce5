"""The files of a new project: what `init` and the wizard write into its folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dbxwizard import bundled
from dbxwizard.backend.workflows.files import Choices, rendered
from dbxwizard.backend.workflows.install_from import Source
from dbxwizard.backend.workflows.update import carried, read_base, source_of

FOLDERS = ("environments", "bicep", "framework")


def write_missing(
    root: Path, *, force: bool = False, choices: Choices | None = None, install: Source | None = None
) -> tuple[list[str], list[str]]:
    """Writes what a project has and `root` lacks, with `force` also what differs.

    `choices` and `install`: None for what was written before, else the defaults. Returns the paths that were written,
    and those of the user's that differ and were kept. Raises OSError, UsageError.
    """
    base = read_base(root)
    choices = choices or (base.choices if base else Choices())
    install = install or source_of(base)
    written, kept = [], []
    for name, content in _shipped(choices, install):
        target = root / name
        present = target.read_bytes() if target.is_file() else None
        if present == content:
            continue
        if present is not None and not force:
            kept.append(name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        written.append(name)
    return written, kept


def _shipped(choices: Choices, install: Source) -> Iterator[tuple[str, bytes]]:
    for folder in FOLDERS:
        yield from bundled.files(folder)
    for name, text in rendered(choices, install.lines).items():
        yield name, text.encode()
    yield from carried(choices, install).items()
    yield "README.md", (Path(__file__).parent / "data" / "project-readme.md").read_bytes()
