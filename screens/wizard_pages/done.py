"""What was made, with its addresses, and what comes next; the same as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import many

if TYPE_CHECKING:
    from dbxwizard.backend.wizard.summary_views import Link, MadeEnvironment, PublishedValues, Summary, SummaryText

FILE = "dbxwizard-summary.md"


@dataclass
class SummaryMade(Message):
    found: SummaryText


class DonePage(WizardPage):
    key: ClassVar[str] = "done"
    needs: ClassVar[tuple[str, ...]] = ("subscription", "repo", "environments")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "save", "Save as a file"),
        Binding("r", "look", "Look again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._markdown = ""

    def content(self) -> Iterable[Widget]:
        yield Static("", id="note", classes="words", markup=False)
        yield Static("Next", classes="title", markup=False)
        yield Static("", id="next-things", markup=False)
        yield Static("Made", classes="title", markup=False)
        yield Static("", id="made", markup=False)
        yield Static("On GitHub", classes="title", markup=False)
        yield Static("", id="published", markup=False)

    def look(self) -> None:
        self.query_one("#next", Button).label = "To the console"
        self.request(self.ask.summary(), SummaryMade, "looking at what is there now")

    @on(SummaryMade)
    def show_summary(self, message: SummaryMade) -> None:
        found, self._markdown = message.found.summary, message.found.markdown
        self.query_one("#note", Static).update(found.note)
        self.query_one("#next-things", Static).update(_lines(_next(found)))
        self.query_one("#made", Static).update(_lines(_made(found)))
        self.query_one("#published", Static).update(_lines(_published(found)))

    def copied(self) -> str:
        return self._markdown

    def action_save(self) -> None:
        if self._markdown:
            self.program.save_text(FILE, self._markdown)

    def go_on(self) -> None:
        self.app.call_later(self.app.run_action, "app.go('environments')")


def _lines(parts: Iterable[Text]) -> Text:
    return Text("\n").join(parts)


def _next(found: Summary) -> Iterator[Text]:
    for number, thing in enumerate(found.next, 1):
        yield Text.assemble(f"{number}. ", (thing.title, "bold"), f"  {thing.words}")
        yield from (Text(f"   {how}", style="dim") for how in (thing.command, thing.url) if how)


def _made(found: Summary) -> Iterator[Text]:
    yield from (_link("application", link) for link in found.applications)
    for environment in found.environments:
        yield from _environment(environment)


def _environment(one: MadeEnvironment) -> Iterator[Text]:
    detail = f", {one.detail}" if one.detail else ""
    held = (("resource", one.resources), ("cluster", one.clusters), ("job", one.jobs))
    counts = ", ".join(many(len(things), what) for what, things in held)
    yield Text.assemble((one.name, "bold"), f"  {_STATES[one.state]}{detail}; {counts}")
    yield from (_link("", link) for link in one.links)


_STATES = {"deployed": "✓ deployed", "incomplete": "! incomplete", "absent": "○ absent", "not checked": "? not checked"}


def _published(found: Summary) -> Iterator[Text]:
    yield _link("repository", found.repository)
    files = found.files
    if files is not None:
        release = ", the branch release is there" if files.has_release else ""
        yield Text(f"{files.count - files.differing} of {files.count} files are on {files.branch}{release}")
        if files.pull_request is not None:
            yield _link("waits in", files.pull_request)
    yield from map(_values, found.values)
    proof = found.proof
    if proof is not None:
        yield Text.assemble(_link("", proof.link), f": {proof.state.replace('_', ' ')}")
        yield from (Text(f"   {line}") for line in proof.why)


def _values(one: PublishedValues) -> Text:
    if not one.exists:
        return Text(f"{one.where}: not there")
    held = f"{many(len(one.variables), 'variable')}, {many(len(one.secrets), 'secret')}"
    return Text(f"{one.where or 'repository'}: {held}")


def _link(before: str, link: Link) -> Text:
    """The address as it is, so that it can be read and copied, and to be clicked where the terminal can."""
    words = f"  {before} {link.title}  " if before else f"  {link.title}  "
    return Text.assemble(words, (link.url, f"link {link.url}"))
