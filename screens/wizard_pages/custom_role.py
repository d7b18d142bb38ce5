"""What the custom role lets its holder do, and whether it is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static

from dbxwizard.screens.widgets import Line, WrappedTable, hanging
from dbxwizard.screens.wizard import WizardPage
from dbxwizard.screens.words import STANDINGS, VERDICTS, shown

if TYPE_CHECKING:
    from dbxwizard.backend.wizard.custom_role_views import CustomRoleView, RoleAction


@dataclass
class RolesRead(Message):
    roles: Sequence[CustomRoleView]


@dataclass
class NamesRead(Message):
    """Those of the files."""

    names: Sequence[str]


@dataclass
class Renamed(Message):
    files: Sequence[str]


_COLUMNS = {"it may": 2, "action": 3}  # an action is one long word


class CustomRolePage(WizardPage):
    key: ClassVar[str] = "custom_role"
    needs: ClassVar[tuple[str, ...]] = ("subscription",)
    AUTO_FOCUS = "WrappedTable"

    def __init__(self) -> None:
        super().__init__()
        self._roles: Sequence[CustomRoleView] = ()
        self._named: Sequence[str] = ()
        self._filter = ""

    def content(self) -> Iterable[Widget]:
        with Horizontal(classes="row"):
            yield Label("Name")
            yield Input(self.answers.role_name, id="name", select_on_focus=False, compact=True)
        yield Static("", id="standing", markup=False)
        with Vertical(id="other-name"):
            yield Static("", id="named", markup=False)
            yield Button("Write this name into the files", id="rename", compact=True)
        yield WrappedTable(_COLUMNS)

    def look(self) -> None:
        self.request(self.ask.custom_roles(), RolesRead, "reading the custom role")
        self.request(self.ask.role_names(), NamesRead)

    def may_go_on(self) -> str:
        if not self.answers.role_name:
            return "the role needs a name"
        return "the files have to give the role that is made" if self._files_differ() else ""

    def _files_differ(self) -> bool:
        return bool(self._named) and self.answers.role_name not in self._named

    @on(Input.Changed, "#name")
    def keep_name(self, event: Input.Changed) -> None:
        self.answer(role_name=event.value.strip())
        self._draw_names()

    @on(Input.Submitted, "#name")
    def look_at_name(self) -> None:
        if self.answers.role_name:
            self.look()

    @on(NamesRead)
    def compare_names(self, message: NamesRead) -> None:
        self._named = message.names
        self._draw_names()
        self.look_again()

    def _draw_names(self) -> None:
        """What the files give has to be what is made."""
        name = self.answers.role_name
        differs = bool(name) and self._files_differ()
        self.query_one("#other-name").display = differs
        if differs:
            told = f"  the files give {', '.join(self._named)} to the Databricks service principal, not {name}"
            sign = shown(VERDICTS["warning"], self.app.theme_variables)
            self.query_one("#named", Static).update(Text.assemble(sign, told))

    @on(Button.Pressed, "#rename")
    def rename(self) -> None:
        renaming = self.ask.rename_role(old=self._named[0], new=self.answers.role_name)
        self.request(renaming, Renamed, "writing the name into the files")

    @on(Renamed)
    def told_renamed(self, message: Renamed) -> None:
        self.notify(f"changed: {', '.join(message.files)}", markup=False)
        self.look()

    @on(RolesRead)
    def show_roles(self, message: RolesRead) -> None:
        self._roles = message.roles
        self._draw_roles()

    def recolour(self) -> None:
        self._draw_roles()
        self._draw_names()

    def _draw_roles(self) -> None:
        told = [line for role in self._roles for line in self._told(role)]
        self.query_one("#standing", Static).update(hanging(told))
        self._fill()

    def _told(self, role: CustomRoleView) -> Iterator[Line]:
        yield shown(STANDINGS[role.standing], self.app.theme_variables), _about(role)
        for one in role.differences:
            yield Text(""), Text(f"{one.field}: {one.before} → {one.after}")

    def filtered(self, text: str) -> None:
        self._filter = text.lower()
        self._fill()

    def _fill(self) -> None:
        rows = [row for role in self._roles for row in self._rows(role)]
        compared = any(one.standing for role in self._roles for one in role.actions)
        columns = {"it may": 4, "action": 4, "state": 2} if compared else _COLUMNS
        self.query_one(WrappedTable).show(rows, columns)

    def _rows(self, role: CustomRoleView) -> list[tuple[str, tuple[Text, ...]]]:
        """Below a line with the role's name: two may hold the same action."""
        wanted = [one for one in role.actions if self._filter in f"{one.words} {one.action}".lower()]
        title = [(role.name, (Text(role.name, "bold"), Text(""), Text("")))] if wanted else []
        return [*title, *((f"{role.name} {one.action}", self._cells(one)) for one in wanted)]

    def _cells(self, one: RoleAction) -> tuple[Text, ...]:
        state = shown(STANDINGS[one.standing], self.app.theme_variables) if one.standing else Text("")
        return Text(one.words or "(none of ours)"), Text(one.action, overflow="fold"), state

    def copied(self) -> str:
        return "\n\n".join(map(_as_text, self._roles))


def _about(role: CustomRoleView) -> Text:
    return Text.assemble((role.name, "bold"), (f"  {role.description}", "dim"))


def _as_text(role: CustomRoleView) -> str:
    actions = (f"{one.action}\t{one.words}\t{one.standing}".rstrip() for one in role.actions)
    return "\n".join((f"{role.name} ({role.standing}) {role.scope}", *actions))
