"""Ctrl-C while a run is under way: it ends at once and clean, and the next run completes what it began.

The service keeps the request waiting at which it happens, so the run can't end before. The half minute that the program
then grants to what is under way goes by at once: nothing of it would end.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any, Literal
from unittest import mock

import pytest

from dbxwizard.sandbox import faults
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.sandbox.http import Request
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from tests.proof.recording import environment
from tests.roads import Outcome, Road

_SETUP = ("setup", "--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)
_DEPLOY = ("deploy", "-e", "Development")
_PROGRAM = """
import sys
from dbxwizard.cli.main import run
from dbxwizard.core.clock import set_testing
set_testing(True)
sys.exit(run(sys.argv[1:]))
"""
States = dict[str, dict[str, Any]]  # by the command that left them


@dataclass(frozen=True)
class Interrupted:
    """How a command ended that was interrupted, and every event of it."""

    code: int
    err: str
    events: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == kind]


def interrupted(road: Road, command: tuple[str, ...], number: signal.Signals, at: Fault) -> Interrupted:
    """Runs `command` on a sandbox that keeps the request `at` waiting; the signal is sent once it has come."""
    told, came, take = road.folder.with_name("events"), threading.Event(), faults.take

    def noticing(store: Store, request: Request) -> Fault | None:
        found = take(store, request)
        if found:
            came.set()
        return found

    with mock.patch.object(faults, "take", noticing), Sandbox(road.state) as sandbox:
        with road.store() as store:
            faults.add(store, at)
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *command, "--quiet", "--events", str(told)],
            cwd=road.folder,
            env=environment(
                DBXWIZARD_STATE_DIR=str(road.folder / ".state"), DBXWIZARD_SANDBOX=sandbox.endpoints().resource_manager
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert came.wait(100), "the request is not sent"
            process.send_signal(number)
            _, err = process.communicate(timeout=100)
        finally:
            process.kill()
        with road.store() as store:
            faults.clear(store)
    return Interrupted(process.returncode, err, [json.loads(line) for line in told.read_text("utf-8").splitlines()])


def ends_clean(found: Interrupted) -> None:
    assert found.code == 130, found.err
    assert "Traceback" not in found.err
    assert [one["status"] for one in found.of("run_finished")] == ["cancelled"]
    assert found.events[-1]["event"] == "run_finished"


def completes(road: Road, run: Outcome, undisturbed: dict[str, Any]) -> None:
    assert run.code == 0, run.out
    assert road.show() == undisturbed


@pytest.fixture(scope="module")
def undisturbed(_set_up: Road, _deployed: Road) -> States:
    """What there is after setup, and after a deployment, that nobody interrupted."""
    return {"setup": _set_up.show(), "deploy": _deployed.show()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_deployment_that_azure_works_on(set_up: Road, undisturbed: States, number: signal.Signals) -> None:
    at = Fault("stall", "arm", "GET", "*/operationStatuses/*")
    found = interrupted(set_up, _DEPLOY, number, at)
    ends_clean(found)
    assert {one["step"] for one in found.of("step_skipped")} >= {"development/infrastructure", "development/workspace"}
    completes(set_up, set_up.deploy("-e", "Development"), undisturbed["deploy"])


@pytest.mark.parametrize(
    ("step", "path", "when"),
    [
        ("development/clusters/dbx-sp-cluster", "/api/2.1/clusters/create", "before"),
        ("development/wheels/framework", "/api/2.0/workspace/import", "after"),
        ("development/jobs/job_remote_analysis", "/api/2.2/jobs/create", "after"),
    ],
)
def test_a_deployment_in_the_workspace(
    set_up: Road, undisturbed: States, step: str, path: str, when: Literal["before", "after"]
) -> None:
    found = interrupted(set_up, _DEPLOY, signal.SIGINT, Fault("stall", "workspace", "POST", path, when=when))
    ends_clean(found)
    # Of two clusters it may be the other one, whose name begins alike, that the service keeps waiting.
    assert any(one["step"].startswith(step) for one in found.of("step_skipped"))
    completes(set_up, set_up.deploy("-e", "Development"), undisturbed["deploy"])


def test_setup(fresh: Road, undisturbed: States) -> None:
    at = Fault("stall", "graph", "POST", "/v1.0/servicePrincipals", when="after")
    found = interrupted(fresh, _SETUP, signal.SIGINT, at)
    ends_clean(found)
    completes(fresh, fresh.setup(), undisturbed["setup"])
