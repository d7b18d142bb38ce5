"""What is wrong with a text that is being edited, at its line, its offset and its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from dbxwizard.parameters.checks import Checker
from dbxwizard.parameters.collisions import collisions
from dbxwizard.parameters.credentials import show
from dbxwizard.parameters.document import Document
from dbxwizard.parameters.edit import as_json
from dbxwizard.parameters.editing.paths import FieldPath, path_at, shape_at
from dbxwizard.parameters.loading import Loaded, inspect
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Node
from dbxwizard.parameters.problems import Problem
from dbxwizard.parameters.syntax import Parsed, parse


@dataclass(frozen=True, slots=True)
class Mark:
    """A problem at an offset of the text and at a field."""

    problem: Problem
    offset: int
    path: FieldPath

    @property
    def is_error(self) -> bool:
        return self.problem.severity == "error"


class Snapshot(NamedTuple):
    """A text as it was at one moment, so that another thread can look at it."""

    document: Document
    text: str
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Analysis:
    """Of one `revision` of a text. `parsed` is the text as it is written, `loaded` what it says in the current form;
    `shared` are problems that only several files together have."""

    revision: int
    text: str
    parsed: Parsed
    loaded: Loaded
    own: tuple[Mark, ...]
    shared: tuple[Mark, ...] = ()

    @property
    def root(self) -> Node | None:
        """The tree, where the text has one that can be trusted."""
        return self.parsed.root if self.parsed.sound else None

    @property
    def marks(self) -> tuple[Mark, ...]:
        """All, in order of place."""
        return tuple(sorted((*self.own, *self.shared), key=lambda mark: mark.offset)) if self.shared else self.own


def analyse(snapshot: Snapshot) -> Analysis:
    """Reads and checks a text as if it stood in the document's file. Never raises; takes about a second per MB."""
    edited = replace(snapshot.document, text=snapshot.text, problem=None)
    loaded = inspect(edited)
    rewritten = loaded.rewritten
    parsed = rewritten.parsed if rewritten and rewritten.text == snapshot.text else parse(snapshot.text)
    return Analysis(snapshot.revision, snapshot.text, parsed, loaded, _marks(loaded, parsed.root, loaded.problems))


def analyse_all(snapshots: Mapping[Path, Snapshot], known: Mapping[Path, Analysis]) -> dict[Path, Analysis]:
    """All files, those again whose text is another than in `known`, with what only several files together can show."""
    alone = {
        path: known[path] if path in known and known[path].revision == one.revision else analyse(one)
        for path, one in snapshots.items()
    }
    together = list(collisions([analysis.loaded for analysis in alone.values()]))
    return {path: _with(analysis, together) for path, analysis in alone.items()}


def _with(analysis: Analysis, problems: Sequence[Problem]) -> Analysis:
    own = [problem for problem in problems if problem.location.file == analysis.loaded.document.name]
    return replace(analysis, shared=_marks(analysis.loaded, analysis.parsed.root, own))


def _marks(loaded: Loaded, root: Node | None, problems: Sequence[Problem]) -> tuple[Mark, ...]:
    offsets = [(problem, loaded.document.offset(problem.location)) for problem in problems]
    return tuple(Mark(problem, offset, path_at(root, offset)) for problem, offset in offsets)


def wrong_with(path: FieldPath, value: JsonValue) -> str:
    """What is wrong with a value at a path, as far as it can be seen without the rest of the file; "" for nothing."""
    shape, node = shape_at(path), parse(as_json(value)).root
    if shape is None or node is None:
        return ""
    checker = Checker(str, set(), ci=False, project=None)
    checker.value(node, shape, show(str(path[-1])))
    return next((f"{one.message}; {one.fix}" if one.fix else one.message for one in checker.findings), "")
