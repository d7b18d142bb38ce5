"""A picture of what is under way, drawn anew where it stands on the terminal, and lines that stay above it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

_FRAMES_PER_SECOND = 8


class Board:
    """A context manager; the picture is gone after it. `draw` is called for each frame, and once at the beginning."""

    def __init__(self, draw: Callable[[], RenderableType], *, colour: bool) -> None:
        self.console = Console(stderr=True, no_color=not colour, highlight=False)
        self._live = Live(
            console=self.console, get_renderable=draw, refresh_per_second=_FRAMES_PER_SECOND, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._live.stop()
