"""Styles of parts that a widget draws itself."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget


def ink(widget: Widget, part: str) -> Style:
    """A component's style without its background, so that the line under the cursor keeps its own."""
    full = widget.get_component_rich_style(part)
    return Style(color=full.color, bold=full.bold, italic=full.italic, underline=full.underline)


def paper(widget: Widget, part: str) -> Style:
    """A component's background, with what the theme has to be read on it."""
    full = widget.get_component_rich_style(part)
    return Style(bgcolor=full.bgcolor, bold=full.bold)
