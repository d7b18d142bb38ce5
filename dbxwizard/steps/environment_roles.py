"""The role assignments that an environment file names: on its resource group, and on its data lake."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbxwizard.core.plan import Inputs
from dbxwizard.parameters.model import Access, Environment, RoleAssignment
from dbxwizard.steps.azure.deployer_limits import DeployerLimits
from dbxwizard.steps.azure.role_assignments import Assignment, AssignmentReader, RoleAssignmentStep, Source
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.identity.principals import Principal, Principals


async def environment_role_steps(
    environment: Environment, connection: Connection, principals: Principals, reader: AssignmentReader
) -> list[RoleAssignmentStep]:
    """One step for each principal and role. Raises OperationError for a principal that nobody knows."""
    deployer = connection.service_principal("main-spn")
    made = _Roles(environment, reader, DeployerLimits(reader, deployer.object_id) if deployer else None)
    steps: list[RoleAssignmentStep] = []
    for assignment in environment.role_assignments:
        principal = await principals.resolve(assignment.principal, assignment.principal_type)
        steps += made.on_group(assignment, principal)
    for access in environment.access:
        if access.data_roles:
            principal = await principals.resolve(access.principal, access.principal_type, access.principal_name)
            steps += made.on_data(access, principal)
    return steps


class _Roles:
    def __init__(self, environment: Environment, reader: AssignmentReader, limits: DeployerLimits | None) -> None:
        self._environment, self._reader, self._limits = environment, reader, limits
        self._infrastructure = f"{environment.name.lower()}/infrastructure"
        group = environment.resources.resource_group
        self._group = f"/subscriptions/{environment.subscription_id}/resourceGroups/{group}"
        # A person is read by name where the file has one beside the object id.
        named: tuple[Access | RoleAssignment, ...] = (*environment.access, *environment.role_assignments)
        self._names = {one.principal: one.principal_name for one in named if one.principal_name}

    def on_group(self, assignment: RoleAssignment, principal: Principal) -> Iterator[RoleAssignmentStep]:
        for role in assignment.roles:
            scope = assignment.scope or self._group
            kind = principal.kind or assignment.principal_type or "ServicePrincipal"
            wanted = Assignment(principal.object_id, kind, role, scope, description=assignment.description)
            place = "" if scope == self._group else f"/{_slug(scope)}"
            yield self._step(assignment.principal, role, wanted, place)

    def on_data(self, access: Access, principal: Principal) -> Iterator[RoleAssignmentStep]:
        for role in access.data_roles:
            wanted = Assignment(principal.object_id, principal.kind or "User", role, self._storage_account)
            yield self._step(access.principal, role, wanted, "/data")

    def _storage_account(self, inputs: Inputs) -> str:
        return str(inputs.get(self._infrastructure, "storage_account_id"))

    def _step(self, principal: str, role: Source, wanted: Assignment, place: str) -> RoleAssignmentStep:
        name, who = self._environment.name, self._names.get(principal, principal)
        return RoleAssignmentStep(
            self._reader,
            step_id=f"{name.lower()}/role/{_slug(principal)}/{_slug(str(role))}{place}",
            title=f"role {role} of {who}{' on the data lake' if place == '/data' else ''}",
            wanted=wanted,
            environment=name,
            needs=(self._infrastructure,),
            limits=self._limits,
        )


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
