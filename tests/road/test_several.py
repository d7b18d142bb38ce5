"""Several environments of one subscription: what one list tells of all is read once, and nothing is overlooked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.sandbox.store import Document
from tests.roads import Outcome, Road

BOTH = ("-e", "Development", "-e", "UAT")


@pytest.fixture(scope="session")
def _both(_deployed: Road, tmp_path_factory: pytest.TempPathFactory) -> Road:
    road = _deployed.copy(tmp_path_factory.mktemp("both") / "project")
    outcome = road.deploy("-e", "UAT")
    assert outcome.code == 0, outcome.out
    return road


@pytest.fixture
def both(_both: Road, tmp_path_factory: pytest.TempPathFactory) -> Road:
    """After setup and the deployments of Development and UAT by a person."""
    return _both.copy(tmp_path_factory.mktemp("both") / "project")


def properties(**changed: Any) -> Callable[[Document], Document]:
    return lambda body: {**body, "properties": {**body["properties"], **changed}}


def no_tags(body: Document) -> Document:
    return {**body, "tags": {}}


def changed(road: Road, what: str, change: Callable[[Document], Document] | None) -> None:
    """The resource of a type in UAT's group, the group itself or a role assignment becomes another, or goes."""
    kind = {"group": "arm.resourceGroup", "data": "arm.roleAssignment", "role": "arm.roleAssignment"}.get(what)
    inside = {"data": "/storageaccounts/", "role": "/rg-dbx-uat/providers/microsoft.authorization/"}.get(what, "")
    with road.change() as store:
        key, body = next(
            (key, body)
            for key, body in store.find(kind or "arm.resource")
            if "/rg-dbx-uat" in key and inside in key and (kind or body["type"] == what)
        )
        if change is None:
            store.delete(kind or "arm.resource", key)
        else:
            store.put(kind or "arm.resource", key, change(body))
    road.forget_runs()


def requests(road: Road, run: Callable[[], Outcome]) -> Counter[str]:
    """How many requests it sent to each service."""
    with road.store() as store:
        before = len(store.requests())
    assert run().code == 0
    with road.store() as store:
        return Counter(str(one["host"]).split(":")[0] for one in store.requests()[before:])


DRIFTS: dict[str, tuple[Callable[[Document], Document] | None, str]] = {
    "group": (no_tags, "tags"),
    "Microsoft.Databricks/workspaces": (no_tags, "tags"),
    "Microsoft.Databricks/accessConnectors": (no_tags, "tags"),
    "Microsoft.KeyVault/vaults": (properties(publicNetworkAccess="Disabled"), "publicNetworkAccess"),
    "Microsoft.Storage/storageAccounts": (properties(minimumTlsVersion="TLS1_0"), "minimumTlsVersion"),
    "Microsoft.OperationalInsights/workspaces": (properties(retentionInDays=31), "retentionInDays"),
    "Microsoft.Insights/components": (properties(Application_Type="other"), "Application_Type"),
    "data": (None, ""),
    "role": (None, "role"),
}


@pytest.mark.parametrize("what", DRIFTS)
def test_what_drifted_in_one_of_them_is_seen_and_mended_there(both: Road, what: str) -> None:
    change, named = DRIFTS[what]
    changed(both, what, change)
    outcome = both.deploy(*BOTH)
    assert outcome.code == 0, outcome.out
    reasons = [reason for found in outcome.changes().values() for reason in found]
    assert any(named in reason for reason in reasons), outcome.changes()
    assert {name.split("/")[0] for name in outcome.changes()} == {"UAT"}
    assert both.deploy(*BOTH).report["status"] == "unchanged"


def test_what_a_list_does_not_show_is_missed(both: Road) -> None:
    changed(both, "Microsoft.Databricks/accessConnectors", None)
    outcome = both.run("plan", "--scope", "deploy", *BOTH)
    assert outcome.code == 0, outcome.out
    ((name, (reason, *_)),) = outcome.changes().items()
    assert name == "UAT/resource group rg-dbx-uat"
    assert reason.startswith("accessConnectors dbac-uat-")


def test_two_environments_share_their_readings(both: Road) -> None:
    alone = requests(both, lambda: both.deploy("-e", "Development"))
    together = requests(both, lambda: both.deploy(*BOTH))
    assert together["github"] == alone["github"] == 1
    assert together["arm"] < alone["arm"] * 1.5
    assert together["workspace"] < alone["workspace"] * 2


def told_requests() -> Iterator[tuple[str, int, int]]:
    """What docs/speed.md says of each service: its name, how many four environments send, how many one."""
    table = (Path(__file__).parents[2] / "docs" / "speed.md").read_text("utf-8").split("## Why each request")[1]
    for name, four, one in re.findall(r"^\| ([\w -]+?) \| (\d+) \| (\d+) \|", table, re.MULTILINE):
        yield name, int(four), int(one)


def by_name(sent: Counter[str]) -> dict[str, int]:
    names = {"login": "sign-in", "graph": "Graph", "github": "GitHub", "arm": "Resource Manager"}
    return {names.get(host, "Databricks"): count for host, count in sent.items()}


def test_a_second_run_of_four_sends_what_the_docs_say(set_up: Road) -> None:
    assert set_up.deploy().code == 0
    assert by_name(requests(set_up, set_up.deploy)) == {name: four for name, four, _ in told_requests()}


def test_a_second_run_of_one_sends_what_the_docs_say(deployed: Road) -> None:
    sent = requests(deployed, lambda: deployed.deploy("-e", "Development"))
    assert by_name(sent) == {name: one for name, _, one in told_requests()}
