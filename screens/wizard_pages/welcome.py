"""What will be made and what it costs, how one can sign in, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Static

from dbxwizard.backend.views import Situation
from dbxwizard.screens.widgets import Line, hanging
from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import VERDICTS, shown

if TYPE_CHECKING:
    from dbxwizard.backend.wizard.sign_ins import SignInWay
    from dbxwizard.backend.wizard.welcome import ClusterLine, CostLine, Costs, Welcome


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
        write = self.query_one("#write")
        leads = written and write.has_focus
        write.display = not written
        self.recolour()
        self.look_again()
        if leads:  # it goes, and enter alone goes on
            self.query_one("#next").focus()

    def recolour(self) -> None:
        if self._welcome is not None:
            for part, lines in self._lines(self._welcome).items():
                self.query_one(f"#{part}", Static).update(hanging(lines))

    def _about(self, welcome: Welcome) -> str:
        names = ", ".join(welcome.environments)
        verb = "holds" if self.situation.environments else "gets"
        return (
            f"Databricks on Azure with CI/CD, for {names}. The folder {self.situation.root.resolve()} {verb} their "
            "files. Nothing is changed in Azure or on GitHub before you have seen the whole plan and said yes."
        )

    def _lines(self, welcome: Welcome) -> dict[str, list[Line]]:
        return {
            "lacking": list(self._lacking(welcome)),
            "sign-ins": list(self._ways(welcome.sign_ins)),
            "made": list(_made(welcome.costs)),
        }

    def _lacking(self, welcome: Welcome) -> Iterator[Line]:
        colours = self.app.theme_variables
        for one in welcome.lacking:
            yield shown(VERDICTS["missing"], colours), Text.assemble(one.what, (f"\n→ {one.fix}", ""))
        for check in welcome.checks:
            if check.verdict != "missing":
                fix = f"\n→ {check.fix}" if check.fix else ""
                yield shown(VERDICTS[check.verdict], colours), Text(f"{check.name}: {check.detail}{fix}")
        if not welcome.checks:
            yield Text("·"), Text("The services are asked once you have signed in and chosen a subscription.", "dim")

    def _ways(self, ways: Sequence[SignInWay]) -> Iterator[Line]:
        """What is found, what can be done by hand, and in one line what is not here."""
        for way in sorted((one for one in ways if one.found), key=lambda one: one.asks):
            sign = Text("○ by hand") if way.asks else Text("✓ found", self.app.theme_variables["success"])
            yield sign, Text.assemble(f"{way.service}: {way.title}", (f"  {way.detail}", "dim"))
        closed = [f"{one.title} ({one.detail})" for one in ways if not one.found]
        if closed:
            yield Text("· not here", "dim"), Text(", ".join(closed), "dim")

    def copied(self) -> str:
        if self._welcome is None:
            return ""
        parts = self._lines(self._welcome)
        lines = {part: [f"{sign}  {text}" for sign, text in parts[part]] for part in _PARTS}
        return "\n\n".join("\n".join((title, *lines[part])) for part, title in _PARTS.items())


_PARTS = {
    "lacking": "Checks: what is there, what is missing",
    "sign-ins": "Ways to sign in",
    "made": "What will be made, and what it costs roughly",
}


def _made(costs: Costs) -> Iterator[Line]:
    yield Text("≈", "bold"), Text(f"USD {costs.monthly_usd:,.0f} a month while nothing runs. {costs.note}", "bold")
    yield from map(_cost, costs.lines)
    yield from map(_cluster, costs.clusters)
    yield Text("·", "dim"), Text(f"As of {costs.read}: {costs.source}", "dim")


def _cost(line: CostLine) -> Line:
    price = "" if line.monthly_usd is None else f"  USD {line.monthly_usd:,.0f} a month"
    count = f"{line.count} × " if line.count else ""
    return Text("•"), Text.assemble(f"{count}{line.resource}{price}", (f"\n{line.what}; {line.cost}", "dim"))


def _cluster(line: ClusterLine) -> Line:
    idle = f"stops after {line.idle_minutes} minutes without work" if line.idle_minutes else "never stops by itself"
    words = f"up to {line.nodes} × {line.node_type}, {idle}"
    return Text("•"), Text.assemble(f"cluster {line.name} in {line.environment}", (f"  {words}", "dim"))
