"""The stops of the wizard: beside the page where there is room, else in one line above it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static


@dataclass(frozen=True, slots=True)
class Stop:
    """A page of the path; `dbxwizard.screens.wizard_pages.<key>` has its class `screen`."""

    key: str
    title: str
    screen: str


PATH = (
    Stop("welcome", "Welcome", "WelcomePage"),
    Stop("sign_in", "Sign in", "SignInPage"),
    Stop("custom_role", "Custom role", "CustomRolePage"),
    Stop("service_principals", "Service principals", "ServicePrincipalsPage"),
    Stop("github", "GitHub", "GitHubPage"),
    Stop("environments", "Environments", "EnvironmentsPage"),
    Stop("review", "Review", "ReviewPage"),
    Stop("apply", "Apply", "ApplyPage"),
    Stop("done", "Done", "DonePage"),
)


def place_of(key: str) -> int:
    """Counts from 0."""
    return [stop.key for stop in PATH].index(key)


class StopChosen(Message):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class Sidebar(Vertical):
    """A click goes to a page that was reached."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        for stop in PATH:
            yield StopLine(stop)

    def draw(self, visited: Collection[str]) -> None:
        for line in self.query(StopLine):
            line.draw(_standing(line.stop, self._here, visited))


class PathLine(Horizontal):
    """The same in one line: signs and numbers, the title of the page that is open, and how many are left."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        for stop in PATH:
            yield StopLine(stop, short=True)
        yield Static("", id="left", markup=False)

    def draw(self, visited: Collection[str]) -> None:
        for line in self.query(StopLine):
            line.draw(_standing(line.stop, self._here, visited))
        done = sum(stop.key in visited for stop in PATH)
        self.query_one("#left", Static).update(f"{done} done, {len(PATH) - done} left")


@dataclass(frozen=True, slots=True)
class _Standing:
    sign: str
    word: str
    reached: bool
    here: bool


def _standing(stop: Stop, here: str, visited: Collection[str]) -> _Standing:
    """A page is reached when it, or every page before it, was left by Next."""
    done = stop.key in visited
    reached = done or all(before.key in visited for before in PATH[: place_of(stop.key)])
    if stop.key == here:
        return _Standing("▸", "here", reached=False, here=True)
    return _Standing("✓", "done", reached, here=False) if done else _Standing("·", "to do", reached, here=False)


class StopLine(Static):
    def __init__(self, stop: Stop, *, short: bool = False) -> None:
        super().__init__("", markup=False)
        self.stop = stop
        self._short = short
        self._reached = False

    def draw(self, standing: _Standing) -> None:
        self._reached = standing.reached
        self.set_class(standing.here, "-here")
        self.set_class(standing.reached, "-reached")
        if self._short:
            number = place_of(self.stop.key) + 1
            title = f" {self.stop.title}" if standing.here else ""
            self.update(f"{standing.sign}{number}{title}")
        else:
            self.update(Text.assemble(f"{standing.sign} {self.stop.title}", (f"  {standing.word}", "dim")))

    def on_click(self) -> None:
        if self._reached:
            self.post_message(StopChosen(self.stop.key))
