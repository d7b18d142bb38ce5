"""The services take so many requests in a time, and say when there is room again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbxwizard.sandbox.arm import service as arm
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.databricks import service as databricks
from dbxwizard.sandbox.entra.directory import ADA, ADA_ID
from dbxwizard.sandbox.github import service as github
from dbxwizard.sandbox.github.seed import REPOSITORY, SANDBOX_TOKEN
from dbxwizard.sandbox.limits import Buckets, Windows
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock
from tests.conftest import new_state
from tests.sandbox.strict_world import AUDIENCES, StrictWorld
from tests.sandbox.wire import Wire

NOON = 1_795_000_000.0
GROUPS = f"/subscriptions/{SUBSCRIPTION_ID}/resourcegroups?api-version=2022-09-01"


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[Clock]:
    store = Store(tmp_path / "clock.sqlite")
    clock = Clock(store)
    clock.freeze(NOON)
    yield clock
    store.close()


def pace(clock: Clock, profile: str) -> None:
    clock._store.put("_setting", "latency", {"profile": profile})


def test_a_bucket_fills_again_as_fast_as_time_runs(clock: Clock) -> None:
    for profile, speed in (("demo", 1.0), ("real", 20.0)):
        pace(clock, profile)
        buckets = Buckets()
        assert [buckets.take(clock, "ada", 3, 0.5).left for _ in range(3)] == [2, 1, 0]
        assert buckets.take(clock, "ada", 3, 0.5).wait == (2 if profile == "demo" else 1)
        assert buckets.take(clock, "grace", 3, 0.5).left == 2
        clock.advance(2.1 / speed)
        assert buckets.take(clock, "ada", 3, 0.5).wait == 0
        assert buckets.take(clock, "ada", 3, 0.5).wait > 0
        clock.advance(1000)
        assert buckets.take(clock, "ada", 3, 0.5).left == 2


def test_a_window_forgets_what_is_older(clock: Clock) -> None:
    pace(clock, "demo")
    windows = Windows()
    assert windows.take(clock, "ada", 12, 60.0, 5).left == 7
    clock.advance(30)
    assert windows.take(clock, "ada", 12, 60.0, 5).left == 2
    assert windows.take(clock, "ada", 12, 60.0, 5).wait == 30
    assert windows.take(clock, "ada", 12, 60.0, 1).wait == 0
    clock.advance(30)
    assert windows.take(clock, "ada", 12, 60.0, 5).wait == 0


def test_where_nothing_takes_time_nobody_waits(clock: Clock) -> None:
    pace(clock, "zero")
    buckets, windows = Buckets(), Windows()
    assert [buckets.take(clock, "ada", 2, 1.0).wait for _ in range(5)] == [0] * 5
    assert [windows.take(clock, "ada", 2, 1.0).wait for _ in range(5)] == [0] * 5


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """A sandbox in which time counts, and stands still."""
    state = new_state(tmp_path)
    store = Store(state)
    with store.transaction():
        store.put("_setting", "latency", {"profile": "demo"})
    store.close()
    with Sandbox(state):
        wire = Wire(state)
        yield wire
        wire.close()


def stand_still(wire: Wire) -> None:
    Clock(wire.store).freeze(Clock(wire.store).now())


def test_resource_manager_counts_reads_and_writes_of_each_principal_apart(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arm, "_LIMITS", {"GET": ("reads", 3, 0.1)})
    stand_still(wire)
    token = wire.person_token(ADA, AUDIENCES["arm"])
    left = [
        wire.send("GET", "arm", GROUPS, token=token).headers["x-ms-ratelimit-remaining-subscription-reads"]
        for _ in range(3)
    ]
    assert left == ["2", "1", "0"]
    refused = wire.send("GET", "arm", GROUPS, token=token)
    assert (refused.status, refused.headers["retry-after"]) == (429, "10")
    assert refused.headers["x-ms-ratelimit-remaining-subscription-reads"] == "0"
    error = refused.json["error"]
    assert error["code"] == "SubscriptionRequestsThrottled"
    assert f"subscription '{SUBSCRIPTION_ID}' actor '{ADA_ID}' exceeded" in error["message"]
    path = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-limits?api-version=2022-09-01"
    assert wire.send("PUT", "arm", path, token=token, json_body={"location": "westeurope"}).status == 201
    assert wire.send("GET", "arm", "/tenants?api-version=2022-12-01", token=token).status == 200
    Clock(wire.store).advance(10)
    assert wire.send("GET", "arm", GROUPS, token=token).status == 200


def test_github_counts_points_at_each_endpoint(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github, "_MOST_POINTS", 11)
    stand_still(wire)
    path = f"/api/v3/repos/{REPOSITORY}/actions/variables"

    def create(name: str) -> int:
        body = {"name": name, "value": "x"}
        return wire.send("POST", "github", path, token=SANDBOX_TOKEN, json_body=body).status

    assert [create(name) for name in ("A", "B")] == [201, 201]
    refused = wire.send("POST", "github", path, token=SANDBOX_TOKEN, json_body={"name": "C", "value": "x"})
    assert (refused.status, refused.headers["retry-after"]) == (403, "60")
    assert "secondary rate limit" in refused.json["message"]
    assert wire.send("GET", "github", path, token=SANDBOX_TOKEN).json["total_count"] == 2
    Clock(wire.store).advance(60)
    assert create("C") == 201


def test_a_workspace_takes_so_many_jobs_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databricks, "_MOST_A_SECOND", {"POST /api/{version}/jobs/create": 1})
    with Sandbox(new_state(tmp_path)) as sandbox:
        world = StrictWorld(sandbox)
        wire, host, token = world.wire, world.host("workspace"), world.owner["workspace"]
        stand_still(wire)
        wire.put("_setting", "latency", {"profile": "demo"})
        answers = [
            wire.send("POST", host, "/api/2.1/jobs/create", token=token, json_body={"name": "night"}) for _ in range(2)
        ]
        wire.close()
    assert [one.status for one in answers] == [200, 429]
    assert answers[1].json["error_code"] == "REQUEST_LIMIT_EXCEEDED"
