"""The board's looks: at which pace, what a failure leaves, what somebody who wants to see now gets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from dbxwizard.backend.console.board import Board, BoardRow
from dbxwizard.backend.console.last_deployment import LastDeployment, newest
from dbxwizard.backend.console.pacing import interval, shortest
from dbxwizard.backend.tables import table
from dbxwizard.backend.views import is_production
from dbxwizard.core.errors import OperationError, Transient
from dbxwizard.inventory import EnvironmentInventory


class Watch:
    """A clock that a test moves; `asked` are the seconds of each sleep."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.asked: list[float] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, future))
        await future

    async def advance(self, seconds: float) -> None:
        self._now += seconds
        for at, future in self._sleepers:
            if at <= self._now and not future.done():
                future.set_result(None)
        await settle()


@dataclass
class Facts:
    """`states` and `drifts` count the looks; `wrong` is raised instead of a state."""

    wanted: Sequence[str] = ("Development", "Production")
    states: list[str] = field(default_factory=list)
    drifts: list[str] = field(default_factory=list)
    wrong: OperationError | Exception | None = None
    deployed: dict[str, LastDeployment] = field(default_factory=dict)

    async def names(self) -> Sequence[str]:
        return self.wanted

    async def state(self, name: str) -> EnvironmentInventory:
        self.states.append(name)
        if self.wrong is not None:
            raise self.wrong
        return EnvironmentInventory(name, "deployed", "rg", "westeurope")

    async def drift(self, name: str) -> tuple[Sequence[str], int]:
        self.drifts.append(name)
        return ["cluster x: update"], 0

    async def credentials(self) -> dict[str, tuple[str, ...]]:
        return {"": ("the token",), "Production": ("a secret",)}

    async def last_deployments(self) -> dict[str, LastDeployment]:
        return self.deployed


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
def watch() -> Watch:
    return Watch()


async def _started(facts: Facts, watch: Watch, tell: Callable[[BoardRow], None] = lambda _: None) -> Board:
    board = Board(facts, tell, watch)
    await board.rows()
    await settle()
    return board


async def _row(board: Board, name: str) -> BoardRow:
    return next(row for row in await board.rows() if row.name == name)


@pytest.mark.parametrize(("environments", "state", "drift"), [(4, 30.0, 900.0), (200, 160.0, 2881.8)])
def test_the_pace_leaves_most_of_every_limit_to_others(environments: int, state: float, drift: float) -> None:
    assert interval("state", environments) == pytest.approx(state, rel=0.001)
    assert interval("drift", environments) == pytest.approx(drift, rel=0.001)
    limits, share = table("request_limits")["limits"], table("request_limits")["share"]
    for look, needs in table("request_limits")["looks"].items():
        for service, limit in limits.items():
            sent = needs[service] * environments / shortest(look, environments)
            assert sent <= limit["per_second"] * share * 1.001, (look, service)
    assert all(limit["source"] for limit in limits.values())


async def test_each_state_is_looked_at_again_after_its_pace_and_drift_in_turns(watch: Watch) -> None:
    facts = Facts()
    board = await _started(facts, watch)
    assert facts.states == ["Development", "Production"]
    assert facts.drifts == ["Development"]
    await watch.advance(29)
    assert len(facts.states) == 2
    await watch.advance(1)
    assert len(facts.states) == 4
    assert facts.drifts == ["Development", "Production"]
    row = await _row(board, "Production")
    assert (row.state, row.production, row.expiring) == ("deployed", True, ("the token", "a secret"))
    assert row.drift is not None
    assert row.drift.reasons == ("cluster x: update",)
    await board.close()


async def test_a_failure_is_told_keeps_what_was_known_and_waits_as_the_service_asks(watch: Watch) -> None:
    facts = Facts()
    board = await _started(facts, watch)
    facts.wrong = Transient("http-429", "too many", resource="arm", retry_after=500)
    await watch.advance(30)
    row = await _row(board, "Development")
    assert (row.state, row.at) == ("deployed", 1000.0)
    assert "http-429: too many" in row.failure
    looks = len(facts.states)
    await watch.advance(499)
    assert len(facts.states) == looks
    facts.wrong = None
    await watch.advance(1)
    row = await _row(board, "Development")
    assert (row.failure, row.at) == ("", watch.now())
    await board.close()


async def test_who_wants_to_see_now_does_not_wait(watch: Watch) -> None:
    facts = Facts()
    board = await _started(facts, watch)
    board.refresh(["Production"])
    await settle()
    assert len(facts.states) == 4
    assert facts.drifts == ["Development", "Production"]
    await board.close()


async def test_drift_is_looked_at_anew_once_a_deployment_has_ended(watch: Watch) -> None:
    facts = Facts()
    board = await _started(facts, watch)
    facts.deployed = {"Development": LastDeployment("running", 1010.0, "ada")}
    await watch.advance(30)
    assert facts.drifts == ["Development", "Production"]
    facts.deployed = {"Development": LastDeployment("success", 1050.0, "ada")}
    await watch.advance(30)
    await watch.advance(30)
    assert facts.drifts == ["Development", "Production", "Development"]
    await board.close()


async def test_a_defect_ends_no_look_and_a_file_that_is_gone_has_no_row(watch: Watch) -> None:
    facts = Facts(wrong=KeyError("token eyJhbGciOiJIUzI1NiJ9.abc.def"))
    board = await _started(facts, watch)
    row = await _row(board, "Development")
    assert "internal-error" in row.failure
    assert "eyJ" not in row.failure
    facts.wrong, facts.wanted = None, ("Development",)
    await watch.advance(30)
    assert [(row.name, row.state) for row in await board.rows()] == [("Development", "deployed")]
    await board.close()


def test_what_somebody_else_deployed_later_is_the_last_deployment() -> None:
    ours = LastDeployment("success", 1000.0, "ada (user)")
    stamp = {"provisioningState": "Failed", "timestamp": "2026-11-26T10:00:00.1234567Z"}
    tags = {"dbxwizard-by": "main-spn (servicePrincipal)", "dbxwizard-from": "https://github.com/o/r/actions/runs/1"}
    theirs = LastDeployment.of_azure({"name": "d", "properties": stamp, "tags": tags})
    assert (theirs.status, theirs.actor, theirs.where) == ("error", *tags.values())
    assert newest([ours, theirs]) == theirs
    assert newest([None, LastDeployment.of_azure({"properties": stamp})]) == replace(theirs, actor="", where="Azure")
    same_run, running = replace(ours, at=1030.0, where="jump"), replace(ours, status="running", changes=4)
    assert newest([ours, same_run]) == ours
    assert newest([running, theirs]) == running
    assert newest([None, None]) is None


@pytest.mark.parametrize(
    ("name", "production"),
    [("Production", True), ("prod", True), ("eu-prod", True), ("PreProduction", False), ("pre-production", False)],
)
def test_production_is_known_by_its_name(name: str, production: bool) -> None:
    assert is_production(name) is production
