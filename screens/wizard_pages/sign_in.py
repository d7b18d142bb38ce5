"""Who acts, in Azure and on GitHub, and on which subscription and repository."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static

from dbxwizard.backend.views import DeviceCodeShown, GitHubIdentity, Identity
from dbxwizard.screens.device_code import ApprovalAsked, DeviceCodeScreen
from dbxwizard.screens.page import AskFailed, Page
from dbxwizard.screens.picking import Item, Picker
from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import VERDICTS, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.worker import Worker


class SignedIn(Message):
    """`identity` is None where nobody is."""

    def __init__(self, identity: Identity | None) -> None:
        super().__init__()
        self.identity = identity


class TokenChecked(Message):
    def __init__(self, identity: GitHubIdentity) -> None:
        super().__init__()
        self.identity = identity


class CodeGiven(Message):
    def __init__(self, shown: DeviceCodeShown) -> None:
        super().__init__()
        self.shown = shown


class Approved(Message):
    """The sandbox took the code; the sign-in asks for its token next."""


class SignInPage(WizardPage):
    key: ClassVar[str] = "sign_in"

    def __init__(self) -> None:
        super().__init__()
        self._identity: Identity | None = None
        self._github: GitHubIdentity | None = None
        self._signing_in: Worker[None] | None = None
        self._stop_listening: Callable[[], None] = lambda: None

    def content(self) -> Iterable[Widget]:
        yield Static("Azure", classes="title")
        yield Static("", id="azure", markup=False)
        with Horizontal(classes="row"):
            yield Label("Sign in")
            yield Button("With what is found", id="auto", compact=True)
            yield Button("Browser", id="browser", compact=True)
            yield Button("Device code", id="device-code", compact=True)
        yield from _row("Subscription", "subscription")
        yield Static("GitHub", classes="title")
        yield Static("", id="github", markup=False)
        with Horizontal(classes="row"):
            yield Label("Token")
            yield Input(placeholder="paste one; it does not show", password=True, id="token", compact=True)
            yield Button("Check", id="check", compact=True)
            yield Button("Look for one", id="find", compact=True)
        yield from _row("Repository", "repository")

    def look(self) -> None:
        listen = self.program.backend.listen
        self._stop_listening = listen("device-code", self._code_given)
        self._draw()
        self.request(self.ask.identity(), SignedIn, "looking for a sign-in")

    def _code_given(self, code: DeviceCodeShown) -> None:
        self.post_message(CodeGiven(code))

    def on_unmount(self) -> None:
        self._stop_listening()

    def may_go_on(self) -> str:
        wanted = (
            ("sign in to Azure", self._identity),
            ("choose a subscription", self.answers.subscription),
            ("give a GitHub token", self._github),
            ("choose a repository", self.answers.repo),
        )
        return next((words for words, there in wanted if not there), "")

    # Azure

    @on(Button.Pressed, "#auto, #browser, #device-code")
    def sign_in(self, event: Button.Pressed) -> None:
        self._give_up()
        method = event.button.id or "auto"
        words = {"browser": "signing in: your browser asks", "device-code": "signing in: waiting for the code"}
        self._signing_in = self.request(self.ask.sign_in(method=method), SignedIn, words.get(method, "signing in"))

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

    def show_failure(self, message: AskFailed) -> None:
        self._close_code()
        Page.show_failure(self, message)  # not signed in is what this page mends

    def _close_code(self) -> None:
        if isinstance(self.app.screen, DeviceCodeScreen):
            self.app.screen.dismiss("closed")

    @on(SignedIn)
    def show_identity(self, message: SignedIn) -> None:
        self._signing_in = None
        self._close_code()
        self._identity = message.identity
        self._draw()
        if message.identity is not None and self._github is None:
            self.find_token()

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
        self._github = message.identity
        self._draw()

    # subscription and repository

    @on(Button.Pressed, "#choose-subscription")
    def pick_subscription(self) -> None:
        picker = Picker("Subscription", (), self.answers.subscription, by_hand="use the subscription")
        self.app.push_screen(picker, lambda key: self._choose(subscription=key or ""))

    @on(Button.Pressed, "#choose-repository")
    def pick_repository(self) -> None:
        items = (Item(self.answers.repo, self.answers.repo),) if self.answers.repo else ()
        picker = Picker("Repository", items, self.answers.repo, by_hand="use the repository")
        self.app.push_screen(picker, lambda key: self._choose(repo=key or ""))

    def _choose(self, **values: str) -> None:
        if all(values.values()):
            self.answer(**values)
            self._draw()

    # drawing

    def _draw(self) -> None:
        answers, colours = self.answers, self.app.theme_variables
        signed_in = _of_azure(self._identity) if self._identity else "nobody is signed in yet"
        self.query_one("#azure", Static).update(_told(bool(self._identity), signed_in, colours))
        token = _of_github(self._github) if self._github else "no token yet"
        fine = bool(self._github and not self._github.lacking)
        self.query_one("#github", Static).update(_told(fine, token, colours))
        self.query_one("#subscription", Static).update(answers.subscription_name or answers.subscription or "(none)")
        self.query_one("#repository", Static).update(answers.repo or "(none)")
        self.look_again()


def _row(label: str, name: str) -> Iterable[Widget]:
    with Horizontal(classes="row"):
        yield Label(label)
        yield Static("", id=name, markup=False)
        yield Button("Choose", id=f"choose-{name}", compact=True)


def _told(fine: bool, words: str, colours: dict[str, str]) -> Text:
    return Text.assemble(shown(VERDICTS["ok" if fine else "missing"], colours), f"  {words}")


def _of_azure(one: Identity) -> str:
    return f"{one.name} ({one.kind}, {one.method}) in tenant {one.tenant_id}"


def _of_github(one: GitHubIdentity) -> str:
    if one.lacking:
        return f"{one.login}: the token lacks the scopes {', '.join(one.lacking)}"
    scopes = "fine-grained" if one.scopes is None else f"scopes {', '.join(one.scopes)}"
    return f"{one.login}, {scopes}" + (f", until {one.expires_at}" if one.expires_at else "")
