"""`dbxwizard status`: what is there now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dbxwizard import inventory
from dbxwizard.cli import files
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import opened
from dbxwizard.core.errors import Forbidden, NotYet, told_once
from dbxwizard.core.result import EnvironmentResult, Status
from dbxwizard.core.retry import final
from dbxwizard.inventory import EnvironmentInventory
from dbxwizard.parameters import Environment
from dbxwizard.steps.connection import Connection

_NOT_OURS = {True: "", False: " (not made by dbxwizard)"}


def run(invocation: Invocation) -> Report:
    chosen = files.environments(invocation)
    looks = asyncio.run(_read(invocation, chosen))
    errors = told_once([look.refused for look in looks if look.refused])
    return Report(
        "status",
        invocation.run_id,
        _status(looks),
        environments=tuple(
            EnvironmentResult(look.found.name, _status([look]), (), look.found.to_json()) for look in looks
        ),
        errors=tuple(errors),
        text=tuple(line for look in looks for line in _lines(look.found)),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """At one environment; `refused`: the right that lacks to see anything of it."""

    found: EnvironmentInventory
    refused: Forbidden | None = None


def _status(looks: Sequence[_Look]) -> Status:
    refused = [look for look in looks if look.refused]
    if not refused:
        return Status.UNCHANGED
    return Status.PARTIAL if len(refused) < len(looks) else Status.ERROR


async def _read(invocation: Invocation, chosen: Sequence[Environment]) -> list[_Look]:
    async with opened(invocation, subscription_id=chosen[0].subscription_id) as connection:
        return list(await asyncio.gather(*(_look(one, connection) for one in chosen)))


async def _look(environment: Environment, connection: Connection) -> _Look:
    """One that may not be seen takes nothing from the others."""
    try:
        return _Look(await inventory.read_environment(environment, connection))
    except (Forbidden, NotYet) as caught:
        refused = final(caught)
        if not isinstance(refused, Forbidden):
            raise refused from caught
        return _Look(inventory.unread(environment, refused), refused)


def _lines(found: EnvironmentInventory) -> Iterator[str]:
    yield f"{found.name}: {found.state}, {found.resource_group} in {found.location}"
    if found.workspace_url:
        yield f"  workspace  {found.workspace_url}"
    if found.resources:
        yield f"  resources  {len(found.resources)}" + (
            f", missing {', '.join(found.missing)}" if found.missing else ""
        )
    for cluster in found.clusters:
        yield f"  cluster    {cluster.name}: {cluster.state.lower()}{_NOT_OURS[cluster.ours]}"
    for job in found.jobs:
        yield f"  job        {job.name} ({job.job_id}){_NOT_OURS[job.ours]}"
    if found.not_checked:
        yield f"  not checked: {found.not_checked}"
