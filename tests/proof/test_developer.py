"""A developer's whole way, from a clean folder to a change of the framework that runs on the cluster."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.roads import Outcome, Road
from tests.venvs import NEEDS_SPARK, VENVS

_HAS_312 = (VENVS / "3.12").exists()


def _needs_index(folder: Path) -> None:
    """`dev setup` installs what the lock names; where no index is reached there is nothing to see."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
        "databricks-connect",
    ]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("pip reaches no package index here")


def _git(road: Road, *words: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@contoso.example")
    done = subprocess.run(["git", *who, *words], cwd=road.folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _commit(road: Road) -> str:
    _git(road, "add", "--all")
    _git(road, "commit", "--quiet", "--message", "mine")
    return _git(road, "rev-parse", "HEAD")


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A clean folder, and a sandbox that has what clusters have. Without Python 3.12 their runtime is 15.4 LTS."""
    _needs_index(tmp_path)
    road = Road(tmp_path / "project", {"DBXWIZARD_SANDBOX_RUNTIME": str(VENVS), "HOME": str(tmp_path)})
    road.folder.mkdir()
    assert road.run("init").code == 0
    if not _HAS_312:
        road.edit("Development", '"17.3.x-scala2.13"', '"15.4.x-scala2.12"')
    _git(road, "init", "--quiet", "--initial-branch", "main")
    (road.folder / ".gitignore").write_text(".state/\n", "utf-8")
    return road


def _done(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome.out + outcome.err
    return outcome


@NEEDS_SPARK
@pytest.mark.timeout(1800)
def test_from_a_clean_folder_to_a_change_that_runs(road: Road) -> None:
    def dev(*words: str) -> Outcome:
        return road.run("dev", *words, "-e", "Development", "--yes")

    example = str(road.folder / "framework" / "examples" / "remote_analysis.py")
    _done(road.setup())
    commit = _commit(road)
    _done(road.deploy("-e", "Development"))
    _done(dev("setup", "--auth", "token"))
    assert _done(dev("setup", "--auth", "token")).report["status"] == "unchanged"
    checked = _done(dev("check")).report["checks"]
    assert {one["name"]: one["state"] for one in checked} == {one["name"]: "ok" for one in checked}
    assert {"SELECT 1", "data frame", "framework there", "telemetry"} <= {one["name"] for one in checked}

    _done(dev("push"))
    commit = _commit(road) if _git(road, "status", "--porcelain") else commit
    ran = _done(dev("run", example)).report["run"]
    assert "best: logistic regression" in ran["output"]
    records = _done(road.run("logs", "-e", "Development", "--commit", commit)).report["records"]
    assert {one["attributes"]["dbk.job_run"] for one in records} == {str(ran["id"])}
    assert any(one["text"].startswith("the best is ") for one in records)

    value = f"changed {random.randrange(10**9)}"
    samples = road.folder / "framework" / "src" / "dbkframework" / "samples.py"
    samples.write_text(f"{samples.read_text('utf-8')}\nprint({value!r})\n", "utf-8")
    _done(dev("push"))
    assert value in _done(dev("run", example)).report["run"]["output"]
