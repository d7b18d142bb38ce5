"""The environment files as the wizard lists them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.backend.project import loaded_files
from dbxwizard.parameters import Loaded, Problem


@dataclass(frozen=True, slots=True)
class EnvironmentFile:
    """`problems`: what has to be mended before anything is deployed; `blanks`: how many values setup fills in."""

    name: str
    file: str
    region: str
    resource_group: str
    clusters: int
    jobs: int
    problems: tuple[str, ...]
    blanks: int


def environment_files(root: Path) -> tuple[EnvironmentFile, ...]:
    loaded = loaded_files(root)
    of_file: dict[str, list[Problem]] = defaultdict(list)
    for one in loaded.problems:
        if one.severity == "error":
            of_file[one.location.file].append(one)
    return tuple(_seen(file, of_file[file.document.name]) for file in loaded.files)


def _seen(file: Loaded, problems: list[Problem]) -> EnvironmentFile:
    draft, wrong = file.draft, [one for one in problems if one.code != "placeholder"]
    return EnvironmentFile(
        name=draft.name if draft else file.document.path.stem,
        file=file.document.path.name,
        region=draft.location if draft else "",
        resource_group=draft.resources.resource_group if draft else "",
        clusters=len(draft.clusters) if draft else 0,
        jobs=len(draft.jobs) if draft else 0,
        problems=tuple(map(_told, wrong)),
        blanks=len(problems) - len(wrong),
    )


def _told(problem: Problem) -> str:
    where = f"line {problem.location.line}, column {problem.location.column}"
    return f"{where}: {problem.message}" + (f"; {problem.fix}" if problem.fix else "")
