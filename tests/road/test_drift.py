"""Each field that a step sets, changed behind its back: the plan names it, and only it is mended.

The history of runs is gone each time: what is there is read from the services alone. Which fields there are is read
from what was sent, so that one without a row fails here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from dbxwizard.sandbox.services import all_services
from tests.proof.recording import Exchange, recorded, secret_job
from tests.reaching import make_private, push
from tests.road import drift_deploy, drift_setup
from tests.road.drift_deploy import DEPLOY, DEPLOY_WITH_SECRETS, of_cluster, of_job
from tests.road.drift_setup import SETUP, SETUP_WITH_SECRETS
from tests.road.drifting import Drift, leaves, rounds
from tests.roads import Outcome, Road

_PAT = "github_pat_11DRIFT00reads0one0repository"
_SECRETS = ("--auth", "secret")


@dataclass
class Driven:
    """A road at its end, and every request that was sent on it."""

    road: Road
    exchanges: list[Exchange]
    job: dict[str, str] = field(default_factory=dict)  # with what the service principals sign in

    def sent(self) -> dict[str, Any]:
        """`METHOD route field` of all that was written → the first value."""
        found: dict[str, Any] = {}
        for one in self.exchanges:
            service = all_services()[one.request.host.split(":")[0]]
            matched = service.match(one.request)
            if one.request.method == "GET" or one.status >= 400 or matched is None or service.name == "login":
                continue
            route = matched[0].name
            for path, value in leaves(_body(one.request.body)).items():
                found.setdefault(f"{route} {path}", value)
        return found

    def body(self, route: str, name: str) -> Mapping[str, Any]:
        """The fields of the request to this path that holds `name`."""
        bodies = [_body(one.request.body) for one in self.exchanges if one.request.path.endswith(route)]
        return leaves(next(body for body in bodies if name in json.dumps(body)))


def _body(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None  # a file


def _drive(road: Road, commands: Callable[[Road, list[Exchange]], None]) -> Driven:
    for name in ("UAT", "PreProduction", "Production"):
        (road.folder / "environments" / f"{name}.json").unlink()
    with recorded(road.state) as (sandbox, exchanges):
        road.environ["DBXWIZARD_SANDBOX"] = sandbox.endpoints().resource_manager
        commands(road, exchanges)
        del road.environ["DBXWIZARD_SANDBOX"]
    return Driven(road, list(exchanges))


@pytest.fixture(scope="module")
def by_default(_fresh: Road, tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """Setup and deployment of Development by a person."""

    def commands(road: Road, exchanges: list[Exchange]) -> None:
        for outcome in (road.setup(), road.deploy()):
            assert outcome.code == 0, outcome.out

    return _drive(_fresh.copy(tmp_path_factory.mktemp("by-default") / "project"), commands)


@pytest.fixture(scope="module")
def with_secrets(_fresh: Road, tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """All that goes another way: service principals of the environment alone, which sign in with client secrets, to a
    private repository that has files already, with an access token in the vault."""
    road = _fresh.copy(tmp_path_factory.mktemp("with-secrets") / "project")
    key = '"appi_ik": "application-insights.connection-string"'
    road.edit("Development", key, f'{key}, "token": "key-vault:dbkstoken"')
    with road.change() as store:
        make_private(store, _PAT)
        push(store, {"notes.md": "older than dbxwizard"})
    road.environ["PAT_GITHUB"] = _PAT
    job: dict[str, str] = {}

    def commands(road: Road, exchanges: list[Exchange]) -> None:
        outcome = road.setup(*_SECRETS, "--isolation", "environment")
        assert outcome.code == 0, outcome.out
        job.update(secret_job(road.state, exchanges))
        outcome = road.deploy(*_SECRETS, **job)
        assert outcome.code == 0, outcome.out

    return replace(_drive(road, commands), job=job)


def check(road: Road, drifts: list[Drift], run: Callable[[], Outcome]) -> None:
    before, shown = len(road.writes()), road.show()
    with road.change() as store:
        for drift in drifts:
            drift.happen(store)
    road.forget_runs()
    outcome = run()
    assert outcome.code == 0, outcome.out
    changes = outcome.changes()
    for drift in drifts:
        reasons = _reasons(changes, drift.step)
        assert [one for one in reasons if not one.startswith(drift.named)] == [], (drift.name, reasons)
        assert all(any(one.startswith(name) for one in reasons) for name in drift.named), (drift.name, reasons)
    assert len(changes) == sum(drift.steps for drift in drifts), changes
    made = road.writes()[before:]
    assert len(made) == sum(drift.writes for drift in drifts), made
    assert any(drift.anew for drift in drifts) or road.show() == shown
    assert run().report["status"] == "unchanged"
    assert len(road.writes()) == before + len(made)


def _reasons(changes: Mapping[str, list[str]], step: str) -> list[str]:
    """Why the step changes something; what it notes besides is no reason."""
    found = next((reasons for name, reasons in changes.items() if step in name), ["it is not in the plan"])
    return [one for one in found if not one.startswith(("left out, ", "adopts the ", "by a pull request "))]


def _all_rounds(road: Road, rows: list[Drift], run: Callable[[Road], Outcome]) -> None:
    for drifts in rounds(rows):
        check(road, drifts, partial(run, road))


def test_setup_mends_what_drifted(by_default: Driven, tmp_path: Any) -> None:
    _all_rounds(by_default.road.copy(tmp_path / "project"), SETUP, lambda road: road.setup())


def test_deploy_mends_what_drifted(by_default: Driven, tmp_path: Any) -> None:
    clusters = of_cluster(by_default.body("/clusters/create", "dbx-sp-cluster2"))
    jobs = of_job(by_default.body("/jobs/create", "job_remote_analysis"))
    rows = [*DEPLOY, *clusters, *jobs]
    _all_rounds(by_default.road.copy(tmp_path / "project"), rows, lambda road: road.deploy())


def test_setup_with_secrets_mends_what_drifted(with_secrets: Driven, tmp_path: Any) -> None:
    options = (*_SECRETS, "--isolation", "environment")
    _all_rounds(with_secrets.road.copy(tmp_path / "project"), SETUP_WITH_SECRETS, lambda road: road.setup(*options))


def test_deploy_with_secrets_mends_what_drifted(with_secrets: Driven, tmp_path: Any) -> None:
    _all_rounds(
        with_secrets.road.copy(tmp_path / "project"),
        DEPLOY_WITH_SECRETS,
        lambda road: road.deploy(*_SECRETS, **with_secrets.job),
    )


def test_every_field_that_a_step_sets_has_its_row(by_default: Driven, with_secrets: Driven) -> None:
    sent = {*by_default.sent(), *with_secrets.sent()}
    clusters = of_cluster(by_default.body("/clusters/create", "dbx-sp-cluster2"))
    jobs = of_job(by_default.body("/jobs/create", "job_remote_analysis"))
    rows = [*SETUP, *SETUP_WITH_SECRETS, *DEPLOY, *DEPLOY_WITH_SECRETS, *clusters, *jobs]
    told = {field for row in rows for field in row.sets} | {*drift_setup.NEVER, *drift_deploy.NEVER}
    template = {field for field in sent if "Microsoft.Resources/deployments" in field}
    assert template  # its fields: tests/deployments/test_infrastructure.py
    assert sorted(sent - told - template) == []
    assert sorted(told - sent) == []
