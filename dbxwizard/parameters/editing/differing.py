"""The shortest way from one sequence to another (E. W. Myers, An O(ND) Difference Algorithm, 1986).

difflib is no good here: files with 200 like entries take it minutes without its heuristic, and with it a small change
in each entry counts as one change of the whole file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Block: TypeAlias = tuple[int, int, int, int]  # before[i1:i2] became after[j1:j2]

MOST_DIFFERENCES = 1000  # time and memory grow with its square: 0.2 s and 4 MB; beyond it, all in between differs


def blocks(before: Sequence[str], after: Sequence[str]) -> list[Block]:
    """The stretches that differ, in order; what lies between them is the same."""
    most = min(len(before), len(after))
    start = 0
    while start < most and before[start] == after[start]:
        start += 1
    end = 0
    while end < most - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    steps = _steps(old, new)
    if steps is None:
        return [(start, start + len(old), start, start + len(new))]
    return [(i1 + start, i2 + start, j1 + start, j2 + start) for i1, i2, j1, j2 in _grouped(steps)]


def _steps(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, bool]] | None:
    """Each element taken out (True) or put in (False), with both positions before it; None where there are too many."""
    reached: list[list[int]] = []  # by number of differences: how far each diagonal got, from the lowest one
    for distance in range(min(len(old) + len(new), MOST_DIFFERENCES) + 1):
        ends = []
        for diagonal in range(-distance, distance + 1, 2):
            x = _next(reached[-1], distance, diagonal)[1] if distance else 0
            y = x - diagonal
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            ends.append(x)
            if x >= len(old) and y >= len(new):
                return _back(reached, len(old), len(new))
        reached.append(ends)
    return None


def _next(ends: list[int], distance: int, diagonal: int) -> tuple[bool, int]:
    """Whether the best step onto a diagonal takes an element out of the old one, and where it ends."""
    above = (diagonal + distance) // 2  # the place of diagonal + 1 in the round before
    put_in = ends[above] if above < distance else -1
    taken_out = ends[above - 1] + 1 if above > 0 else -1
    return (True, taken_out) if taken_out > put_in else (False, put_in)


def _back(reached: list[list[int]], x: int, y: int) -> list[tuple[int, int, bool]]:
    steps: list[tuple[int, int, bool]] = []
    for distance in range(len(reached), 0, -1):
        diagonal = x - y
        out, end = _next(reached[distance - 1], distance, diagonal)
        x, y = (end - 1, end - diagonal) if out else (end, end - diagonal - 1)
        steps.append((x, y, out))
    return steps[::-1]


def _grouped(steps: list[tuple[int, int, bool]]) -> list[Block]:
    found: list[Block] = []
    for x, y, out in steps:
        step = (x, x + out, y, y + (not out))
        if found and found[-1][1] == x and found[-1][3] == y:
            found[-1] = (found[-1][0], step[1], found[-1][2], step[3])
        else:
            found.append(step)
    return found
