"""Who acts, in Azure and on GitHub, and on which subscription and repository."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static

from dbxwizard.backend.views import DeviceCodeShown, GitHubIdentity, Identity
from dbxwizard.core.errors import OperationError
from dbxwizard.screens.device_code import ApprovalAsked, DeviceCodeScreen
from dbxwizard.screens.page import Page
from dbxwizard.screens.wizard_pages.choosing import ChoosingPage, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.worker import Worker

    from dbxwizard.backend.wizard.sign_ins import SignInWay


@dataclass
class SignedIn(Message):
    """`identity` is None where nobody is."""

    identity: Identity | None


@dataclass
class WaysSeen(Message):
    ways: Sequence[SignInWay]


@dataclass
class TokenChecked(Message):
    identity: GitHubIdentity


@dataclass
class CodeGiven(Message):
    shown: DeviceCodeShown


class Approved(Message):
    """The sandbox took the code; the sign-in asks for its token next."""


_NOTHING_FOUND = "no token was found: paste one with the scopes repo and workflow, or run gh auth login and look again"


_LINES = ("azure", "tenant", "subscription", "github", "repository")


class SignInPage(ChoosingPage):
    key: ClassVar[str] = "sign_in"

    def __init__(self) -> None:
        super().__init__()
        self._signing_in: Worker[None] | None = None
        self._stop_listening: Callable[[], None] = lambda: None

    def content(self) -> Iterable[Widget]:
        yield Static("Azure", classes="title")
        yield Static("", id="azure", markup=False)
        with Horizontal(classes="row"):
            yield Label("Sign in")
            yield Button("Automatically", id="auto", variant="primary", compact=True)
            yield Button("Browser", id="browser", compact=True)
            yield Button("Device code", id="device-code", compact=True)
        yield Static("", id="ways", classes="words", markup=False)
        yield from row_of("Tenant", "tenant")
        yield from row_of("Subscription", "subscription")
        yield Static("GitHub", classes="title")
        yield Static("", id="github", markup=False)
        with Horizontal(classes="row"):
            yield Label("Token")
            yield Input(placeholder="paste one; it does not show", password=True, id="token", compact=True)
            yield Button("Check", id="check", compact=True)
            yield Button("Look for one", id="find", compact=True)
        yield from row_of("Repository", "repository")

    def on_mount(self) -> None:
        self._stop_listening = self.program.backend.listen("device-code", self._code_given)

    def look(self) -> None:
        self.draw()
        self.request(self.ask.sign_in_ways(), WaysSeen, "looking for a sign-in")
        self.request(self.ask.identity(), SignedIn, "looking for a sign-in")

    @on(WaysSeen)
    def show_ways(self, message: WaysSeen) -> None:
        """What lies here already, and what can't be done here."""
        azure = [one for one in message.ways if one.service == "Azure"]
        first = next((one for one in azure if one.found), None)
        closed = [f"{one.title}: {one.detail}" for one in azure if one.asks and not one.found]
        told = [f"automatically: {first.title} ({first.detail})"] if first else []
        self.query_one("#ways", Static).update("; ".join((*told, *closed)))
        self.query_one("#browser").tooltip = "; ".join(closed) or None
        self.query_one("#browser").disabled = any(one.method == "browser" and not one.found for one in azure)

    def _code_given(self, code: DeviceCodeShown) -> None:
        self.post_message(CodeGiven(code))

    def on_unmount(self) -> None:
        self._stop_listening()

    def may_go_on(self) -> str:
        wanted = (
            ("sign in to Azure", self.identity),
            ("choose a subscription", self.answers.subscription),
            ("give a GitHub token with the scopes repo and workflow", self.github and not self.github.lacking),
            ("choose a repository", self.answers.repo),
            ("choose a repository that GitHub shows to you", self.answers.repo != self.unseen),
        )
        return next((words for words, there in wanted if not there), "")

    # Azure

    @on(Button.Pressed, "#auto, #browser, #device-code")
    def sign_in(self, event: Button.Pressed) -> None:
        self.sign_in_by(event.button.id or "auto", self.answers.tenant)

    def sign_in_by(self, method: str, tenant: str) -> None:
        self._give_up()
        words = {"browser": "signing in: your browser asks", "device-code": "signing in: waiting for the code"}
        self._signing_in = self.request(
            self.ask.sign_in(method=method, tenant=tenant), SignedIn, words.get(method, "signing in")
        )

    def _give_up(self) -> None:
        if self._signing_in is not None:
            self._signing_in.cancel()
            self._signing_in = None

    @on(CodeGiven)
    def show_code(self, message: CodeGiven) -> None:
        if self._signing_in is not None:
            code = DeviceCodeScreen(message.shown, self, sandbox=self.situation.sandbox)
            self.app.push_screen(code, lambda answer: self._give_up() if answer == "" else None)

    @on(ApprovalAsked)
    def approve(self, message: ApprovalAsked) -> None:
        approving = self.ask.approve_device_code(shown=message.shown)
        self.request(approving, lambda _: Approved(), "approving in the sandbox")

    def show_failure(self, error: OperationError) -> None:
        """Also before the code, while it is waited for; not being signed in is what this page mends."""
        self.looked = True
        if error.code == "github-repository-not-found" and error.resource.endswith(f" {self.answers.repo}"):
            self.unseen = self.answers.repo
            self.lead("next", "choose-repository")
        self.draw()
        if error.code != "github-token-missing":  # its line says so
            Page.show_failure(self, error)
        if self._signing_in is not None and self._signing_in.is_finished:
            self._signing_in = None
            self._close_code()
        elif isinstance(self.app.screen, DeviceCodeScreen):
            self.app.screen.show_failure(error)

    def _close_code(self) -> None:
        if isinstance(self.app.screen, DeviceCodeScreen):
            self.app.screen.dismiss("closed")

    @on(SignedIn)
    def show_identity(self, message: SignedIn) -> None:
        self._signing_in = None
        self._close_code()
        self.take_identity(message.identity)
        self.looked = message.identity is None
        self.draw()
        if message.identity is None:
            return
        self.find_token()
        self.lead("auto", "browser", "device-code")
        if self.answers.subscription:
            self.ask_roles([self.answers.subscription])

    # GitHub

    @on(Button.Pressed, "#find")
    def find_token(self) -> None:
        self._check_token("")

    @on(Input.Submitted, "#token")
    @on(Button.Pressed, "#check")
    def check_token(self) -> None:
        field = self.query_one("#token", Input)
        token, field.value = field.value.strip(), ""
        if token:
            self._check_token(token)

    def _check_token(self, token: str) -> None:
        self.request(self.ask.use_github_token(token=token), TokenChecked, "checking the GitHub token")

    @on(TokenChecked)
    def show_token(self, message: TokenChecked) -> None:
        self.github = message.identity
        self.looked = True
        self.look_at_repository()
        self.lead("auto", "check", "find", "token")

    def copied(self) -> str:
        lines = (self.query_one(f"#{name}", Static).content for name in _LINES)
        return "\n".join(f"{name}\t{line}" for name, line in zip(_LINES, lines, strict=True))

    # drawing

    def recolour(self) -> None:
        self.draw()

    def draw(self) -> None:
        one, token = self.identity, self.github
        self.query_one("#ways").display = one is None
        self.tell("azure", bool(one), _of_azure(one) if one else "nobody is signed in yet")
        self.tell("github", bool(token and not token.lacking), _of_github(token) if token else _NOTHING_FOUND)
        super().draw()


def _of_azure(one: Identity) -> str:
    return f"{one.name} ({one.kind}, {one.method})"


def _of_github(one: GitHubIdentity) -> str:
    if one.lacking:
        return f"{one.login}: the token lacks the scopes {', '.join(one.lacking)}"
    scopes = "fine-grained" if one.scopes is None else f"scopes {', '.join(one.scopes)}"
    return f"{one.login}, {scopes}" + (f", until {one.expires_at}" if one.expires_at else "")
