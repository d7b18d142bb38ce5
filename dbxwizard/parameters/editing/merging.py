"""Puts two changes of one text together: three-way, by whole values, with a question where both changed the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from dbxwizard.parameters.edit import apply
from dbxwizard.parameters.editing.changes import changes
from dbxwizard.parameters.editing.paths import FieldPath, path_at
from dbxwizard.parameters.nodes import Node
from dbxwizard.parameters.problems import Edit
from dbxwizard.parameters.syntax import parse


class Side(Enum):
    MINE = "mine"
    THEIRS = "theirs"
    BOTH = "both"  # mine, then theirs


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place that both changed: what stood there, and what each made of it."""

    path: FieldPath
    base: str
    mine: str
    theirs: str

    @property
    def is_addition(self) -> bool:
        """Both only added something, so that both can stay."""
        return not self.base.strip()


@dataclass(frozen=True, slots=True)
class Merged:
    """The text in pieces; a Conflict stands where somebody has to choose."""

    pieces: tuple[str | Conflict, ...]

    @property
    def conflicts(self) -> list[Conflict]:
        return [piece for piece in self.pieces if isinstance(piece, Conflict)]

    def text(self, sides: Sequence[Side] = ()) -> str:
        """The text with one side chosen for each conflict, in order (mine where none is said)."""
        chosen = iter(sides)
        parts = (piece if isinstance(piece, str) else _choose(piece, next(chosen, Side.MINE)) for piece in self.pieces)
        text = "".join(parts)
        return text if len(self.pieces) == 1 else _with_commas(text)


def _choose(conflict: Conflict, side: Side) -> str:
    if side is Side.BOTH and conflict.is_addition:
        return conflict.mine + conflict.theirs
    return conflict.theirs if side is Side.THEIRS else conflict.mine


def _with_commas(text: str) -> str:
    """Where one removed the last entry and the other added one behind it, a comma is missing or too much."""
    edits = []
    for finding in parse(text).findings:
        if finding.code == "missing-comma":
            edits.append(Edit(finding.offset, finding.offset, ","))
        elif finding.code == "missing-value" and text.startswith(",", finding.offset):
            edits.append(Edit(finding.offset, finding.offset + 1, ""))
    return apply(text, edits)


def merge(base: str, mine: str, theirs: str) -> Merged:
    """Both changes of `base` together. Where that would be no JSON any more, the whole text is one conflict."""
    if mine in (base, theirs):
        return Merged((theirs,))
    if base == theirs:
        return Merged((mine,))
    merged = Merged(tuple(_pieces(base, changes(base, mine), changes(base, theirs))))
    worst = max(_errors(mine), _errors(theirs))
    count = len(merged.conflicts)
    readable = all(_errors(merged.text([side] * count)) <= worst for side in (Side.MINE, Side.THEIRS))
    return merged if readable else Merged((Conflict((), base, mine, theirs),))


def _errors(text: str) -> int:
    parsed = parse(text)
    return len([finding for finding in parsed.findings if finding.severity == "error"]) + 1000 * (not parsed.sound)


def _pieces(base: str, mine: list[Edit], theirs: list[Edit]) -> Iterator[str | Conflict]:
    root = parse(base).root
    position = 0
    for start, end, ours, other in _regions(mine, theirs):
        yield base[position:start]
        made = [apply(base[start:end], _moved(edits, -start)) for edits in (ours, other)]
        yield _decided(base[start:end], made[0], made[1], _around(root, start, end))
        position = end
    yield base[position:]


def _decided(base: str, mine: str, theirs: str, path: FieldPath) -> str | Conflict:
    """One of the two where the other one says nothing else."""
    if mine in (base, theirs):
        return theirs
    if theirs == base or mine.split() == theirs.split():
        return mine
    return Conflict(path, base, mine, theirs)


def _moved(edits: Sequence[Edit], by: int) -> list[Edit]:
    return [Edit(edit.start + by, edit.end + by, edit.text) for edit in edits]


def _regions(mine: list[Edit], theirs: list[Edit]) -> Iterator[tuple[int, int, list[Edit], list[Edit]]]:
    """Stretches of the base that one or both changed: start, end, and the edits of each."""
    both = [*((edit, 0) for edit in mine), *((edit, 1) for edit in theirs)]
    left = deque(sorted(both, key=lambda one: (one[0].start, one[0].end)))
    while left:
        edits: tuple[list[Edit], list[Edit]] = ([], [])
        start, end = left[0][0].start, left[0][0].end
        while left and _meets(left[0][0], start, end, bool(edits[1 - left[0][1]])):
            edit, side = left.popleft()
            edits[side].append(edit)
            end = max(end, edit.end)
        yield start, end, edits[0], edits[1]


def _meets(edit: Edit, start: int, end: int, other_changed: bool) -> bool:
    """Whether an edit belongs to a stretch: it overlaps it, or both add something at the same place."""
    if edit.start < end:
        return True
    return edit.start == start == end and (edit.end == edit.start or not other_changed)


def _around(root: Node | None, start: int, end: int) -> FieldPath:
    """The path of the smallest value that holds a stretch of the text."""
    first, last = path_at(root, start), path_at(root, max(start, end - 1))
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]
