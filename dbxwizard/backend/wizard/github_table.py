"""What setup publishes to GitHub, as rows: environments, variables and secrets, by name and never with a value."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from dbxwizard.backend.tables import table
from dbxwizard.backend.wizard.github_views import GitHubRow, GitHubTable, Kind, PublicKey, Standing
from dbxwizard.core.change import Action
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import NotFound
from dbxwizard.core.plan import Plan, PlannedStep, Step, make_plan
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.github.environments import GitHubEnvironmentStep
from dbxwizard.steps.github.secrets import NOTE, GitHubSecretsStep, SecretsState
from dbxwizard.steps.github.variables import GitHubVariablesStep
from dbxwizard.steps.setup_options import SetupOptions
from dbxwizard.steps.setup_plan import GITHUB_STEP_ID, setup_steps


async def github_table(
    connection: Connection, options: SetupOptions, environments: Sequence[Environment]
) -> GitHubTable:
    """Reads GitHub, and of Entra what the values are made of. Raises as `setup_steps` and `make_plan` do."""
    steps = _of_github(await setup_steps(options, environments, connection))
    plan = await make_plan(steps, listener=lambda _: None, clock=SystemClock(), actor=connection.signed_in.name)
    rows = github_rows(plan)
    places = dict.fromkeys(row.where for row in rows if row.kind == "secret")
    keys = await asyncio.gather(*(_public_key(connection, options.repository, place) for place in places))
    return GitHubTable(options.repository, rows, tuple(keys))


def github_rows(plan: Plan) -> tuple[GitHubRow, ...]:
    """Of a plan of setup: environment by environment, its variables and its secrets after it."""
    return tuple(row for planned in plan.steps for row in _rows(planned))


def _of_github(steps: Sequence[Step[Any]]) -> list[Step[Any]]:
    """GitHub's steps, or what stands for them where the token may not look, and all that they need."""
    by_id, wanted = {step.id: step for step in steps}, set[str]()
    waiting = [step.id for step in steps if step.id == GITHUB_STEP_ID or step.id.startswith(f"{GITHUB_STEP_ID}/")]
    while waiting:
        step_id = waiting.pop()
        if step_id not in wanted:
            wanted.add(step_id)
            waiting += by_id[step_id].needs
    return [step for step in steps if step.id in wanted]


def _rows(planned: PlannedStep) -> Iterator[GitHubRow]:
    step = planned.step
    if isinstance(step, GitHubEnvironmentStep):
        words = "what its jobs may deploy to, and who has to agree"
        yield GitHubRow("environment", step.holder, step.holder, _of_environment(planned), words)
    elif isinstance(step, GitHubVariablesStep):
        yield from _values("variable", planned, step.holder, step.names, planned.state or {})
    elif isinstance(step, GitHubSecretsStep):
        state = planned.state or SecretsState()
        yield from _values("secret", planned, step.holder, step.names, state.written_at)
        yield from _values("variable", planned, step.holder, (NOTE,), (NOTE,) if state.noted_at else ())


def _of_environment(planned: PlannedStep) -> Standing:
    if planned.not_checked:
        return "not checked"
    standings: dict[Action, Standing] = {Action.CREATE: "new", Action.UPDATE: "will be replaced"}
    return standings.get(planned.change.action, "unchanged")


def _values(
    kind: Kind, planned: PlannedStep, where: str, names: Sequence[str], there: Collection[str]
) -> Iterator[GitHubRow]:
    """Those that are there are replaced where the plan foretells a request to their address."""
    addresses = {request.path.rsplit("/", 1)[-1] for request in planned.writes}
    for name in names:
        standing: Standing = "unchanged"
        if planned.not_checked:
            standing = "not checked"
        elif name not in there:
            standing = "new"
        elif name in addresses:
            standing = "will be replaced"
        yield GitHubRow(kind, name, where, standing, _words(name))


def _words(name: str) -> str:
    known: dict[str, str] = table("github_values")["words"]
    return known.get(name, "")


async def _public_key(connection: Connection, repository: str, place: str) -> PublicKey:
    try:
        return PublicKey(place, await connection.github(repository).public_key_id(place))
    except NotFound:
        return PublicKey(place, "")
