"""The example as its job, with the packages of a cluster's runtime: its real table, and what it told of itself."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.dev.desk import run_of_the_job
from tests.roads import Road
from tests.venvs import NEEDS_RUNTIME, VENVS


@NEEDS_RUNTIME
def test_the_job_gives_its_table_and_is_found_by_its_commit(deployed: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBXWIZARD_SANDBOX_RUNTIME", str(VENVS))
    end, said = asyncio.run(run_of_the_job(deployed))
    assert (end.state, end.message) == ("SUCCESS", ""), said
    for model in ("logistic regression", "random forest", "support vectors", "nearest centroid"):
        [line] = re.findall(rf"^{model} +.*$", said, re.MULTILINE)
        assert re.search(r"0\.[89]\d", line), line
    found = deployed.run("logs", "-e", "Development", "--commit", deployed.head()).report["records"]
    assert any(record["text"].startswith("the best is ") for record in found)
    assert {record["attributes"]["dbk.job_run"] for record in found} == {str(end.run_id)}
    assert {record["kind"] for record in found} >= {"trace", "dependency", "customMetric"}
