"""Runs of this backend and of other processes: followed, cancelled, remembered."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from dbxwizard.backend.answers import AnswerFile, Answers
from dbxwizard.backend.client import Backend
from dbxwizard.backend.run_model import RunModel
from dbxwizard.core.errors import OperationError
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.seed import REPOSITORY
from tests.hosting import Hosting, connected
from tests.roads import Road

_HELD_UP = Fault(
    "status",
    service="workspace",
    method="POST",
    path="/api/2.*/clusters/create",
    status=503,
    retry_after=600.0,
    times=1,
)


async def followed(backend: Backend, run: str, until: str) -> RunModel:
    """The run once a step of it is in the state `until`, or it has ended."""
    model, number, ended = RunModel(), 0, False
    while not ended and until not in model.counts():
        batch = await backend.ask.events(run=run, after=number)
        number, ended = batch.number, batch.ended
        for event in batch.events:
            model.take(event)
    return model


async def test_the_run_of_another_process_is_followed_and_cancelled(host_set_up: Hosting) -> None:
    """As from a second terminal: it ends as ctrl+c would have ended it."""
    with Road(host_set_up.folder).store() as store:
        faults.add(store, _HELD_UP)
    environ = {"DBXWIZARD_STATE_DIR": str(host_set_up.folder / ".state"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "dbxwizard", "deploy", "--sandbox", "-e", "Development", "--yes"]
    other = await asyncio.create_subprocess_exec(
        *command, cwd=host_set_up.folder, env=environ, stderr=asyncio.subprocess.PIPE
    )
    try:
        backend = connected(host_set_up)
        run = await _until_running(backend)
        model = await followed(backend, run, "retrying")
        assert any("again in" in line for step in model.steps.values() for line in step.lines)
        await backend.ask.cancel(run=run)
        await other.communicate()
        assert other.returncode == 130
        assert (await followed(backend, run, "never")).status == "cancelled"
        with pytest.raises(OperationError, match="nobody runs it"):
            await backend.ask.cancel(run=run)
        backend.leave()
    finally:
        if other.returncode is None:
            other.kill()


async def _until_running(backend: Backend) -> str:
    """The id of the deployment, once it is told of; each question takes its time to be answered."""
    async with asyncio.timeout(60):
        while True:
            for run in await backend.ask.history(limit=1):
                if run.command == "deploy" and run.status == "running":
                    return run.run_id


async def test_two_terminals_see_one_history(host_set_up: Hosting) -> None:
    first, second = connected(host_set_up), connected(host_set_up)
    plan = await first.ask.plan_deploy(environments=("Development",))
    run = await first.ask.apply(plan=plan.id)
    assert await first.ask.finished(run=run) == "success"
    seen = await followed(second, run, "never")
    assert (seen.status, seen.counts()["failed"]) == ("success", 0)
    assert [one.status for one in await second.ask.history(limit=5)] == ["success", "success"]
    first.leave()
    second.leave()


async def test_a_plan_is_applied_once(host_set_up: Hosting) -> None:
    backend = connected(host_set_up)
    plan = await backend.ask.plan_deploy(environments=("Development",))
    run = await backend.ask.apply(plan=plan.id)
    with pytest.raises(OperationError, match="a newer plan"):
        await backend.ask.apply(plan=plan.id)
    await backend.ask.cancel(run=run)
    await backend.ask.cancel(run=run)
    assert await backend.ask.finished(run=run) == "cancelled"
    backend.leave()


def test_answers_survive_whatever_became_of_their_file(host: Hosting) -> None:
    file = AnswerFile(host.folder / ".state", host.folder)
    answers = Answers(repo="a/b", adopt=("main-spn=1",), owner=True, visited=("welcome",))
    file.write(answers)
    assert file.read() == answers
    (path,) = (host.folder / ".state" / "answers").iterdir()
    for damaged in (b"", b"[]", b"\xff", b'{"version": 1, "owner": "yes", "repo": 3, "adopt": "x", "auth": "secret"}'):
        path.write_bytes(damaged)
        assert file.read() in (Answers(), Answers(auth="secret"))


async def test_setups_with_client_secrets_go_one_after_the_other(host: Hosting) -> None:
    """Both plans were shown; the second one's world has moved when it is its turn."""
    AnswerFile(host.folder / ".state", host.folder).write(
        Answers(subscription=SUBSCRIPTION_ID, repo=REPOSITORY, auth="secret")
    )
    first, second = connected(host), connected(host)
    plans = [await backend.ask.plan_setup() for backend in (first, second)]
    run = await first.ask.apply(plan=plans[0].id)
    with pytest.raises(OperationError) as refused:
        await second.ask.apply(plan=plans[1].id)
    assert refused.value.code == "plan-outdated"
    assert await first.ask.finished(run=run) == "success"
    assert (await second.ask.plan_setup()).changes == ()
    first.leave()
    second.leave()
