"""The custom roles as pages show them: loads no steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Standing = Literal["exists", "differs", "will be made"]


@dataclass(frozen=True, slots=True)
class RoleAction:
    """`words`: what it lets its holder do, "" for an action that is none of ours. `standing` where a role is there."""

    action: str
    words: str
    standing: Literal["", "missing", "too many"] = ""


@dataclass(frozen=True, slots=True)
class Difference:
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CustomRoleView:
    """`actions`: those that it shall have, then those that it has and shall not. `scope`: where it can be given."""

    name: str
    description: str
    standing: Standing
    scope: str
    role_id: str
    actions: tuple[RoleAction, ...]
    differences: tuple[Difference, ...]
