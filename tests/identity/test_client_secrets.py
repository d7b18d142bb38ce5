"""Client secrets, through the engine; the proof of each is a sign-in with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.graph import GraphClient
from dbxwizard.clients.identity import SignedIn, prove_secret, sign_in
from dbxwizard.core.engine import ManualClock
from dbxwizard.core.errors import NotSignedIn
from dbxwizard.core.plan import Change, Inputs, Progress, Scope, Step
from dbxwizard.core.result import RunResult, Status
from dbxwizard.core.secret import Secret
from dbxwizard.sandbox import faults, tokens
from dbxwizard.steps.identity.applications import ApplicationStep, ClientSecretStep, RetiredSecretsStep
from tests.identity.running import applied, fields, planned
from tests.identity.world import World

DAY = 86400.0
SECRET_STEP = "setup/client-secret/main-spn"


@dataclass
class Holder(Step[str]):
    """What takes the value, as GitHub's secrets do: it knows which key ids it has."""

    values: dict[str, Secret] = field(default_factory=dict)
    broken: bool = False
    forgets: bool = False  # as if another run wrote over it
    id = "setup/holder"
    title = "holder"
    scope = Scope.SETUP
    needs = (SECRET_STEP,)

    async def held(self) -> set[str]:
        return set(self.values)

    async def read(self, inputs: Inputs) -> str | None:
        return "there"

    def diff(self, state: str | None, inputs: Inputs) -> Change:
        return Change.none() if inputs.get(SECRET_STEP, "key_id") in self.values else Change.create()

    async def apply(self, state: str | None, change: Change, inputs: Inputs, progress: Progress) -> dict[str, object]:
        if self.broken:
            raise NotSignedIn("no-github", "GitHub did not take it")
        value = inputs.get(SECRET_STEP, "_client_secret")
        assert isinstance(value, Secret)
        self.values[str(inputs.get(SECRET_STEP, "key_id"))] = value
        if self.forgets:
            del self.values[str(inputs.get(SECRET_STEP, "key_id"))]
        return {}


@pytest.fixture
async def graph(cloud: Cloud, ada: SignedIn) -> AsyncIterator[GraphClient]:
    async with GraphClient(cloud, ada) as client:
        yield client


@dataclass
class Road:
    cloud: Cloud
    graph: GraphClient
    world: World
    holder: Holder = field(default_factory=Holder)

    def steps(self) -> list[Step[object]]:
        now = self.world.clock().now
        prove = partial(prove_secret, self.cloud, tokens.TENANT_ID)
        made = (
            ApplicationStep(self.graph, key="main-spn", display_name="dbx-main", repository="contoso/databricks"),
            ClientSecretStep(self.graph, key="main-spn", held=self.holder.held, now=now),
            self.holder,
            RetiredSecretsStep(
                self.graph, key="main-spn", prove=prove, held=self.holder.held, needs=(self.holder.id,), now=now
            ),
        )
        return list(made)  # type: ignore[arg-type]

    async def run(self) -> RunResult:
        return await applied(self.steps(), ManualClock(self.world.clock().now()))

    def age(self, days_left: float) -> None:
        """Lets the secrets end in so many days."""
        application = self.world.application("dbx-main")
        ends = self.world.clock().now() + days_left * DAY
        aged = [one | {"endAt": ends} for one in application["passwordCredentials"]]
        self.world.change("directory.application", application["id"], passwordCredentials=aged)

    def passwords(self) -> list[str]:
        return [one["keyId"] for one in self.world.application("dbx-main")["passwordCredentials"]]


@pytest.fixture
def road(cloud: Cloud, graph: GraphClient, world: World) -> Road:
    return Road(cloud, graph, world)


async def test_a_secret_is_made_handed_on_and_signs_in(road: Road, cloud: Cloud, world: World) -> None:
    result = await road.run()
    assert result.status is Status.SUCCESS
    ((key_id, value),) = road.holder.values.items()
    assert road.passwords() == [key_id]
    given = {
        "ARM_TENANT_ID": tokens.TENANT_ID,
        "ARM_CLIENT_ID": world.application("dbx-main")["appId"],
        "ARM_CLIENT_SECRET": value.reveal(),
    }
    assert (await sign_in(cloud, environ=given)).name == given["ARM_CLIENT_ID"]
    assert value.reveal() not in repr(result)
    assert value.reveal().encode() not in world.store.path.read_bytes()


async def test_a_second_run_writes_nothing(road: Road, world: World) -> None:
    await road.run()
    before = world.writes()
    assert (await road.run()).status is Status.UNCHANGED
    assert world.writes() == before


async def test_a_secret_near_its_end_is_followed_by_one_that_has_proved_itself(road: Road, world: World) -> None:
    await road.run()
    (old,) = road.passwords()
    road.age(days_left=29)
    plan = await planned(*road.steps())
    assert fields(plan)[SECRET_STEP] == ["endDateTime"]
    assert (await road.run()).status is Status.SUCCESS
    (new,) = road.passwords()
    assert new != old
    assert new in road.holder.values
    assert (await road.run()).status is Status.UNCHANGED


async def test_the_old_secret_stays_while_its_successor_is_not_in_use(road: Road, world: World) -> None:
    await road.run()
    (old,) = road.passwords()
    road.age(days_left=29)
    road.holder.broken = True
    assert (await road.run()).status is not Status.SUCCESS
    assert old in road.passwords()
    road.holder.broken = False
    assert (await road.run()).status is Status.SUCCESS
    assert list(road.holder.values)[-1] in road.passwords()
    assert old not in road.passwords()


async def test_nothing_is_removed_where_another_run_has_handed_on_its_own(road: Road) -> None:
    await road.run()
    (old,) = road.passwords()
    road.age(days_left=29)
    road.holder.forgets = True
    result = await road.run()
    assert [error.code for error in result.errors] == ["client-secret-at-once"]
    assert old in road.passwords()
    assert len(road.passwords()) == 2


async def test_the_old_secret_stays_while_its_successor_can_not_sign_in(road: Road, world: World) -> None:
    await road.run()
    (old,) = road.passwords()
    road.age(days_left=29)
    refusal = faults.Fault("status", service="login", method="POST", status=401, times=1000)
    faults.add(world.store, refusal)
    result = await road.run()
    assert [error.exit_code for error in result.errors] == [3]
    assert old in road.passwords()


async def test_a_value_that_was_lost_is_made_anew(road: Road, world: World) -> None:
    """The answer to the first request never came: nobody knows the value of the secret that it made."""
    lost = faults.Fault("status", service="graph", path="*addPassword", status=500, when="after")
    faults.add(world.store, lost)
    assert (await road.run()).status is Status.SUCCESS
    (kept,) = road.passwords()
    assert list(road.holder.values) == [kept]


async def test_a_holder_that_lost_the_value_gets_a_new_one(road: Road) -> None:
    await road.run()
    road.holder.values.clear()
    plan = await planned(*road.steps())
    assert fields(plan)[SECRET_STEP] == ["value"]
    await road.run()
    assert road.passwords() == list(road.holder.values)


async def test_secrets_of_somebody_else_are_left_alone(road: Road, graph: GraphClient, world: World) -> None:
    await road.run()
    now = world.clock().now()
    theirs = await graph.add_password(world.application("dbx-main")["id"], "by hand", now + 30 * DAY)
    road.age(days_left=29)
    await road.run()
    assert theirs.key_id in road.passwords()
    assert len(road.passwords()) == 2


async def test_what_has_expired_goes_though_nobody_can_prove_its_successor(
    road: Road, graph: GraphClient, world: World
) -> None:
    await road.run()
    now = world.clock().now()
    old = await graph.add_password(world.application("dbx-main")["id"], "dbxwizard", now + DAY)
    application = world.application("dbx-main")
    ended = [
        one | ({"endAt": now - 1} if one["keyId"] == old.key_id else {}) for one in application["passwordCredentials"]
    ]
    world.change("directory.application", application["id"], passwordCredentials=ended)
    assert (await road.run()).status is Status.SUCCESS
    assert road.passwords() == list(road.holder.values)


async def test_what_a_run_left_that_was_cut_off_is_replaced_with_what_it_was_to_replace(
    road: Road, graph: GraphClient, world: World
) -> None:
    await road.run()
    left = await graph.add_password(world.application("dbx-main")["id"], "dbxwizard", world.clock().now() + DAY)
    before = set(road.passwords())
    assert left.key_id in before
    assert (await road.run()).status is Status.SUCCESS
    assert len(road.passwords()) == 1
    assert before.isdisjoint(road.passwords())
    assert (await road.run()).status is Status.UNCHANGED


async def test_a_new_secret_is_waited_for(road: Road, world: World) -> None:
    await road.run()
    world.latency("demo")
    road.age(days_left=29)

    class Waiting(ManualClock):
        async def sleep(self, seconds: float) -> None:
            world.advance(seconds)
            await super().sleep(seconds)

    result = await applied(road.steps(), Waiting(world.clock().now()))
    assert result.status is Status.SUCCESS
    assert len(road.passwords()) == 1
