"""Ctrl-C while a run is under way: it ends at once and clean, and the next run completes what it began.

The service keeps the request waiting at which it happens, so the run can't end before; the program's events tell when.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from dbxwizard.sandbox import faults
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.sandbox.session import Sandbox
from tests.proof.recording import environment
from tests.roads import Outcome, Road

_SETUP = ("setup", "--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)
_DEPLOY = ("deploy", "-e", "Development")
States = dict[str, dict[str, Any]]  # by the command that left them


@dataclass(frozen=True)
class Interrupted:
    """How a command ended that was interrupted, and every event of it."""

    code: int
    err: str
    events: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == kind]


def interrupted(road: Road, command: tuple[str, ...], number: signal.Signals, step: str, at: Fault) -> Interrupted:
    """Runs `command` on a sandbox that keeps the request `at` waiting; the signal is sent once `step` has started."""
    with Sandbox(road.state) as sandbox:
        with road.store() as store:
            faults.add(store, at)
        process = subprocess.Popen(
            [sys.executable, "-m", "dbxwizard", *command, "--quiet", "--events", "-"],
            cwd=road.folder,
            env=environment(
                DBXWIZARD_STATE_DIR=str(road.folder / ".state"), DBXWIZARD_SANDBOX=sandbox.endpoints().resource_manager
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if '"step_started"' in line and json.loads(line)["step"] == step:
                    process.send_signal(number)
                    break
            rest, err = process.communicate(timeout=100)
        finally:
            process.kill()
        with road.store() as store:
            faults.clear(store)
    events = [json.loads(line) for line in [*lines, *rest.splitlines()] if line.startswith('{"event"')]
    return Interrupted(process.returncode, err, events)


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
    found = interrupted(set_up, _DEPLOY, number, "development/infrastructure", at)
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
    found = interrupted(set_up, _DEPLOY, signal.SIGINT, step, Fault("stall", "workspace", "POST", path, when=when))
    ends_clean(found)
    # Of two clusters it may be the other one, whose name begins alike, that the service keeps waiting.
    assert any(one["step"].startswith(step) for one in found.of("step_skipped"))
    completes(set_up, set_up.deploy("-e", "Development"), undisturbed["deploy"])


def test_setup(fresh: Road, undisturbed: States) -> None:
    at = Fault("stall", "graph", "POST", "/v1.0/servicePrincipals", when="after")
    found = interrupted(fresh, _SETUP, signal.SIGINT, "setup/application/main-spn", at)
    ends_clean(found)
    completes(fresh, fresh.setup(), undisturbed["setup"])
