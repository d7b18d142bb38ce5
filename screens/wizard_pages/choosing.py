"""The choices that follow from who is signed in: tenant, subscription, repository."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Label, Static

from dbxwizard.backend.views import GitHubIdentity, Identity
from dbxwizard.screens.picking import Item, Picker
from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import VERDICTS, shown

if TYPE_CHECKING:
    from dbxwizard.backend.wizard.choices import (
        RepositoryChoice,
        RepositoryDetail,
        SubscriptionChoice,
        SubscriptionRoles,
        TenantChoice,
    )

_GUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_FULL_NAME = r"[^/\s]+/[^/\s]+"
_LOOKED_FOR = ("azure", "tenant", "github")
_MOST_ROLES = 50  # subscriptions whose roles are asked for: a request or two each


@dataclass
class TenantsRead(Message):
    tenants: Sequence[TenantChoice]


@dataclass
class SubscriptionsRead(Message):
    subscriptions: Sequence[SubscriptionChoice]


@dataclass
class RolesRead(Message):
    roles: Sequence[SubscriptionRoles]


@dataclass
class RepositoriesRead(Message):
    repositories: Sequence[RepositoryChoice]


@dataclass
class RepositoryRead(Message):
    repository: RepositoryDetail


class ChoosingPage(WizardPage):
    """The part of the page Sign in that chooses; `sign_in_by` and `draw` are the rest's."""

    def __init__(self) -> None:
        super().__init__()
        self.identity: Identity | None = None
        self.looked = False  # whether it is known who is signed in
        self.github: GitHubIdentity | None = None
        self._subscriptions: Sequence[SubscriptionChoice] = ()
        self._roles: dict[str, SubscriptionRoles] = {}
        self._repository: RepositoryDetail | None = None
        self.unseen = ""  # the repository that GitHub does not show
        self._picker: Picker | None = None

    def sign_in_by(self, method: str, tenant: str) -> None:
        raise NotImplementedError

    def draw(self) -> None:
        """Shows what is known."""
        answers, tenant = self.answers, self.identity.tenant_id if self.identity else self.answers.tenant
        self.tell("tenant", bool(self.identity), tenant or "that of who signs in")
        chosen = _joined(answers.subscription_name, _roles(self._roles.get(answers.subscription)), answers.subscription)
        self.tell("subscription", bool(answers.subscription), chosen if answers.subscription else "none is chosen yet")
        repository = self._repository
        unseen = bool(answers.repo) and answers.repo == self.unseen
        fine = bool(answers.repo) and not unseen and (repository is None or repository.may_administer)
        detail = "GitHub does not show it" if unseen else _detail(repository)
        about = f"{answers.repo}  {detail}" if answers.repo else "none is chosen yet"
        self.tell("repository", fine, about)
        self.look_again()

    def lead(self, *from_here: str) -> None:
        """Takes the focus from one of these buttons to the first thing that is missing, so that enter alone goes on."""
        wanted = {
            "auto": self.identity,
            "choose-subscription": self.answers.subscription,
            "token": self.github,
            "choose-repository": self.answers.repo and self.answers.repo != self.unseen,
        }
        focused = self.focused.id if self.focused else None
        if focused in from_here:
            self.query_one(f"#{next((name for name, there in wanted.items() if not there), 'next')}").focus()

    def tell(self, name: str, fine: bool, words: str) -> None:
        if name in _LOOKED_FOR and not fine and not self.looked:
            self.query_one(f"#{name}", Static).update("… looking")
            return
        sign = shown(VERDICTS["ok" if fine else "missing"], self.app.theme_variables)
        self.query_one(f"#{name}", Static).update(Text.assemble(sign, f"  {words}"))

    @on(Button.Pressed, "#choose-tenant")
    def pick_tenant(self) -> None:
        self.request(self.ask.tenants(), TenantsRead, "reading the tenants")

    @on(TenantsRead)
    def show_tenants(self, message: TenantsRead) -> None:
        items = [Item(one.id, one.name, f"{one.domain}  {one.id}") for one in message.tenants]
        current = self.identity.tenant_id if self.identity else ""
        self.app.push_screen(Picker("Tenant", items, current, by_hand="use the tenant"), self._take_tenant)

    def _take_tenant(self, key: str | None) -> None:
        """Another tenant is signed in to anew, in the way that was used last."""
        if key and self.identity and key != self.identity.tenant_id:
            self.sign_in_by(self.identity.method, key)

    def take_identity(self, identity: Identity | None) -> None:
        """In another tenant there are other subscriptions."""
        before, self.identity = self.identity, identity
        if before and identity and before.tenant_id != identity.tenant_id:
            self.answer(tenant=identity.tenant_id, subscription="", subscription_name="")

    @on(Button.Pressed, "#choose-subscription")
    def pick_subscription(self) -> None:
        self.request(self.ask.subscriptions(), SubscriptionsRead, "reading the subscriptions")

    @on(SubscriptionsRead)
    def show_subscriptions(self, message: SubscriptionsRead) -> None:
        self._subscriptions = message.subscriptions
        items = [Item(one.id, one.name, f"{one.state}  {one.id}") for one in message.subscriptions]
        self._picker = Picker(
            "Subscription", items, self.answers.subscription, by_hand="use the subscription", pattern=_GUID
        )
        self.app.push_screen(self._picker, self._take_subscription)
        self.ask_roles([one.id for one in message.subscriptions[:_MOST_ROLES]])

    def ask_roles(self, subscriptions: Sequence[str]) -> None:
        self.request(self.ask.subscription_roles(subscriptions=tuple(subscriptions)), RolesRead, "reading your roles")

    @on(RolesRead)
    def show_roles(self, message: RolesRead) -> None:
        self._roles |= {one.subscription_id: one for one in message.roles}
        if self._picker is not None and self._picker.is_attached:
            about = {one.id: self._about_subscription(one) for one in self._subscriptions}
            self._picker.describe(about)
        self.draw()

    def _about_subscription(self, one: SubscriptionChoice) -> str:
        return _joined(one.state, _roles(self._roles.get(one.id)), one.id)

    def _take_subscription(self, key: str | None) -> None:
        self._picker = None
        if key:
            found = next((one for one in self._subscriptions if one.id == key), None)
            self.answer(subscription=key, subscription_name=found.name if found else "")
            self.ask_roles([key])
            self.lead("choose-subscription")

    @on(Button.Pressed, "#choose-repository")
    def pick_repository(self) -> None:
        self.request(self.ask.repositories(), RepositoriesRead, "reading the repositories")

    @on(RepositoriesRead)
    def show_repositories(self, message: RepositoriesRead) -> None:
        items = [Item(one.full_name, one.full_name, _about_repository(one)) for one in message.repositories]
        picker = Picker("Repository", items, self.answers.repo, by_hand="use the repository", pattern=_FULL_NAME)
        self.app.push_screen(picker, self._take_repository)

    def _take_repository(self, key: str | None) -> None:
        if key:
            self.answer(repo=key)
            self._repository = None
            self.look_at_repository()
            self.lead("choose-repository")

    def look_at_repository(self) -> None:
        self.unseen = ""
        self.draw()
        if self.answers.repo and self.identity and self.github:
            self.request(self.ask.repository(name=self.answers.repo), RepositoryRead, "reading the repository")

    @on(RepositoryRead)
    def show_repository(self, message: RepositoryRead) -> None:
        self._repository = message.repository
        self.draw()


def row_of(label: str, name: str) -> Iterable[Widget]:
    with Horizontal(classes="row"):
        yield Label(label)
        yield Static("", id=name, markup=False)
        yield Button("Choose", id=f"choose-{name}", compact=True)


def _roles(found: SubscriptionRoles | None) -> str:
    if found is None:
        return ""
    return "you are " + ", ".join(found.roles) if found.roles else "roles not visible" if not found.known else "no role"


def _about_repository(one: RepositoryChoice) -> str:
    words = ("private" if one.private else "public", "" if one.may_administer else "✗ you are no admin")
    return _joined(*words, "✗ archived" if one.archived else "", one.description)


def _detail(one: RepositoryDetail | None) -> str:
    if one is None:
        return ""
    environments = {"yes": "", "no": "✗ without environments: the owner's plan has none", "not visible": ""}
    words = ("private" if one.private else "public", "" if one.may_administer else "✗ you are no admin")
    return _joined(*words, "empty" if one.empty else "", environments[one.environments])


def _joined(*words: str) -> str:
    return "  ".join(filter(None, words))
