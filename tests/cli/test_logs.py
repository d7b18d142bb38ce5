"""`dbxwizard logs` as its user types it: telemetry that reached the sandbox's Application Insights."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from dbxwizard.sandbox import tls
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.session import Sandbox
from tests.roads import Road

COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def message(key: str, text: str, level: str = "Information", **properties: str) -> dict[str, Any]:
    base = {"ver": 2, "message": text, "severityLevel": level, "properties": properties}
    return {
        "name": "Microsoft.ApplicationInsights.Message",
        "time": datetime.now(UTC).isoformat(),
        "iKey": key,
        "data": {"baseType": "MessageData", "baseData": base},
    }


def tell(road: Road, *messages: tuple[str, str, dict[str, str]]) -> None:
    """As an exporter in a job does."""
    with Sandbox(road.state), road.store() as store:
        [component] = [body for key, body in store.find("arm.resource") if "microsoft.insights/components/" in key]
        key = component["properties"]["InstrumentationKey"]
        items = [message(key, text, level, **properties) for text, level, properties in messages]
        answer = requests.post(
            f"{Ports(store).url('ingestion')}/v2.1/track",
            json=items,
            verify=str(tls.bundle(road.state.parent)),
            timeout=30,
        )
    assert answer.json()["itemsAccepted"] == len(messages), answer.text


def test_what_a_job_told_is_found_by_its_commit_its_run_and_its_level(deployed: Road) -> None:
    of_run = {"dbk.commit": COMMIT, "dbk.job_run": "42", "dbk.task": "train"}
    tell(deployed, ("150 rows", "Information", of_run), ("few rows", "Warning", of_run), ("other", "Error", {}))
    every = deployed.run("logs", "-e", "Development")
    assert every.code == 0, every.out + every.err
    assert [record["text"] for record in every.report["records"]] == ["150 rows", "few rows", "other"]
    by_commit = deployed.run("logs", "-e", "Development", "--commit", COMMIT[:7], "--level", "warning", form="text")
    assert re.fullmatch(rf"\d\d:\d\d:\d\d WARNING +few rows  \(task train, run 42, commit {COMMIT}\)\n", by_commit.out)
    by_run = deployed.run("logs", "-e", "Development", "--job-run", "43", form="text")
    assert (by_run.code, by_run.out) == (0, "no record fits\n")


@pytest.mark.parametrize(
    ("options", "code", "status"),
    [
        (("-e", "UAT"), "not-deployed", 1),
        ((), "decision-missing", 2),
        (("-e", "Development", "--within", "yesterday"), "option-invalid", 2),
        (("-e", "Development", "--level", "loud"), "usage", 2),
    ],
)
def test_what_can_not_be_asked_is_told(deployed: Road, options: tuple[str, ...], code: str, status: int) -> None:
    ended = deployed.run("logs", *options)
    assert ended.code == status, ended.out + ended.err
    if status == 1:
        assert ended.errors[0]["code"] == code
    else:
        assert code in ended.out + ended.err
