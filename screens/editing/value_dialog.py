"""The dialog in which a value is written or picked: a line to write in, what can be chosen, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Label, Static
from textual.widgets.option_list import Option

from dbxwizard.parameters.editing.choices import LIVE_KINDS, Choice, Choices, LiveList, LiveLists
from dbxwizard.screens.picking import MOST, SearchDialog, holds
from dbxwizard.screens.widgets import Choices as ChoiceList

_PAUSE = 0.3  # seconds without a key after which a directory is asked for what was written


class ValueDialog(SearchDialog[str | None]):
    """Gives what was written or chosen, None for escape.

    `written` is what stands in the line first; `check` says what is wrong with a value ("" for nothing). With a closed
    list only what is in it can be given.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "take_over", "Take the choice into the line", show=False, priority=True),
    ]

    nothing = None

    class Listed(Message):
        """The services answered, of what was written when they were asked ("": of everything)."""

        def __init__(self, found: LiveList | None, text: str) -> None:
            super().__init__()
            self.found, self.text = found, text

    def __init__(
        self,
        title: str,
        help_text: str,
        choices: Choices | None,
        written: str = "",
        *,
        check: Callable[[str], str] = lambda _: "",
        live: LiveLists | None = None,
        environment: str = "",
    ) -> None:
        super().__init__()
        self._title, self._help, self._written, self._check = title, help_text, written, check
        self._choices = choices or Choices("", ())
        self._live, self._environment = live, environment
        self._found: list[Choice] = []
        self._touched = False
        self._whole = True
        self._pause: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Label(self._title, id="title", markup=False)
            yield Static(self._help, id="help", markup=False)
            yield Input(self._written, id="written", compact=True, select_on_focus=True)
            yield Static("", id="wrong", markup=False)
            if self._choices.items:
                yield ChoiceList(id="choices")
            yield Static("", id="source", markup=False)

    def on_mount(self) -> None:
        self._fill()
        self.query_one(Input).focus()
        if self._live and self._choices.kind in LIVE_KINDS:
            self._say_source("bundled list; asking the services …")
            self._fetch(self._live)
        elif self._choices.kind in LIVE_KINDS:
            self._say_source("bundled list; signed in, the services give theirs")

    @work(exclusive=True, group="live")
    async def _fetch(self, live: LiveLists, text: str = "") -> None:
        found = await live.fetch(self._choices.kind, self._environment, text)
        self.post_message(self.Listed(found, text))

    @on(Listed)
    def show_live(self, message: Listed) -> None:
        items = message.found.items if message.found else ()
        if items:
            known = {one.value: one for one in self._choices.items}
            noted = {one.value: one if one.note else known.get(one.value, one) for one in items}
            kept = known if message.text else {}
            self._choices = Choices(self._choices.kind, tuple((kept | noted).values()), self._choices.closed)
            self._fill()
        if message.text:
            return
        self._whole = message.found is None or message.found.whole
        more = "" if self._whole else "; there are more: write how a name begins"
        self._say_source(f"from the services, just now{more}" if items else "bundled list; the services gave none")

    def _ask_for_more(self) -> None:
        """Once nobody types, of a list that is not whole."""
        written = self.query_one(Input).value
        if self._live and written:
            self._fetch(self._live, written)

    def _say_source(self, text: str) -> None:
        self.query_one("#source", Static).update(text)

    # the list

    def _fill(self) -> None:
        """All choices until something is written; then those that hold each word of it."""
        if not self._choices.items:
            return
        words = self.query_one(Input).value.casefold().split() if self._touched else []
        found = [one for one in self._choices.items if holds(f"{one.value} {one.note}", words)]
        if words:
            found.sort(key=lambda one: not one.value.casefold().startswith(words[0]))
        self._found = found[:MOST]
        listed = self.query_one(ChoiceList)
        listed.clear_options()
        listed.add_options([Option(_shown(one)) for one in self._found])
        if len(found) > MOST:
            listed.add_option(Option(Text(f"… and {len(found) - MOST} more: write to search"), disabled=True))
        same = [place for place, one in enumerate(self._found) if one.value == self._written]
        value = self.query_one(Input).value
        if self._found and (same or self._choices.closed or (self._touched and value and self._check(value))):
            listed.highlighted = same[0] if same else 0  # enter takes a choice rather than half a word

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._written:
            self._touched = True
        if not self._whole:
            if self._pause is not None:
                self._pause.stop()
            self._pause = self.set_timer(_PAUSE, self._ask_for_more)
        self._fill()
        self.query_one("#wrong", Static).update(self._wrong(event.value))

    def _wrong(self, value: str) -> str:
        if self._choices.closed:
            return "" if self._found else "nothing like it in the list"
        wrong = self._check(value)
        return f"! {wrong}" if wrong and self._touched else ""

    def _highlighted(self) -> Choice | None:
        lists = self.query(ChoiceList)
        place = lists.first().highlighted if lists else None
        return self._found[place] if place is not None and place < len(self._found) else None

    def action_take_over(self) -> None:
        """So that a choice can be changed before it is taken."""
        chosen = self._highlighted()
        if chosen:
            self.query_one(Input).value = chosen.value
            self.query_one(Input).cursor_position = len(chosen.value)

    # the answer

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        event.stop()
        chosen = self._highlighted()
        if self._choices.closed:
            if chosen:
                self.dismiss(chosen.value)
        elif chosen:
            self._give(chosen.value)
        else:
            self.dismiss(event.value)

    def _give(self, value: str) -> None:
        """A choice such as `user:` only starts a value."""
        if value.endswith(":"):
            self.action_take_over()
        else:
            self.dismiss(value)

    @on(ChoiceList.OptionSelected)
    def take_clicked(self, event: ChoiceList.OptionSelected) -> None:
        event.stop()
        if event.option_index < len(self._found):
            self._give(self._found[event.option_index].value)


def _shown(choice: Choice) -> Text:
    return Text.assemble(choice.value, (f"  {choice.note}", "dim") if choice.note else "")
