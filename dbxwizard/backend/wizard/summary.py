"""The last page: what is there now with its addresses, what GitHub got, and what to do next.

Read from the live systems, so it is right whenever it is asked for, and whoever made what is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dbxwizard import inventory
from dbxwizard.backend.wizard.next_things import next_things
from dbxwizard.backend.wizard.summary_views import (
    Link,
    MadeEnvironment,
    ProofSeen,
    PublishedFiles,
    PublishedValues,
    Summary,
)
from dbxwizard.core.errors import NotFound, OperationError
from dbxwizard.core.plan import Inputs
from dbxwizard.inventory import EnvironmentInventory
from dbxwizard.parameters.model import Environment
from dbxwizard.runs.digest import Failure
from dbxwizard.runs.proof import LEFT_OUT, newest, unprovable_here
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.github.publish import Published, PublishStep
from dbxwizard.steps.identity.applications import unique_name
from dbxwizard.steps.setup_options import SetupOptions, keys_of, pairs
from dbxwizard.steps.setup_plan import PUBLISHED

if TYPE_CHECKING:
    from dbxwizard.clients.cloud import Cloud


async def summary(connection: Connection, options: SetupOptions, environments: Sequence[Environment]) -> Summary:
    """An environment that can't be read is told of, and stops nothing. Raises the core's errors for all else."""
    look = _Look(connection, options)
    applications, made, files, values, proof = await asyncio.gather(
        look.applications(environments),
        asyncio.gather(*(look.environment(environment) for environment in environments)),
        look.files(environments),
        asyncio.gather(*(look.values(place) for place in look.places(environments))),
        look.proof(),
    )
    found = Summary(
        Link(options.repository, look.page()),
        tuple(Link(one["displayName"], look.application_page(one["appId"])) for one in applications),
        tuple(made),
        files,
        tuple(values),
        (),
        _SANDBOX if connection.cloud.is_sandbox else "",
        proof,
    )
    passwords = [one for application in applications for one in application.get("passwordCredentials") or ()]
    things = next_things(found, [str(one["endDateTime"]) for one in passwords], look.page("settings/environments"))
    return replace(found, next=things)


_SANDBOX = "This is the sandbox: the addresses of Azure's portal lead nowhere, its own only while it is served."


class _Look:
    def __init__(self, connection: Connection, options: SetupOptions) -> None:
        self._connection, self._options = connection, options
        self._github = connection.github(options.repository)

    @property
    def _cloud(self) -> Cloud:
        return self._connection.cloud

    def page(self, below: str = "") -> str:
        return "/".join(filter(None, (self._cloud.github_web, self._options.repository, below)))

    def application_page(self, client_id: str) -> str:
        blade = "#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Overview/appId"
        return f"{self._cloud.portal}/{blade}/{client_id}"

    def _portal(self, resource_id: str) -> str:
        return f"{self._cloud.portal}/#@{self._connection.signed_in.tenant_id}/resource{quote(resource_id)}"

    async def applications(self, environments: Sequence[Environment]) -> list[dict[str, Any]]:
        graph, repository = self._connection.graph(), self._options.repository
        keys = keys_of(pairs(self._options, environments))
        found = await asyncio.gather(*(graph.application_of_name(unique_name(repository, key)) for key in keys))
        return [one for one in found if one is not None]

    async def environment(self, environment: Environment) -> MadeEnvironment:
        if not environment.subscription_id:
            return MadeEnvironment(environment.name, "absent", "its file names no subscription yet", ())
        try:
            found = await inventory.read_environment(environment, self._connection)
        except OperationError as error:
            return MadeEnvironment(environment.name, "not checked", error.message, ())
        return MadeEnvironment(
            environment.name,
            found.state,
            found.not_checked,
            self._links(environment, found),
            found.resources,
            found.missing,
            tuple(one.name for one in found.clusters if one.ours),
            tuple(one.name for one in found.jobs if one.ours),
        )

    def _links(self, environment: Environment, found: EnvironmentInventory) -> tuple[Link, ...]:
        if found.state == "absent":
            return ()
        group = f"/subscriptions/{environment.subscription_id}/resourceGroups/{found.resource_group}"
        portal = Link(f"{found.resource_group} in the portal", self._portal(group))
        workspace = [Link("Databricks workspace", found.workspace_url)] if found.workspace_url else []
        return portal, *workspace

    async def files(self, environments: Sequence[Environment]) -> PublishedFiles | None:
        """None where there is no project folder to compare with."""
        if not environments:
            return None
        step = PublishStep(self._github, environments[0].root, PUBLISHED)
        return _files(await step.read(Inputs((), {})))

    async def proof(self) -> ProofSeen | None:
        """None where setup never began one."""
        found = await newest(self._connection, self._github)
        if found is None:
            return None
        link = Link(f"{found.run.title} #{found.run.number}", found.run.html_url)
        if reason := unprovable_here(self._github, found.failures):
            return ProofSeen(LEFT_OUT, link, (reason,))
        return ProofSeen(found.run.state, link, tuple(line for one in found.failures for line in _why(one)))

    def places(self, environments: Sequence[Environment]) -> tuple[str, ...]:
        return tuple(one.name for one in environments) if self._options.github_environments else ("",)

    async def values(self, place: str) -> PublishedValues:
        try:
            variables, secrets = await asyncio.gather(self._github.variables(place), self._github.secrets(place))
        except NotFound:
            return PublishedValues(place, exists=False)
        settings = await self._github.environment(place) if place else None
        rules = (settings or {}).get("protection_rules", ())
        reviewed = any(rule["type"] == "required_reviewers" for rule in rules)
        return PublishedValues(place, True, tuple(sorted(variables)), tuple(sorted(secrets)), reviewed)


def _why(failure: Failure) -> Iterator[str]:
    yield f"{failure.title}: {failure.lines[0] if failure.lines else failure.job.state}"
    if failure.subjects:
        yield f"the job's subject: {failure.subjects.presented}"
        yield from (f"Azure trusts: {subject}" for subject in failure.subjects.trusted)
    yield from (f"→ {line}" for line in failure.advice)


def _files(state: Published) -> PublishedFiles:
    request = state.pull_request
    waiting = Link(f"pull request #{request.number}", request.html_url) if request and state.differing else None
    return PublishedFiles(
        state.default_branch, len(state.local.files), len(state.differing), state.has_release, waiting
    )
