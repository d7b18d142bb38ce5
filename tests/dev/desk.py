"""A developer's desk: a deployed environment, a project's folder, and commands that somebody types there."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.core.clock import SystemClock
from dbxwizard.sandbox.databricks.state import workspace_ids
from tests.roads import Outcome, Road

ADA = "ada@contoso.example"
CLUSTER = "dbx-sp-cluster"


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


def libraries(road: Road) -> dict[str, str]:
    """Wheel → state, on the cluster."""
    [cluster] = [one for one in objects(road, "cluster").values() if one["spec"]["cluster_name"] == CLUSTER]
    found = objects(road, "library")[cluster["cluster_id"]]["libraries"]
    return {one["library"]["whl"]: one["status"] for one in found if "whl" in one["library"]}


def script(road: Road, text: str, name: str = "script.py") -> Path:
    path = road.folder / name
    path.write_text(text, "utf-8")
    return path


def sleeping(monkeypatch: pytest.MonkeyPatch, act: Callable[[float], Awaitable[None]], every: float = 0.0) -> None:
    """Commands do not wait; `act` is done in place of each wait, or of those of `every` seconds alone."""

    async def sleep(_self: SystemClock, seconds: float) -> None:
        await asyncio.sleep(0)
        if every in (0.0, seconds):
            await act(seconds)

    monkeypatch.setattr(SystemClock, "sleep", sleep)
