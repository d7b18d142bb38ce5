"""A developer's desk: a deployed environment, a project's folder, and commands that somebody types there."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.cli import files
from dbxwizard.cli.developing import working
from dbxwizard.cli.main import invocation_of
from dbxwizard.core.clock import SystemClock
from dbxwizard.dev.notebook_output import printed
from dbxwizard.sandbox.arm.seed import OWNER
from dbxwizard.sandbox.databricks.state import workspace_ids
from dbxwizard.workspace_actions import JobRun, follow_run
from tests.roads import Outcome, Road

ADA = "ada@contoso.example"
CLUSTER = "dbx-sp-cluster"
OWN_CLUSTER = "dbx-sp-cluster2"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"  # learn.microsoft.com/azure/role-based-access-control/built-in-roles


def dev(road: Road, *words: str, form: str = "json", **environ: str) -> Outcome:
    """`dbxwizard dev` in Development."""
    return road.run("dev", "-e", "Development", *words, form=form, **environ)


def objects(road: Road, kind: str) -> dict[str, dict[str, Any]]:
    """What the workspace of Development holds of that kind, by its key."""
    with road.store() as store:
        [workspace_id] = workspace_ids(store)
        found = store.find(f"databricks.{kind}", f"{workspace_id}/")
        return {key.removeprefix(f"{workspace_id}/"): body for key, body in found}


def content(road: Road, path: str) -> bytes:
    return base64.b64decode(objects(road, "object")[path]["content"])


def runs(road: Road) -> list[dict[str, Any]]:
    return sorted(objects(road, "run").values(), key=lambda run: int(run["order"]))


def libraries(road: Road, name: str = CLUSTER) -> dict[str, str]:
    """Wheel → state, on that cluster."""
    [cluster] = [one for one in objects(road, "cluster").values() if one["spec"]["cluster_name"] == name]
    found = objects(road, "library").get(cluster["cluster_id"], {"libraries": []})["libraries"]
    return {one["library"]["whl"]: one["status"] for one in found if "whl" in one["library"]}


def become_data_scientist(road: Road) -> None:
    """Ada reads in Azure and is no admin of the workspace any more: she may what the file's Access gives her."""
    with road.change() as store:
        for key, body in store.find("arm.roleAssignment"):
            if body["roleDefinitionId"].endswith(OWNER):
                store.put(
                    "arm.roleAssignment",
                    key,
                    {**body, "roleDefinitionId": body["roleDefinitionId"].replace(OWNER, READER)},
                )
        [ada] = [body["id"] for body in store.all("databricks.principal") if body["name"] == ADA]
        for key, body in store.find("databricks.group"):
            if body["displayName"] == "admins":
                store.put("databricks.group", key, {**body, "members": [one for one in body["members"] if one != ada]})


def script(road: Road, text: str, name: str = "script.py") -> Path:
    path = road.folder / name
    path.write_text(text, "utf-8")
    return path


async def run_of_the_job(road: Road) -> tuple[JobRun, str]:
    """How a run of the environment's job ended, and what its notebook printed."""
    environ = {"DBXWIZARD_STATE_DIR": str(road.folder / ".state"), "DBXWIZARD_SANDBOX": "1"}
    invocation = invocation_of(["dev", "run", "-e", "Development", "--root", str(road.folder)], environ)
    async with working(invocation, files.environment(invocation)) as client:
        [job] = await client.jobs()
        run_id = await client.run_job(job["job_id"], "once")
        ended = await follow_run(client, "Development", run_id, clock=SystemClock(), tell=lambda _state: None)
        return ended, printed(await client.run_pages(ended.tasks[0].run_id))


def sleeping(monkeypatch: pytest.MonkeyPatch, act: Callable[[float], Awaitable[None]], every: float = 0.0) -> None:
    """Commands do not wait; `act` is done in place of each wait, or of those of `every` seconds alone."""

    async def sleep(_self: SystemClock, seconds: float) -> None:
        await asyncio.sleep(0)
        if every in (0.0, seconds):
            await act(seconds)

    monkeypatch.setattr(SystemClock, "sleep", sleep)
