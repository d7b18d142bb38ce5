"""The lines at the edges of every screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Footer, Static
from textual.widgets._footer import FooterKey

from dbxwizard.core.advice import advise
from dbxwizard.core.errors import OperationError, each_error
from dbxwizard.screens.modes import MODES, WIZARD, Mode

_WIDE = 104  # columns from which modes have their whole names
_SHORT = 72  # columns from which they have short ones; below, only the one that is open has a name
_NARROW = 60  # below which the program's own name is left out


class TopBar(Horizontal):
    """What this is, what is being waited for, and where all of it happens: the sandbox is named on every screen."""

    waits: reactive[str] = reactive("")

    def __init__(self, heading: str) -> None:
        super().__init__()
        self._heading = heading
        self._under_way: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static(self._headed(), id="heading", markup=False)
        yield Static("", id="waits", classes="-none", markup=False)
        yield Static(self._world(), id="world", markup=False)

    def _headed(self) -> Text:
        program = () if self.app.size.width < _NARROW else (("dbxwizard", "bold"), "  ")
        return Text.assemble(*program, self._heading)

    def on_resize(self) -> None:
        """Once the screen has its breadth: a heading that is hidden meanwhile would keep the width of its old words."""
        self.call_after_refresh(self._draw_heading)

    def _draw_heading(self) -> None:
        self.query_one("#heading", Static).update(self._headed())

    def _world(self) -> str:
        opening = getattr(self.app, "opening", None)
        words = [word for word, said in (("SANDBOX", "sandbox"), ("READ-ONLY", "read_only")) if _is(opening, said)]
        return "  ".join(words)

    def watch_waits(self, waits: str) -> None:
        for place in self.query("#waits").results(Static):  # none before it is mounted, and once its page is left
            place.update(f"… {waits}" if waits else "")
            place.set_class(not waits, "-none")  # the heading has its room

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Shows `what` while it lasts; of several the newest."""
        self._under_way.append(what)
        self.waits = what
        try:
            yield
        finally:
            self._under_way.remove(what)
            self.waits = self._under_way[-1] if self._under_way else ""


def _is(opening: object, name: str) -> bool:
    return bool(getattr(opening, name, False))


class ErrorBar(Static):
    """What went wrong and what to do about it, until it is dismissed."""

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self.text = ""
        self.display = False

    def show(self, error: OperationError) -> None:
        self.text = "\n".join(map(_described, each_error(error)))
        self.update(Text.assemble(("✗ error  ", "bold"), self.text, ("\nx dismisses, y copies", "dim")))
        self.display = True

    def hide(self) -> None:
        self.text = ""
        self.display = False


def _described(error: OperationError) -> str:
    where = f"{error.location or error.resource}: " if error.location or error.resource else ""
    fix = advise(error)
    return f"{where}{error.code}: {error.message}" + (f"\n  → {fix}" if fix else "")


class ModeBar(Horizontal):
    """The modes with their keys; a click goes there."""

    def compose(self) -> ComposeResult:
        for mode in (WIZARD, *MODES):
            yield ModeLink(mode)

    def on_resize(self) -> None:
        """Not each link by itself: one that keeps its size hears of nothing."""
        for link in self.query(ModeLink):
            link.draw()


class ModeLink(Static):
    def __init__(self, mode: Mode) -> None:
        super().__init__("", markup=False)
        self._mode = mode
        self.tooltip = mode.help

    def on_mount(self) -> None:
        self.draw()

    def draw(self) -> None:
        width, here = self.app.size.width, self.app.current_mode == self._mode.name
        name = self._mode.title if width >= _WIDE else self._mode.short if here or width >= _SHORT else ""
        self.set_class(here, "-here")
        self.update(f"{self._mode.key} {'▸' if here else ''}{name}".rstrip())

    async def on_click(self, event: events.Click) -> None:
        event.stop()
        await self.app.run_action(f"app.go('{self._mode.name}')")


class KeyBar(Footer):
    """The keys of the screen. Where there is no room for all, those that lead to the others are among those shown."""

    _ALWAYS = ("leave", "keys")

    def compose(self) -> ComposeResult:
        keys = list(super().compose())
        always = [key for key in keys if isinstance(key, FooterKey) and key.action in self._ALWAYS]
        room = self.app.size.width - sum(map(_columns, always))
        for key in keys:
            room -= 0 if key in always else _columns(key)
            if key in always or room >= 0:
                yield key

    async def on_resize(self) -> None:
        await self.recompose()


def _columns(key: Widget) -> int:
    """How wide a key of the footer is, with the space behind it."""
    return len(key.key_display) + len(key.description) + 2 if isinstance(key, FooterKey) else 0
