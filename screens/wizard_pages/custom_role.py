"""What the custom role lets its holder do, and whether it is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from dbxwizard.screens.widgets import WrappedTable
from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import STANDINGS, shown

if TYPE_CHECKING:
    from dbxwizard.backend.custom_role import CustomRoleView, RoleAction


class RolesRead(Message):
    def __init__(self, roles: Sequence[CustomRoleView]) -> None:
        super().__init__()
        self.roles = roles


class CustomRolePage(WizardPage):
    key: ClassVar[str] = "custom_role"
    needs: ClassVar[tuple[str, ...]] = ("subscription",)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+r", "look", "Look again")]

    def __init__(self) -> None:
        super().__init__()
        self._roles: Sequence[CustomRoleView] = ()
        self._filter = ""

    def content(self) -> Iterable[Widget]:
        with Horizontal(classes="row"):
            yield Label("Name")
            yield Input(self.answers.role_name, id="name", compact=True)
        yield Static("", id="standing", markup=False)
        yield WrappedTable({"it may": 4, "action": 4, "state": 2})

    def look(self) -> None:
        self.request(self.ask.custom_roles(), RolesRead, "reading the custom role")

    def action_look(self) -> None:
        self.look()

    def may_go_on(self) -> str:
        return "" if self.answers.role_name else "the role needs a name"

    @on(Input.Changed, "#name")
    def keep_name(self, event: Input.Changed) -> None:
        self.answer(role_name=event.value.strip())

    @on(Input.Submitted, "#name")
    def look_at_name(self) -> None:
        if self.answers.role_name:
            self.look()

    @on(RolesRead)
    def show_roles(self, message: RolesRead) -> None:
        self._roles = message.roles
        told = [line for role in self._roles for line in self._told(role)]
        self.query_one("#standing", Static).update(Text("\n").join(told))
        self._fill()

    def _told(self, role: CustomRoleView) -> Iterator[Text]:
        colours = self.app.theme_variables
        where = f"{role.name} in {role.scope}"
        yield Text.assemble(shown(STANDINGS[role.standing], colours), f"  {where}", (f"  {role.description}", "dim"))
        for one in role.differences:
            yield Text(f"  {one.field}: {one.before} → {one.after}")

    def filtered(self, text: str) -> None:
        self._filter = text.lower()
        self._fill()

    def _fill(self) -> None:
        rows = [
            (f"{role.name} {one.action}", self._cells(one))
            for role in self._roles
            for one in role.actions
            if self._filter in f"{one.words} {one.action}".lower()
        ]
        self.query_one(WrappedTable).show(rows)

    def _cells(self, one: RoleAction) -> tuple[Text, ...]:
        state = shown(STANDINGS[one.standing], self.app.theme_variables) if one.standing else Text("")
        return Text(one.words or "(none of ours)"), Text(one.action, overflow="fold"), state

    def copied(self) -> str:
        return "\n\n".join(map(_as_text, self._roles))


def _as_text(role: CustomRoleView) -> str:
    actions = (f"{one.action}\t{one.words}\t{one.standing}".rstrip() for one in role.actions)
    return "\n".join((f"{role.name} ({role.standing}) {role.scope}", *actions))
