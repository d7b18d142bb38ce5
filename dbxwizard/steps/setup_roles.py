"""What the service principals may do: resource providers, the custom role, and their role assignments."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import Forbidden, NotYet
from dbxwizard.core.plan import Inputs, Scope, Step
from dbxwizard.parameters import roles_in_use
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.azure.custom_role import (
    DEFAULT_NAME,
    DEPLOYER_STEP_ID,
    PLAN_STEP_ID,
    CustomRoleStep,
    DeployerRoleStep,
    PlanRoleStep,
)
from dbxwizard.steps.azure.custom_role import STEP_ID as CUSTOM_ROLE
from dbxwizard.steps.azure.providers import ProvidersStep
from dbxwizard.steps.azure.resource_group import ResourceGroupStep, resource_group_step_id
from dbxwizard.steps.azure.role_assignments import (
    Assignment,
    AssignmentReader,
    RoleAssignmentStep,
    Source,
    deployer_condition,
)
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.identity.applications import application_step_id
from dbxwizard.steps.pending import Refused
from dbxwizard.steps.rights import Rights

if TYPE_CHECKING:
    from dbxwizard.steps.setup_options import Pair, SetupOptions

_DESCRIPTION = "dbxwizard"
_MAKER = "Contributor"
_GIVER = "Role Based Access Control Administrator"
_READER = "Reader"


async def role_steps(options: SetupOptions, pairs: Sequence[Pair], connection: Connection) -> list[Step[Any]]:
    """Least privilege by default: the main service principal makes resources, and gives just the roles of the files;
    the one that plans only reads.

    With a pair for each environment their rights end at its resource group, which therefore has to be there; what a
    deployment needs at the subscription itself is a small role of its own. Raises NotFound for a role in a file that
    the subscription does not have.
    """
    authorization = connection.authorization(options.subscription_id)
    arm = connection.arm(options.subscription_id)
    rights = Rights(authorization)
    made = _Roles(options, AssignmentReader(authorization, rights=rights))
    steps: list[Step[Any]] = [ProvidersStep(arm, rights=rights)]
    steps.append(CustomRoleStep(authorization, options.role_name, rights=rights))
    if any(pair.plans for pair in pairs):
        steps.append(PlanRoleStep(authorization, rights=rights))
    if options.isolation == "environment":
        steps.append(DeployerRoleStep(authorization, rights=rights))
        made_for = (environment for pair in pairs for environment in pair.environments)
        steps += [ResourceGroupStep(arm, one, options.subscription_id, rights=rights) for one in made_for]
    for pair in pairs:
        steps += await made.of(pair)
    return steps


class _Roles:
    def __init__(self, options: SetupOptions, reader: AssignmentReader) -> None:
        self._options, self._reader = options, reader
        self._subscription = f"/subscriptions/{options.subscription_id}"

    async def of(self, pair: Pair) -> list[Step[Any]]:
        """The assignments of one pair of service principals, and of the one beside them that plans."""
        scope, needs = self._subscription, tuple[str, ...]()
        steps: list[Step[Any]] = []
        if pair.prefix:
            environment = pair.environments[0]
            scope = f"{self._subscription}/resourceGroups/{environment.resources.resource_group}"
            needs = (resource_group_step_id(environment.name),)
            deployer = self._subscription, (DEPLOYER_STEP_ID,)
            steps.append(self._step(pair.main, "deployer role", _deployer_role, *deployer))
        if pair.plans:
            steps.append(self._step(pair.plan, _READER, _READER, scope, needs))
            steps.append(self._step(pair.plan, "plan role", _plan_role, self._subscription, (PLAN_STEP_ID,)))
        described = partial(_description, pair)
        custom, after = described(pair.databricks, self._options.role_name), (CUSTOM_ROLE, *needs)
        steps.append(self._step(pair.databricks, "custom role", _custom_role, scope, after, description=custom))
        if self._options.owner:
            owner = described(pair.main, "Owner")
            return [*steps, self._step(pair.main, "Owner", "Owner", scope, needs, description=owner)]
        maker = described(pair.main, _MAKER)
        steps.append(self._step(pair.main, _MAKER, _MAKER, scope, needs, description=maker))
        return [*steps, await self._giver(pair, scope, after, described(pair.main, _GIVER))]

    async def _giver(self, pair: Pair, scope: str, needs: tuple[str, ...], description: str) -> Step[Any]:
        """Gives the roles of the files; which these are is seen only by who may read roles."""
        try:
            condition = partial(_condition, await self._givable(pair.environments))
        except (Forbidden, NotYet) as refused:
            return Refused(_step_id(pair.main, _GIVER), _title(pair.main, _GIVER), refused)
        return self._step(pair.main, _GIVER, _GIVER, scope, needs, condition=condition, description=description)

    async def _givable(self, environments: Sequence[Environment]) -> frozenset[str]:
        """The GUIDs of the roles that the files give; the custom role, which may be still to be made, left out."""
        ours = {self._options.role_name}
        if not any(DEFAULT_NAME in one.roles for each in environments for one in each.role_assignments):
            ours.add(DEFAULT_NAME)  # a standard role, which has another name here
        names = sorted(roles_in_use(environments) - ours)
        return frozenset([await self._reader.role_guid(name) for name in names])

    def _step(
        self,
        key: str,
        title: str,
        role: Source,
        scope: str,
        needs: tuple[str, ...],
        *,
        condition: Source = "",
        description: str = _DESCRIPTION,
    ) -> RoleAssignmentStep:
        application = application_step_id(key)
        return RoleAssignmentStep(
            self._reader,
            step_id=_step_id(key, title),
            title=_title(key, title),
            wanted=Assignment(
                lambda inputs: str(inputs.get(application, "object_id")),
                "ServicePrincipal",
                role,
                scope,
                condition,
                description,
            ),
            environment=key.rpartition("/")[0],
            plan_scope=Scope.SETUP,
            needs=(application, *needs),
        )


def _step_id(key: str, title: str) -> str:
    return f"setup/role/{key}/{title.lower().replace(' ', '-')}"


def _title(key: str, title: str) -> str:
    return f"role {title} of {key}"


def _description(pair: Pair, key: str, role: str) -> str:
    """As the file words it where it gives the same role in the same place: deploy holds it against the file."""
    principal, given = key.rpartition("/")[2], pair.environments[0].role_assignments if pair.prefix else ()
    same = (one.description for one in given if one.principal == principal and role in one.roles and not one.scope)
    return next(filter(None, same), _DESCRIPTION)


def _custom_role(inputs: Inputs) -> str:
    return str(inputs.get(CUSTOM_ROLE, "role_definition_id"))


def _deployer_role(inputs: Inputs) -> str:
    return str(inputs.get(DEPLOYER_STEP_ID, "role_definition_id"))


def _plan_role(inputs: Inputs) -> str:
    return str(inputs.get(PLAN_STEP_ID, "role_definition_id"))


def _condition(known: frozenset[str], inputs: Inputs) -> str:
    return deployer_condition([*known, _custom_role(inputs).rsplit("/", 1)[-1]])
