"""`dbxwizard status`: what is there now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from dbxwizard import inventory
from dbxwizard.cli import files
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import opened
from dbxwizard.core.result import EnvironmentResult, Status
from dbxwizard.inventory import EnvironmentInventory
from dbxwizard.parameters import Environment

_NOT_OURS = {True: "", False: " (not made by dbxwizard)"}


def run(invocation: Invocation) -> Report:
    chosen = files.environments(invocation)
    found = asyncio.run(_read(invocation, chosen))
    return Report(
        "status",
        invocation.run_id,
        Status.UNCHANGED,
        environments=tuple(EnvironmentResult(one.name, Status.UNCHANGED, (), one.to_json()) for one in found),
        text=tuple(line for one in found for line in _lines(one)),
    )


async def _read(invocation: Invocation, chosen: Sequence[Environment]) -> list[EnvironmentInventory]:
    async with opened(invocation, subscription_id=chosen[0].subscription_id) as connection:
        readings = (inventory.read_environment(one, connection) for one in chosen)
        return list(await asyncio.gather(*readings))


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
