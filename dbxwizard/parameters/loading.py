"""Reads environment files: what they say, and everything that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.errors import Location
from dbxwizard.parameters import credentials
from dbxwizard.parameters.build import build
from dbxwizard.parameters.checks import check
from dbxwizard.parameters.collisions import collisions
from dbxwizard.parameters.document import Document, read
from dbxwizard.parameters.fields import ENVIRONMENT, KNOWN_ENVIRONMENTS
from dbxwizard.parameters.model import Environment
from dbxwizard.parameters.nodes import to_value
from dbxwizard.parameters.problems import Finding, Problem, bounded, has_errors, in_order
from dbxwizard.parameters.rewrite import Rewritten, rewrite


@dataclass(frozen=True, slots=True)
class Loaded:
    """One file. `environment` is None where a problem is an error. `draft` is there too where nothing but `<>` is left
    to fill in (each of them ""): setup starts from it. `rewritten` is the text in the current form, None where there is
    no text."""

    environment: Environment | None
    problems: tuple[Problem, ...]
    document: Document
    draft: Environment | None = None
    rewritten: Rewritten | None = None

    def location(self, offset: int) -> Location:
        """Where an offset of the rewritten tree is in the file."""
        return self.document.location(self.rewritten.original(offset) if self.rewritten else 0)


@dataclass(frozen=True, slots=True)
class LoadedAll:
    """Several files. `environments` holds those without an error; `problems` are those of all, files in order."""

    environments: tuple[Environment, ...]
    problems: tuple[Problem, ...]
    files: tuple[Loaded, ...]


def load(path: Path | str, *, ci: bool = False) -> Loaded:
    """Reads one file, any path. Whatever is wrong is in `problems`; never raises for what a file can be.

    `ci`: a pipeline reads it, so that `me` and `user:…` are errors.
    """
    return inspect(read(Path(path)), ci=ci)


def inspect(document: Document, *, ci: bool = False) -> Loaded:
    """As `load`, of what was read already: `document.text` may be what somebody is about to write."""
    if document.problem:
        return Loaded(None, (document.problem,), document)
    rewritten = rewrite(document.text)
    findings = bounded(_findings(document, rewritten, ci))
    problems = in_order(document.describe(finding) for finding in findings)
    draft = _draft(document.path, rewritten, problems)
    return Loaded(None if has_errors(problems) else draft, problems, document, draft, rewritten)


def _findings(document: Document, rewritten: Rewritten, ci: bool) -> list[Finding]:
    """All of a file, at offsets of its own text."""
    root = rewritten.parsed.root if rewritten.parsed.sound else None
    secrets = credentials.findings(rewritten.text, root)
    checked: list[Finding] = []
    if root:
        hidden = {finding.offset for finding in secrets}
        project = project_root(document.path)
        checked = check(root, ENVIRONMENT, place=_place(document, rewritten), hidden=hidden, ci=ci, project=project)
    moved = [
        Finding(rewritten.original(one.offset), one.severity, one.code, one.message, one.fix)
        for one in (*secrets, *checked)
    ]
    return [*rewritten.findings, *moved]


def _place(document: Document, rewritten: Rewritten) -> Callable[[int], str]:
    def place(offset: int) -> str:
        location = document.location(rewritten.original(offset))
        return f"{location.line}:{location.column}"

    return place


def _draft(path: Path, rewritten: Rewritten, problems: Iterable[Problem]) -> Environment | None:
    root = rewritten.parsed.root
    if root is None or any(one.severity == "error" and one.code != "placeholder" for one in problems):
        return None
    return build(to_value(root), path, project_root(path))


def load_all(where: Path | str | Iterable[Path | str], *, ci: bool = False) -> LoadedAll:
    """Reads the environment files of a folder (the project's or environments/ itself), or the files named.

    Checks across the files too: two environments of one name, two that would make the same resource.
    """
    paths = find_files(Path(where)) if isinstance(where, Path | str) else tuple(Path(path) for path in where)
    if not paths:
        folder = str(where) if isinstance(where, Path | str) else "."
        message = "no environment file here"
        problem = Problem(Location(folder), "error", "no-files", message, "run dbxwizard init, or name the files")
        return LoadedAll((), (problem,), ())
    files = tuple(load(path, ci=ci) for path in paths)
    problems = in_order([*(problem for file in files for problem in file.problems), *collisions(files)])
    wrong = {problem.location.file for problem in problems if problem.severity == "error"}
    environments = (file.environment for file in files if file.environment and file.document.name not in wrong)
    return LoadedAll(tuple(environments), problems, files)


def validate(where: Path | str | Iterable[Path | str], *, ci: bool = False) -> tuple[Problem, ...]:
    """All problems of these files, in order of place."""
    return load_all(where, ci=ci).problems


def find_files(root: Path | str) -> tuple[Path, ...]:
    """The files in environments/ below `root` (or in `root` where there is no such folder) without schema.json:
    Development, UAT, PreProduction, Production, then others by name."""
    folder = Path(root) / "environments"
    folder = folder if folder.is_dir() else Path(root)
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() == ".json" and path.name != "schema.json"]
    except OSError:
        return ()
    known = {name: index for index, name in enumerate(KNOWN_ENVIRONMENTS)}
    return tuple(sorted(found, key=lambda path: (known.get(path.stem, len(known)), path.name)))


def project_root(path: Path) -> Path:
    """The folder that paths in a file start from: the one that holds environments/; for a file elsewhere the nearest
    one that is a git repository, else the file's own."""
    folder = path.absolute().parent
    if folder.name == "environments":
        return folder.parent
    return next((one for one in (folder, *folder.parents) if os.path.exists(one / ".git")), folder)
