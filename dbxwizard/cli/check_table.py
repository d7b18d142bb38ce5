"""Checks as lines for people: what was found, and behind an arrow what to do."""

from __future__ import annotations

from collections.abc import Iterable


def check_table(checks: Iterable[tuple[str, str, str, str]]) -> list[str]:
    """Of (verdict in a word, name, finding, remedy or "")."""
    rows = list(checks)
    width = max((len(name) for _, name, _, _ in rows), default=0)
    lines = []
    for verdict, name, found, fix in rows:
        lines.append(f"{verdict:<8} {name:<{width}}  {found}")
        lines += [f"{'':<8} {'':<{width}}  → {fix}"] if fix else []
    return lines
