"""A three-way merge of texts, line by line: what one side changed is taken, where both did the first side's stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True)
class Conflict:
    """Lines that both sides changed, each in its own way; `line` is where `ours` are in the merged text, from 1."""

    line: int
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    text: str
    conflicts: tuple[Conflict, ...] = ()


def merge(base: str, ours: str, theirs: str) -> Merged:
    """`ours` with what `theirs` changed of `base`. In a conflict the lines of `ours` stay."""
    old, mine, new = (text.splitlines(keepends=True) for text in (base, ours, theirs))
    lines: list[str] = []
    conflicts: list[Conflict] = []
    for was, is_mine, is_new in _regions(old, mine, new):
        if is_mine not in (was, is_new) and is_new != was:
            conflicts.append(Conflict(len(lines) + 1, tuple(is_mine), tuple(is_new)))
        lines += is_new if is_mine == was else is_mine
    return Merged("".join(lines), tuple(conflicts))


def _regions(
    old: Sequence[str], mine: Sequence[str], new: Sequence[str]
) -> Iterator[tuple[Sequence[str], Sequence[str], Sequence[str]]]:
    """The three texts cut at what all of them have in common, so that the parts in between belong together."""
    at, at_mine, at_new = 0, 0, 0
    for start, in_mine, in_new, length in _common(old, mine, new):
        yield old[at:start], mine[at_mine:in_mine], new[at_new:in_new]
        at, at_mine, at_new = start + length, in_mine + length, in_new + length
        yield old[start:at], old[start:at], old[start:at]


def _common(old: Sequence[str], mine: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Runs of lines of `old` that both others have: where each begins in the three, and how long; last an empty one."""
    in_mine, in_new = (_places(old, other) for other in (mine, new))
    run: tuple[int, int, int, int] | None = None
    for line in range(len(old)):
        if line not in in_mine or line not in in_new:
            continue
        here = (line, in_mine[line], in_new[line])
        if run and here == tuple(start + run[3] for start in run[:3]):
            run = (*run[:3], run[3] + 1)
            continue
        if run:
            yield run
        run = (*here, 1)
    if run:
        yield run
    yield len(old), len(mine), len(new), 0


def _places(old: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Where the lines of `old` are in `other`, for those that it has kept."""
    blocks = SequenceMatcher(None, old, other, autojunk=False).get_matching_blocks()
    return {block.a + offset: block.b + offset for block in blocks for offset in range(block.size)}
