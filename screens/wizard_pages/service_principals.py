"""The service principals: what each is for, what there is to decide, and what is there under their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from dbxwizard.screens.widgets import Choice, Decision, hanging
from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import STANDINGS, shown

if TYPE_CHECKING:
    from dbxwizard.backend.wizard.application_views import ApplicationsView, ExistingApplication, ServicePrincipalView

_KINDS = {  # and the answer that names it
    "main-spn": "main_spn_name",
    "databricks-spn": "databricks_spn_name",
    "plan-spn": "plan_spn_name",
}
_DECISIONS = {
    "rights": "Rights of the main service principal",
    "isolation": "How many pairs",
    "auth": "How jobs on GitHub sign in",
}
_REFUSED = ("name taken", "ambiguous", "not found")


class ApplicationsRead(Message):
    def __init__(self, view: ApplicationsView) -> None:
        super().__init__()
        self.view = view


class AdoptionChosen(Message):
    """`value`: what `--adopt` would say; "" for none."""

    def __init__(self, key: str, value: str) -> None:
        super().__init__()
        self.key, self.value = key, value


class ServicePrincipalsPage(WizardPage):
    key: ClassVar[str] = "service_principals"
    needs: ClassVar[tuple[str, ...]] = ("subscription", "repo", "environments")

    def __init__(self) -> None:
        super().__init__()
        self._view: ApplicationsView | None = None

    def content(self) -> Iterable[Widget]:
        for kind, answer in _KINDS.items():
            yield Static("", id=f"title-{kind}", classes="title", markup=False)
            yield Static("", id=f"purpose-{kind}", classes="words", markup=False)
            with Horizontal(classes="row"):
                yield Label("Name")
                name = getattr(self.answers, answer)
                yield Input(name, "chosen for you", id=answer, select_on_focus=False, compact=True)
            yield Vertical(id=f"found-{kind}", classes="row")
        for decision, title in _DECISIONS.items():
            yield Static(title, classes="title", markup=False)
            yield Decision(id=decision)

    def look(self) -> None:
        self.request(self.ask.applications(), ApplicationsRead, "looking for applications")

    def may_go_on(self) -> str:
        refused = [one for one in self._view.principals if one.standing in _REFUSED] if self._view else []
        return f"{refused[0].name}: adopt it, or choose another name" if refused else ""

    # what was decided

    def _decided(self) -> dict[str, str]:
        answers = self.answers
        rights = "owner" if answers.owner else "least-privilege"
        return {"rights": rights, "isolation": answers.isolation, "auth": answers.auth}

    @on(Decision.Made, "#rights")
    def keep_rights(self, event: Decision.Made) -> None:
        self.answer(owner=event.value == "owner")

    @on(Decision.Made, "#auth")
    def keep_auth(self, event: Decision.Made) -> None:
        self.answer_and_adapt(auth=event.value)

    @on(Decision.Made, "#isolation")
    def keep_isolation(self, event: Decision.Made) -> None:
        """Other service principals: what was adopted for the earlier ones fits none of them."""
        self.answer(isolation=event.value, adopt=())
        self.look()

    @on(Input.Changed)
    def keep_name(self, event: Input.Changed) -> None:
        name = event.input.id
        if name in _KINDS.values():
            self.answer(**{str(name): event.value.strip()})

    @on(Input.Submitted)
    @on(Input.Blurred)
    def look_at_names(self, event: Input.Submitted | Input.Blurred) -> None:
        if self._view and event.input.id in _KINDS.values():
            self.look()

    @on(AdoptionChosen)
    def keep_adoption(self, message: AdoptionChosen) -> None:
        others = tuple(one for one in self.answers.adopt if not one.startswith(f"{message.key}="))
        self.answer(adopt=(*others, message.value) if message.value else others)
        self.look()

    # what there is

    @on(ApplicationsRead)
    async def show_applications(self, message: ApplicationsRead) -> None:
        self._view = message.view
        for decision, value in self._decided().items():
            choices = [one for one in message.view.trade_offs if one.decision == decision]
            found = (Choice(one.value, f"{one.title}{_default(one.is_default)}", one.words) for one in choices)
            self.query_one(f"#{decision}", Decision).offer(found, value)
        for kind in _KINDS:
            await self._show_kind(kind, [one for one in message.view.principals if one.key.endswith(kind)])
        self.look_again()

    async def _show_kind(self, kind: str, principals: list[ServicePrincipalView]) -> None:
        if principals:
            self.query_one(f"#title-{kind}", Static).update(principals[0].title)
            self.query_one(f"#purpose-{kind}", Static).update(principals[0].purpose)
        place = self.query_one(f"#found-{kind}", Vertical)
        there = {one.key: one for one in place.query(Principal)}
        for key in there.keys() - {one.key for one in principals}:
            await there[key].remove()
        await place.mount_all(Principal(one.key) for one in principals if one.key not in there)
        for one in place.query(Principal):
            one.show(next(view for view in principals if view.key == one.key))

    def recolour(self) -> None:
        for one in self.query(Principal):
            one.draw()

    def copied(self) -> str:
        return "\n".join(_in_a_line(one) for one in self._view.principals) if self._view else ""


class Principal(Vertical):
    """One service principal: whether it is there, and what else has its name."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self._view: ServicePrincipalView | None = None

    def compose(self) -> ComposeResult:
        yield Static("", classes="standing", markup=False)
        yield Decision()

    def show(self, view: ServicePrincipalView) -> None:
        self._view = view
        self.draw()
        decision, adopted = self.query_one(Decision), view.standing == "adopted" and view.application
        decision.display = bool(view.others or adopted)
        decision.offer(_adoptions(view), adopted.adopt if adopted else "")

    def draw(self) -> None:
        if self._view is not None:
            sign = shown(STANDINGS[self._view.standing], self.app.theme_variables)
            self.query_one(".standing", Static).update(hanging([(sign, Text(_in_a_line(self._view)))]))

    @on(Decision.Made)
    def choose(self, event: Decision.Made) -> None:
        event.stop()
        self.post_message(AdoptionChosen(self.key, event.value))


def _adoptions(view: ServicePrincipalView) -> Iterator[Choice]:
    if view.standing == "exists":
        yield Choice("", "Adopt none", "The one that an earlier setup made goes on being used.")
    else:
        yield Choice("", "Adopt none", "Then choose another name: two of the same name can't be told apart.")
    mine = [view.application] if view.application and view.standing == "adopted" else []
    for one in (*mine, *view.others):
        yield Choice(one.adopt, f"Adopt {one.name}", _about(one))


def _about(one: ExistingApplication) -> str:
    owners = f"owned by {', '.join(one.owners)}" if one.owners else "without an owner"
    return f"client id {one.client_id}, {owners}, made {one.created} {one.made}"


def _in_a_line(view: ServicePrincipalView) -> str:
    about = f"  {_about(view.application)}" if view.application else ""
    return f"{view.name}  for {', '.join(view.environments)}{about}"


def _default(is_default: bool) -> str:
    return " (default)" if is_default else ""
