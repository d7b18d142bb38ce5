"""The proof that what setup made works: a run of drift.yml that only signs in to Azure, from each environment's job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dbxwizard.clients.run_types import Run
from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import Forbidden, NotFound
from dbxwizard.runs import digest
from dbxwizard.runs.digest import Explaining, Failure, failures
from dbxwizard.runs.inputs import read_inputs
from dbxwizard.runs.launching import launch

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.steps.connection import Connection

WORKFLOW = "drift.yml"
TITLE = "Proof of the sign-in"  # which drift.yml gives such a run
_INPUT = "sign_in_only"
_REQUIREMENTS = ".github/dbxwizard-requirements.txt"
_WITHOUT_HASH = re.compile(r"^dbxwizard==[^\s\\]+\s*$", re.MULTILINE)
# How pip says that its indexes have no version of what dbxwizard needs. The sandbox has dbxwizard itself.
_NO_PACKAGE = re.compile(r"No matching distribution found for (?!dbxwizard\b)")
# Seconds in which trust and rights spread: learn.microsoft.com/azure/role-based-access-control/troubleshooting
_SPREADING, _SPREADING_HERE = 600, 30


LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest proof that was begun, and why it failed."""

    run: Run
    failures: tuple[Failure, ...] = ()


async def newest(connection: Connection, client: GitHubClient) -> Proof | None:
    """None where none was begun, or the caller may not see it. Raises the core's errors."""
    try:
        found = await client.runs.runs(WORKFLOW, {"event": "workflow_dispatch"})
    except (NotFound, Forbidden):
        return None
    run = next((one for one in found if one.title == TITLE), None)
    if run is None or not run.ended:
        return Proof(run) if run else None
    jobs = await client.runs.jobs(run.id)
    return Proof(run, tuple(await failures(client.runs, jobs, explaining(connection, client))))


def unprovable_here(client: GitHubClient, found: Sequence[Failure]) -> str:
    """Why the sandbox could prove nothing: its jobs install what dbxwizard needs by this machine's pip, which reaches
    no index with it. "" where something else failed."""
    if not (client.is_local and found and all(any(map(_NO_PACKAGE.search, one.lines)) for one in found)):
        return ""
    line = next(filter(_NO_PACKAGE.search, found[0].lines))
    return (
        "the sandbox's jobs install dbxwizard's packages by the pip of this machine, which reaches no index with them "
        f"({line.removeprefix('ERROR: ')}). Nothing is wrong with what setup made. Where pip finds packages: "
        f"`dbxwizard runs launch {WORKFLOW} -i {_INPUT}=true --follow`; `--no-proof` leaves it out at once"
    )


async def begin(connection: Connection, repository: str, clock: Clock) -> None:
    """Starts a proof where one can be made; who asks for it looks at it later. Raises the core's errors."""
    client = await connection.github_loaded(repository)
    if not await obstacle(client):
        await start(client, clock)


async def obstacle(client: GitHubClient) -> str:
    """Why nothing can be proved yet; "" where it can. Raises the core's errors."""
    branch = (await client.repository()).default_branch
    text = await client.runs.file(f".github/workflows/{WORKFLOW}", branch)
    asked = read_inputs(text) if text is not None else None
    if asked is None or _INPUT not in {one.name for one in asked}:
        return f"{branch} has no {WORKFLOW} that can do it: merge the files of this folder, with `init --update` before"
    if _WITHOUT_HASH.search(await client.runs.file(_REQUIREMENTS, branch) or ""):
        return "the workflows can't install dbxwizard yet: `dbxwizard init --update --install-from INDEX|URL|WHEEL`"
    return ""


async def start(client: GitHubClient, clock: Clock) -> Run:
    """The run that proves it. Raises the core's errors."""
    branch = (await client.repository()).default_branch
    patience = _SPREADING_HERE if client.is_local else _SPREADING
    return await launch(client, WORKFLOW, branch, {_INPUT: "true", "patience": str(patience)}, clock)


def explaining(connection: Connection, client: GitHubClient) -> Explaining:
    """With what Azure trusts now: the credentials of the application that an environment's variables name."""

    async def trusted(environment: str) -> list[str]:
        variable = (await client.variables(environment)).get("AZURE_CLIENT_ID")
        found = await connection.graph().application_of_client(variable.value) if variable else None
        credentials = await connection.graph().federated_credentials(found["id"]) if found else []
        return [str(one["subject"]) for one in credentials]

    return replace(digest.explaining(client), trusted=trusted)
