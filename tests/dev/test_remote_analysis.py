"""The example as its job, with the packages of a cluster's runtime: its real table, and what it told of itself."""

from __future__ import annotations

import asyncio
import random
import re

import pytest

from tests.dev.desk import dev, run_of_the_job
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


@NEEDS_RUNTIME
def test_the_working_trees_framework_runs_and_is_heard(deployed: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the framework, pushed; the example with it; and what that run told, by its run and its commit."""
    monkeypatch.setenv("DBXWIZARD_SANDBOX_RUNTIME", str(VENVS))
    value = f"pushed {random.randrange(10**9)}"
    samples = deployed.folder / "framework" / "src" / "dbkframework" / "samples.py"
    samples.write_text(
        f"{samples.read_text('utf-8')}\nimport logging\nlogging.getLogger('dbk').warning({value!r})\n", "utf-8"
    )
    example = deployed.folder / "framework" / "examples" / "remote_analysis.py"
    example.write_text(f"{example.read_text('utf-8')}\nimport sys\nsys.exit(7)\n", "utf-8")
    assert dev(deployed, "push").code == 0
    ended = dev(deployed, "run", "remote_analysis", "folds=3")
    assert ended.code == 7, ended.out + ended.err
    run = ended.report["run"]
    assert value in run["output"]
    assert re.search(r"^logistic regression +0\.9\d+ +0\.\d+ +3 ", run["output"], re.MULTILINE)
    found = deployed.run("logs", "-e", "Development", "--job-run", str(run["id"])).report["records"]
    assert any(record["text"].startswith("the best is ") for record in found)
    assert {record["attributes"]["dbk.environment"] for record in found} == {"Development"}
