"""The tree of resources, and what can be done to them."""

from __future__ import annotations

import random
from typing import Any

import pytest
from textual.pilot import Pilot

from dbxwizard.backend.console import board
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from dbxwizard.screens import resources
from dbxwizard.screens.resources import ResourcesScreen
from dbxwizard.screens.widgets import Branches
from tests.hosting import Hosting
from tests.reaching import push
from tests.roads import Road
from tests.screens.pilots import driven, error, settled, text, until


def clusters(road: Road) -> dict[str, str]:
    with road.store() as store:
        return {one["spec"]["cluster_name"]: one["state"] for one in store.all("databricks.cluster")}


async def open_thing(pilot: Pilot[int], name: str) -> None:
    """Goes to the thing of that name in Development, as somebody does who uses the filter."""
    await pilot.press("3")
    await until(pilot, lambda: "Development" in text(pilot))
    tree: Branches[Any] = pilot.app.screen.query_one(Branches)
    if not any("Azure" in str(node.label) for node in tree.root.children[0].children):
        await pilot.press("g", "enter")
        await until(pilot, lambda: "Azure" in text(pilot))
        await settled(pilot)
    await pilot.press("slash", *name, "enter")
    assert isinstance(pilot.app.screen, ResourcesScreen)
    await until(pilot, lambda: name in text(pilot))
    while tree.cursor_node is None or str(tree.cursor_node.label).split("  ")[0] != name:
        await pilot.press("j")


async def test_a_cluster_is_stopped_and_started_in_earnest(host_deployed: Hosting, deployed: Road) -> None:
    async with driven(host_deployed.program(), 100, 30) as pilot:
        await open_thing(pilot, "dbx-sp-cluster2")
        await pilot.press("S")
        await pilot.press("enter")  # Cancel has the focus
        await settled(pilot)
        assert clusters(deployed)["dbx-sp-cluster2"] == "RUNNING"
        await pilot.press("S", "tab", "enter")
        await until(pilot, lambda: "dbx-sp-cluster2  ■ terminated" in text(pilot))
        assert clusters(deployed) == {"dbx-sp-cluster": "RUNNING", "dbx-sp-cluster2": "TERMINATED"}
        await pilot.press("s")
        await until(pilot, lambda: "dbx-sp-cluster2  ▶ running" in text(pilot))
        assert clusters(deployed)["dbx-sp-cluster2"] == "RUNNING"


async def test_a_job_is_run_and_followed_to_its_end(host_deployed: Hosting, deployed: Road) -> None:
    value = random.randrange(10**9)
    code = f"# Databricks notebook source\nraise SystemExit({value})\n"
    with deployed.store() as store, store.transaction():
        (job,) = [one["settings"]["name"] for one in store.all("databricks.job")]
        push(store, {"framework/examples/remote_analysis.py": code})
    async with driven(host_deployed.program(), 100, 30) as pilot:
        await open_thing(pilot, job)
        await pilot.press("u")
        await until(pilot, lambda: "failed after" in text(pilot))
        assert f"SystemExit: {value}" in text(pilot)
        await pilot.press("y")
        assert "#job/" in pilot.app.clipboard  # the page of the run
    with deployed.store() as store:
        assert [one["result_state"] for one in store.all("databricks.run")] == ["FAILED"]


async def test_read_only_sends_nothing(host_deployed: Hosting, deployed: Road) -> None:
    before = deployed.writes()
    async with driven(host_deployed.program("--read-only"), 100, 30) as pilot:
        await open_thing(pilot, "dbx-sp-cluster2")
        await pilot.press("S", "tab", "enter")
        await settled(pilot)
        assert "read-only" in error(pilot)
    assert deployed.writes() == before


async def test_production_asks_for_the_name(
    host_deployed: Hosting, deployed: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "is_production", lambda name: name == "Development")  # it is deployed already
    program = host_deployed.program()
    async with driven(program, 80, 24) as pilot:
        await open_thing(pilot, "dbx-sp-cluster2")
        await pilot.press("R")
        await until(pilot, lambda: "To go on, type dbx-sp-cluster2" in text(pilot))
        await pilot.press(*"dbx-sp-cluster", "enter")
        await until(pilot, lambda: "That is not the name" in text(pilot))
        await pilot.press("escape")
        await settled(pilot)
        assert not restarts(deployed)
        await pilot.press("R")
        await until(pilot, lambda: "To go on, type dbx-sp-cluster2" in text(pilot))
        await pilot.press(*"dbx-sp-cluster2", "enter", "enter")
        await until(pilot, lambda: restarts(deployed))
        await settled(pilot)


def restarts(road: Road) -> list[str]:
    return [one for one in road.writes() if one.endswith("/clusters/restart")]


async def test_one_service_that_fails_hides_no_other(host_deployed: Hosting, deployed: Road) -> None:
    with deployed.store() as store:
        for service, status in (("github", 500), ("workspace", 403)):
            faults.add(store, Fault("status", service=service, status=status, times=1000))
    async with driven(host_deployed.program(first="console"), 80, 24) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "Development" in text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: text(pilot).count("✗ not seen") == 2)
        assert "kv-development-" in text(pilot)
        await pilot.press("G", *"kkk")
        assert "github-unavailable" in text(pilot)


async def test_what_a_service_says_is_no_markup_and_long_lists_come_in_pages(
    host_deployed: Hosting, deployed: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "PAGE", 2)
    with deployed.change() as store:
        for key, body in store.find("databricks.cluster"):
            for number in range(3):
                name = f"[bold red]{number}[/]"
                spec = {**body["spec"], "cluster_name": name}
                copy = {**body, "cluster_id": f"{body['cluster_id']}{number}", "spec": spec}
                store.put("databricks.cluster", f"{key}{number}", copy)
            break
    async with driven(host_deployed.program(first="console"), 100, 40) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "Development" in text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "… 3 more" in text(pilot))
        assert "[bold red]0[/]" in text(pilot)
        await pilot.press("g")
        tree: Branches[Any] = pilot.app.screen.query_one(Branches)
        while tree.cursor_node is None or "3 more" not in str(tree.cursor_node.label):
            await pilot.press("j")
        await pilot.press("enter")
        await until(pilot, lambda: "[bold red]2[/]" in text(pilot) and "… 1 more" in text(pilot))
