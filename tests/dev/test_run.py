"""`dbxwizard dev run` on a deployed environment: a script or notebook of the working tree, as it ends."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import signal
import subprocess
from pathlib import Path

import pytest

from dbxwizard.dev.own_files import MAX_BYTES
from dbxwizard.dev.running import named_parameters
from tests.dev.desk import dev, objects, run_of_the_job, runs, script, sleeping
from tests.roads import Road

ECHO = """import argparse, os
words = argparse.ArgumentParser()
words.add_argument("--name")
words.add_argument("--shout", action="store_true")
given = words.parse_args()
print(given.name, given.shout, __file__.rsplit("/", 1)[-1])
print(*(f"{name[4:]}={os.environ[name]}" for name in sorted(os.environ) if name.startswith("DBK_")))
"""
NOTEBOOK = """# Databricks notebook source
print("first cell")
# COMMAND ----------
# MAGIC %md
# MAGIC A title
# COMMAND ----------
print("who:", dbutils.widgets.get("who"))
dbutils.notebook.exit(dbutils.widgets.get("environment") + dbutils.widgets.get("commit"))
"""


# Tells Application Insights of itself, as an exporter would.
TELLING = """# Databricks notebook source
import json, os, ssl, urllib.request
from datetime import datetime, timezone
given = dict(part.split("=", 1) for part in dbutils.secrets.get("AzureResourceSecrets", "appi_ik").split(";"))
names = {"dbk.commit": "commit", "dbk.job_run": "job_run_id", "dbk.task": "task", "dbk.environment": "environment"}
properties = {key: dbutils.widgets.get(name) for key, name in names.items()}
base = {"ver": 2, "message": "told by a notebook", "severityLevel": 2, "properties": properties}
item = {
    "name": "Microsoft.ApplicationInsights.Message",
    "time": datetime.now(timezone.utc).isoformat(),
    "iKey": given["InstrumentationKey"],
    "data": {"baseType": "MessageData", "baseData": base},
}
request = urllib.request.Request(given["IngestionEndpoint"] + "/v2.1/track", json.dumps([item]).encode())
urllib.request.urlopen(request, context=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]))
"""


def git(folder: Path, *words: str) -> str:
    options = ("-c", "user.name=Ada", "-c", "user.email=ada@contoso.example", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *options, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def own_objects(road: Road) -> list[str]:
    return [path for path in objects(road, "object") if "/.dbxwizard/runs/" in path]


def test_a_random_value_and_an_exit_code_arrive_by_command_and_by_the_jobs_run(deployed: Road) -> None:
    """Of the example that the environments' job runs, changed so that nobody could foretell what it does."""
    value = random.randrange(10**9)
    example = deployed.folder / "framework" / "examples" / "remote_analysis.py"
    example.write_text(f"{example.read_text('utf-8')}\nimport sys\nprint('value', {value})\nsys.exit(7)\n", "utf-8")
    ended = dev(deployed, "run", "remote_analysis", form="text")
    assert ended.code == 7, ended.out + ended.err
    assert ended.out.splitlines()[-1] == f"value {value}"
    assert "majority class, fold 5" in ended.out
    assert "run-failed: SystemExit: 7" in ended.err
    last = runs(deployed)[-1]
    assert (last["result_state"], last["tasks"][0]["message"]) == ("FAILED", "SystemExit: 7")
    assert last["page"] in ended.err
    assert own_objects(deployed) == []

    pushed = deployed.run("sandbox", "push", "framework/examples", "--branch", "try", "--root", str(deployed.folder))
    assert pushed.code == 0, pushed.err
    assert deployed.deploy("-e", "Development", "--ref", "try").code == 0
    job, page = asyncio.run(run_of_the_job(deployed))
    assert (job.state, job.message) == ("FAILED", "SystemExit: 7")
    assert page.splitlines()[-1] == f"value {value}"


def test_a_script_gets_its_parameters_and_its_telemetry_the_commit(deployed: Road) -> None:
    git(deployed.folder, "init", "--quiet")
    (deployed.folder / ".gitignore").write_text(".state\n", "utf-8")
    script(deployed, ECHO, "echo.py")
    git(deployed.folder, "add", ".")
    git(deployed.folder, "commit", "--quiet", "--message", "All")
    commit = git(deployed.folder, "rev-parse", "HEAD")
    ended = dev(deployed, "run", "echo", "--", "--name", "a b", "--shout")
    assert ended.code == 0, ended.out + ended.err
    run = ended.report["run"]
    told = f"COMMIT={commit} ENVIRONMENT=Development JOB_RUN_ID={run['id']} TASK=echo"
    assert run["output"].splitlines()[-2:] == ["a b True echo.py", told]
    assert (run["commit"], run["state"], run["exit_code"]) == (commit, "SUCCESS", 0)
    assert run["parameters"] == ["--name", "a b", "--shout"]
    assert run["url"] == runs(deployed)[-1]["page"]

    script(deployed, f"{ECHO}\nimport os\nos._exit(9)\n", "echo.py")
    dirty = dev(deployed, "run", "echo.py")
    assert (dirty.code, dirty.report["run"]["commit"]) == (9, f"{commit}-dirty")
    assert dirty.errors[0]["message"] == "The Python process exited with exit code 9."


def test_a_notebook_gets_widgets_and_shows_what_its_cells_printed(deployed: Road) -> None:
    script(deployed, NOTEBOOK, "note.py")
    ended = dev(deployed, "run", "note.py", "who=ada", form="text")
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.splitlines() == ["first cell", "who: ada", "Development"]
    cells = [{"cell_type": "code", "source": ["import sys\n", "sys.exit('no rows')"]}]
    script(deployed, json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "jupyter.ipynb")
    failed = dev(deployed, "run", "jupyter")
    assert (failed.code, failed.report["run"]["error"]) == (1, "SystemExit: no rows")


def test_an_error_is_told_once_from_where_the_script_begins(deployed: Road) -> None:
    script(deployed, "def count():\n    raise ValueError('no rows')\ncount()\n", "fails.py")
    script(deployed, "# Databricks notebook source\n1 / 0\n", "note.py")
    ended = dev(deployed, "run", "fails.py", form="text")
    assert ended.code == 1
    assert (ended.out + ended.err).count("raise ValueError('no rows')") == 1
    assert "--job-run" in ended.err
    cell = dev(deployed, "run", "note.py", form="text")
    assert (cell.code, cell.out) == (1, "")
    assert re.search(r'Traceback \(most recent call last\):\n  File "<command 1>", line 2', cell.err)


def test_what_a_run_told_is_found_by_its_run_and_its_commit(deployed: Road) -> None:
    git(deployed.folder, "init", "--quiet")
    git(deployed.folder, "add", "environments")
    git(deployed.folder, "commit", "--quiet", "--message", "Some")
    commit = git(deployed.folder, "rev-parse", "HEAD")
    script(deployed, TELLING, "telling.py")  # not of that commit
    ended = dev(deployed, "run", "telling.py")
    assert ended.code == 0, ended.out + ended.err
    run_id = str(ended.report["run"]["id"])
    for words in (("--job-run", run_id), ("--commit", commit)):
        found = deployed.run("logs", "-e", "Development", *words)
        [record] = found.report["records"]
        assert (record["text"], record["level"]) == ("told by a notebook", "warning")
        assert record["attributes"]["dbk.commit"] == f"{commit}-dirty"
        assert record["attributes"]["dbk.environment"] == "Development"


def test_ctrl_c_cancels_the_run(deployed: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    script(deployed, "import time\ntime.sleep(600)\n", "long.py")

    async def interrupt(_seconds: float) -> None:
        """Again after a while: what a signal raises is lost where it arrives while Python cleans up."""
        if runs(deployed)[-1]["life_cycle_state"] == "RUNNING" and next(looks) % 50 == 0:
            signal.raise_signal(signal.SIGINT)

    looks = itertools.count()
    sleeping(monkeypatch, interrupt)
    ended = dev(deployed, "run", "long.py", form="text")
    assert ended.code == 130
    last = runs(deployed)[-1]
    assert (last["life_cycle_state"], last["result_state"]) == ("TERMINATED", "CANCELED")
    assert f"run {last['run_id']} was cancelled" in ended.err
    assert own_objects(deployed) == []


def test_what_cannot_be_run_is_refused_before_anything_is_sent(deployed: Road) -> None:
    script(deployed, NOTEBOOK, "note.py")
    script(deployed, "words", "words.txt")
    script(deployed, "#" * (MAX_BYTES + 1), "large.py")
    (deployed.folder / "folder.py").mkdir()
    writes = deployed.writes()
    cases = {
        ("run",): "usage",
        ("run", "nothing"): "script-missing",
        ("run", "folder.py"): "script-missing",
        ("run", "words.txt"): "script-kind",
        ("run", "large.py"): "script-size",
        ("run", "note.py", "who"): "option-invalid",
    }
    for words, code in cases.items():
        ended = dev(deployed, *words)
        assert (ended.code, [one["code"] for one in ended.errors]) == (2, [code]), words
    assert deployed.writes() == writes


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["a=1", "--b", "2", "--c=3"], {"a": "1", "b": "2", "c": "3"}),
        (["--a", "x=y"], {"a": "x=y"}),
        (["a="], {"a": ""}),
        ([], {}),
    ],
)
def test_parameters_of_a_notebook_may_be_written_as_those_of_a_script(words: list[str], found: dict[str, str]) -> None:
    assert named_parameters(words) == found
