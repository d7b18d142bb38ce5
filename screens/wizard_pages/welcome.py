"""What will be made and what it costs, how one can sign in, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.backend.views import Situation
from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import VERDICTS, shown

if TYPE_CHECKING:
    from dbxwizard.backend.sign_ins import SignInWay
    from dbxwizard.backend.welcome import ClusterLine, CostLine, Costs, Welcome


class WelcomeRead(Message):
    """`live`: with what the services said."""

    def __init__(self, welcome: Welcome, *, live: bool) -> None:
        super().__init__()
        self.welcome, self.live = welcome, live


class FilesWritten(Message):
    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__()
        self.paths = paths


class FolderRead(Message):
    def __init__(self, situation: Situation) -> None:
        super().__init__()
        self.situation = situation


class WelcomePage(WizardPage):
    key: ClassVar[str] = "welcome"

    def __init__(self) -> None:
        super().__init__()
        self._welcome: Welcome | None = None

    def content(self) -> Iterable[Widget]:
        yield Static("", id="about", markup=False)
        with Horizontal(classes="row"):
            yield Button("Write the files of a new project", id="write", variant="primary", compact=True)
            yield Button("Check again", id="check", compact=True)
        for part, title in _PARTS.items():
            yield Static(title, classes="title", markup=False)
            yield Static("", id=part, markup=False)

    def look(self) -> None:
        """First what this machine says, which is quick, then what the services say."""
        self.request(self.ask.welcome(live=False), lambda found: WelcomeRead(found, live=False), "looking around")

    @on(Button.Pressed, "#check")
    def check_again(self) -> None:
        self.action_look()

    def may_go_on(self) -> str:
        return "" if self.situation.environments else "the folder needs environment files"

    @on(Button.Pressed, "#write")
    def write(self) -> None:
        self.request(self.ask.write_project(), FilesWritten, "writing the files")

    @on(FilesWritten)
    def read_folder(self, message: FilesWritten) -> None:
        self.notify(f"{len(message.paths)} files written")
        self.request(self.ask.situation(), FolderRead, "reading environments/")

    @on(FolderRead)
    def take_folder(self, message: FolderRead) -> None:
        self.program.situation = message.situation
        self.look()

    @on(WelcomeRead)
    def show_welcome(self, message: WelcomeRead) -> None:
        self._welcome = message.welcome
        if not message.live:
            self.request(self.ask.welcome(live=True), lambda found: WelcomeRead(found, live=True), "checking")
        written = bool(self.situation.environments)
        self.query_one("#about", Static).update(self._about(message.welcome))
        self.query_one("#write").display = not written
        for part, lines in self._lines(message.welcome).items():
            self.query_one(f"#{part}", Static).update(Text("\n").join(lines))
        self.look_again()

    def _about(self, welcome: Welcome) -> str:
        names = ", ".join(welcome.environments)
        verb = "is set up for" if self.situation.setup_done else "will get"
        return (
            f"From here to running Databricks environments with CI/CD: {names}.\n"
            f"The folder {self.situation.root} {verb} them. Nothing is changed in Azure or on GitHub before you have "
            "seen the whole plan and said yes."
        )

    def _lines(self, welcome: Welcome) -> dict[str, list[Text]]:
        return {
            "lacking": list(self._lacking(welcome)),
            "sign-ins": [self._way(way) for way in welcome.sign_ins],
            "made": list(_made(welcome.costs)),
        }

    def _lacking(self, welcome: Welcome) -> Iterator[Text]:
        colours = self.app.theme_variables
        for one in welcome.lacking:
            yield Text.assemble(shown(VERDICTS["missing"], colours), f"  {one.what}", (f"\n  → {one.fix}", "dim"))
        for check in welcome.checks:
            if check.verdict != "missing":
                fix = f"\n  → {check.fix}" if check.fix else ""
                yield Text.assemble(shown(VERDICTS[check.verdict], colours), f"  {check.name}: {check.detail}", fix)
        if not welcome.checks:
            yield Text("What the services say is checked once you have signed in and chosen a subscription.", "dim")

    def _way(self, way: SignInWay) -> Text:
        sign, word = ("✓", "found") if way.found and not way.asks else ("○", "open" if way.found else "not here")
        style = self.app.theme_variables["success"] if sign == "✓" else ""
        return Text.assemble((f"{sign} {word}", style), f"  {way.service}: {way.title}", (f"  {way.detail}", "dim"))

    def copied(self) -> str:
        if self._welcome is None:
            return ""
        lines = self._lines(self._welcome)
        return "\n\n".join("\n".join((title, *map(str, lines[part]))) for part, title in _PARTS.items())


_PARTS = {
    "lacking": "What is missing",
    "sign-ins": "Ways to sign in",
    "made": "What will be made, and what it costs roughly",
}


def _made(costs: Costs) -> Iterator[Text]:
    yield Text(f"About USD {costs.monthly_usd:,.0f} a month while nothing runs. {costs.note}")
    yield from map(_cost, costs.lines)
    yield from map(_cluster, costs.clusters)
    yield Text(f"As of {costs.read}: {costs.source}", "dim")


def _cost(line: CostLine) -> Text:
    price = "" if line.monthly_usd is None else f"  USD {line.monthly_usd:,.0f} a month"
    count = f"{line.count} × " if line.count else ""
    return Text.assemble((f"• {count}{line.resource}", "bold"), f"{price}\n  {line.what}; {line.cost}")


def _cluster(line: ClusterLine) -> Text:
    idle = f"stops after {line.idle_minutes} minutes without work" if line.idle_minutes else "never stops by itself"
    return Text(f"• cluster {line.name} in {line.environment}: up to {line.nodes} × {line.node_type}, {idle}")
