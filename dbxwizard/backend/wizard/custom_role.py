"""The custom roles that setup makes: what they hold, in plain words, and how they differ from what is there."""

from __future__ import annotations

from typing import Literal

from dbxwizard.backend.tables import table
from dbxwizard.backend.wizard.custom_role_views import CustomRoleView, Difference, RoleAction, Standing
from dbxwizard.core.change import Action
from dbxwizard.core.plan import Inputs
from dbxwizard.steps.azure.custom_role import (
    DEFAULT_NAME,
    DEPLOYER_NAME,
    PLAN_NAME,
    CustomRoleStep,
    DeployerRoleStep,
    PlanRoleStep,
    definition,
)
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.rights import Rights

Whose = Literal["databricks", "deployer", "plan"]
_ROLES: dict[Whose, tuple[type[CustomRoleStep], str]] = {
    "deployer": (DeployerRoleStep, DEPLOYER_NAME),
    "plan": (PlanRoleStep, PLAN_NAME),
}
_STANDINGS: dict[Action, Standing] = {Action.NONE: "exists", Action.CREATE: "will be made", Action.UPDATE: "differs"}


async def custom_role(
    connection: Connection, subscription_id: str, role_name: str = DEFAULT_NAME, whose: Whose = "databricks"
) -> CustomRoleView:
    """The role of the Databricks service principal, of a main one whose rights end at its group, or of that which only
    plans; `role_name` is the first one's.

    Raises the core's errors for a role that can't be read.
    """
    kind, name = _ROLES.get(whose, (CustomRoleStep, role_name))
    authorization = connection.authorization(subscription_id)
    step, nothing = kind(authorization, name, rights=Rights(authorization)), Inputs((), {})
    state = await step.read(nothing)
    change = step.diff(state, nothing)
    held = [one for permission in state.permissions for one in permission.actions] if state else None
    reasons = change.reasons if change.action is Action.UPDATE else ()
    return CustomRoleView(
        name=name,
        description=definition(kind.file)["description"],
        standing=_STANDINGS[change.action],
        scope=f"/subscriptions/{subscription_id}",
        role_id=state.name if state else "",
        actions=_actions(definition(kind.file)["actions"], held),
        differences=tuple(Difference(one.field, *one.sides()) for one in reasons),
    )


def _actions(wanted: list[str], held: list[str] | None) -> tuple[RoleAction, ...]:
    """`held` is None where there is no role. The case of an action says nothing."""
    there = {one.lower() for one in wanted if held is None} | {one.lower() for one in held or ()}
    surplus = [one for one in held or () if one.lower() not in {name.lower() for name in wanted}]
    return (
        *(RoleAction(one, in_words(one), "" if one.lower() in there else "missing") for one in wanted),
        *(RoleAction(one, in_words(one), "too many") for one in surplus),
    )


def in_words(action: str) -> str:
    """What the action lets its holder do, continuing "it may"; "" where the table does not know it."""
    words: dict[str, str] = table("role_actions")["words"]
    return words.get(action, "")
