"""The shipped workflows carried out by the sandbox's runner, with their real scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbxwizard.sandbox.session import Sandbox
from tests.github.test_runs import wait
from tests.installed import put_program_on_path, without_installation
from tests.roads import Road

_ALL = "environment: [Development, UAT, PreProduction, Production]"


@pytest.fixture
def road(fresh: Road, monkeypatch: pytest.MonkeyPatch) -> Iterator[Road]:
    """Set up, with the program that is tested on the path of the jobs, in place of an installation."""
    put_program_on_path(monkeypatch)
    for file in (fresh.folder / ".github" / "workflows").glob("*.yml"):
        text = without_installation(file.read_text())
        file.write_text(text.replace(_ALL, "environment: [Development]"))
    with Sandbox(fresh.state):
        assert fresh.setup().code == 0
        yield fresh
        wait()


def test_an_environment_is_deployed_remembered_and_compared_with_what_was_deployed(road: Road) -> None:
    nothing = road.run("runs", "last", "-e", "Development")
    assert nothing.report["deployed"] is None
    ended = road.run("deploy", "--on", "github", "-e", "Development")
    assert ended.code == 0, ended.out + ended.err
    deployed = road.run("runs", "last", "-e", "Development").report["deployed"]
    assert deployed == {"ref": f"refs/heads/main@{road.head()}", "commit": road.head()}
    log = road.run("runs", "logs", form="text").out
    assert "deploy: success" in log
    proof = road.run("runs", "launch", "drift.yml", "-i", "sign_in_only=true", "--follow")
    assert (proof.code, proof.report["run"]["title"]) == (0, "Proof of the sign-in")
    with road.change() as store:
        [(key, body), *_] = store.find("databricks.cluster")
        store.put("databricks.cluster", key, {**body, "spec": {**body["spec"], "autotermination_minutes": 90}})
    assert drifts(road) == [("Drift in Development", "open")]
    with road.change() as store:
        store.put("databricks.cluster", key, body)
    assert drifts(road) == [("Drift in Development", "closed")]


def drifts(road: Road) -> list[tuple[str, str]]:
    """The issues, after drift.yml has run."""
    ended = road.run("runs", "launch", "drift.yml", "--follow")
    assert ended.code == 0, ended.out + ended.err
    with road.store() as store:
        return [(one["title"], one["state"]) for one in store.all("github.issue")]
