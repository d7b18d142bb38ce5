"""The line about the matrices at the end of a test run, whichever workers ran them."""

from __future__ import annotations

from collections import Counter
from typing import Any

_COUNTS = ("matrix Kill", "matrix Disturbed", "matrix AtOnce")


def line(reports: list[Any]) -> str:
    """What the shards have noted, summed up; "" where none ran."""
    noted = [pair for report in reports if report.when == "call" for pair in report.user_properties]
    sums: Counter[str] = Counter()
    for name, value in noted:
        if name in _COUNTS:
            sums[name] += value
    found = dict(noted)
    if not sums:
        return ""
    kills, faults, twice = (sums[name] for name in _COUNTS)
    return (
        f"matrix: {kills} kill cases over {found['matrix writes']} writes, {faults} fault cases over "
        f"{found['matrix routes']} routes, {twice} times two runs at once"
    )
