"""The jobs of a run as stages beside each other: what needs nothing, what needs that, and so on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from dbxwizard.screens.words import of_workflow

if TYPE_CHECKING:
    from dbxwizard.backend.console.github_runs import Node

_ARROW = " ─▶ "
_LEAST = 8  # columns of a stage
_MOST = 28
_ROWS = 6  # jobs of a stage that are drawn


def stages(nodes: Sequence[Node]) -> list[list[Node]]:
    """Each job one stage after the last of those that it needs. A job may need what the file lacks, or itself."""
    known, depth = {node.id: node for node in nodes}, dict.fromkeys((node.id for node in nodes), 0)
    for _ in nodes:  # no way from job to job is longer
        for node in nodes:
            needed = [depth[one] + 1 for one in node.needs if one in known]
            depth[node.id] = min(max(needed, default=0), len(nodes))
    columns: dict[int, list[Node]] = {}
    for node in nodes:
        columns.setdefault(depth[node.id], []).append(node)
    return [columns[place] for place in sorted(columns)]


def strip(columns: Sequence[Sequence[Node]], width: int, colours: dict[str, str]) -> Text:
    """The stages side by side, as far as there is room for them."""
    cells = [_stage(column) for column in columns]
    wide = [max(len(text) for text, _ in stage) for stage in cells]
    room = max((width - len(_ARROW) * (len(columns) - 1)) // max(len(columns), 1), _LEAST)
    if sum(wide) + len(_ARROW) * (len(columns) - 1) > width:
        wide = [min(one, room, _MOST) for one in wide]
    lines = []
    for row in range(max((len(stage) for stage in cells), default=0)):
        line = Text(no_wrap=True, overflow="ellipsis")
        for place, stage in enumerate(cells):
            text, style = stage[row] if row < len(stage) else ("", "")
            short = text if len(text) <= wide[place] else f"{text[: wide[place] - 1]}…"
            line.append(short.ljust(wide[place]), colours.get(style, ""))
            if place < len(cells) - 1:
                line.append(_ARROW if row == 0 else " " * len(_ARROW), "dim")
        lines.append(line)
    return Text("\n").join(lines)


def named(node: Node, name: str) -> str:
    """By its id while its name is not known: GitHub computes it when the job begins, never for one that is skipped."""
    return node.id if "${{" in name else name


def _stage(column: Sequence[Node]) -> list[tuple[str, str]]:
    """Each job with its state: its glyph, and a colour of the theme."""
    found = [one for node in column for one in _shown(node)]
    rest = len(found) - _ROWS
    return [*found[: _ROWS - 1], (f"… {rest + 1} more", "")] if rest > 0 else found


def _shown(node: Node) -> list[tuple[str, str]]:
    signs = [(named(node, job.name), of_workflow(job.state)) for job in node.jobs]
    signs = signs or [(named(node, node.title), of_workflow(""))]
    return [(f"{sign.glyph} {name}", sign.style) for name, sign in signs]
