"""What a run really executes, and what the API says of it."""

from __future__ import annotations

import base64
import io
import random
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient as Sdk

from dbxwizard.sandbox.databricks.execution.driver import LOST
from dbxwizard.sandbox.session import Sandbox
from tests.databricks.conftest import ADA, World
from tests.databricks.environment import push
from tests.databricks.unmodified import ask, ended, new_cluster, sdk_for

SOURCE = {"git_url": "https://github.com/contoso/databricks", "git_provider": "gitHub", "git_branch": "main"}


@pytest.fixture
def ada(world: World, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(world.cloud.ca_bundle))
    client = sdk_for(world)(ADA)
    client.current_user.me()
    return client


def submitted(ada: Sdk, task: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The run of one task, ended, with its output."""
    given = {"task_key": "a", "existing_cluster_id": new_cluster(ada), **task}
    run_id = ask(ada, "POST", "/api/2.2/jobs/runs/submit", body={"tasks": [given], **more})["run_id"]
    return ended(ada, run_id)


def script(ada: Sdk, world: World, text: str, parameters: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    push(world, {"src/run.py": text, "src/beside.py": "VALUE = 'beside'"})
    task = {"spark_python_task": {"python_file": "src/run.py", "parameters": list(parameters)}, **more}
    return submitted(ada, task, git_source=SOURCE)


def test_a_value_and_an_exit_code_arrive(world: World, ada: Sdk) -> None:
    value = random.randrange(10**9)
    run = script(ada, world, f"import sys\nprint({value})\nsys.exit(7)\n")
    assert run["state"]["result_state"] == "FAILED"
    assert run["output"]["logs"].splitlines()[-1] == str(value)
    assert run["output"]["error"] == run["state"]["state_message"] == "SystemExit: 7"
    assert "sys.exit(7)" in run["output"]["error_trace"]


def test_parameters_and_references_arrive(world: World, ada: Sdk) -> None:
    run = script(ada, world, "import sys\nprint(sys.argv[1:])\n", ("--folds", "3", "{{task.name}}/{{job.run_id}}"))
    assert run["state"]["result_state"] == "SUCCESS"
    assert run["output"]["logs"].endswith(f"['--folds', '3', 'a/{run['run_id']}']\n")


def test_a_script_finds_what_is_beside_it_and_its_cluster_s_variables(world: World, ada: Sdk) -> None:
    ask(ada, "POST", "/api/2.0/secrets/scopes/create", body={"scope": "s"})
    ask(ada, "POST", "/api/2.0/secrets/put", body={"scope": "s", "key": "k", "string_value": "of the scope"})
    variables = {"PLAIN": "plain", "HIDDEN": "{{secrets/s/k}}"}
    cluster = ask(
        ada,
        "POST",
        "/api/2.1/clusters/create",
        body={
            "cluster_name": "v",
            "spark_version": "15.4.x-scala2.12",
            "node_type_id": "Standard_D4ds_v5",
            "num_workers": 1,
            "data_security_mode": "USER_ISOLATION",
            "spark_env_vars": variables,
        },
    )["cluster_id"]
    code = "import os, beside\nprint(beside.VALUE, os.environ['PLAIN'], os.environ['HIDDEN'])\n"
    code += "print(os.environ['DATABRICKS_RUNTIME_VERSION'])"
    run = script(ada, world, code, existing_cluster_id=cluster)
    assert run["output"]["logs"].splitlines()[-2:] == ["beside plain of the scope", "15.4"]


def wheel(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("tool/__init__.py", files["code"])
        archive.writestr("tool-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n\n")
        archive.writestr("tool-1.0.dist-info/entry_points.txt", files.get("points", ""))
    return made.getvalue()


@pytest.mark.parametrize("points", ["", "[console_scripts]\nbegin = tool:main\n"])
def test_the_entry_point_of_a_wheel_runs(world: World, ada: Sdk, points: str) -> None:
    code = "import sys\ndef main():\n    print('tool', sys.argv[1:])\n"
    content = base64.b64encode(wheel(code=code, points=points)).decode()
    path = "/Shared/tool-1.0-py3-none-any.whl"
    ask(ada, "POST", "/api/2.0/workspace/import", body={"path": path, "content": content, "format": "RAW"})
    point = {"package_name": "tool", "entry_point": "begin" if points else "main", "named_parameters": {"n": "1"}}
    run = submitted(ada, {"python_wheel_task": point, "libraries": [{"whl": f"/Workspace{path}"}]})
    assert run["output"]["logs"].endswith("tool ['--n=1']\n")


def notebook(ada: Sdk, text: str, **parameters: str) -> dict[str, Any]:
    content = base64.b64encode(text.encode()).decode()
    body = {"path": "/Shared/n", "content": content, "format": "SOURCE", "language": "PYTHON"}
    ask(ada, "POST", "/api/2.0/workspace/import", body=body)
    return submitted(ada, {"notebook_task": {"notebook_path": "/Shared/n", "base_parameters": parameters}})


def test_a_notebook_hands_out_what_it_exits_with(world: World, ada: Sdk) -> None:
    ask(ada, "POST", "/api/2.0/secrets/scopes/create", body={"scope": "s"})
    ask(ada, "POST", "/api/2.0/secrets/put", body={"scope": "s", "key": "k", "string_value": "hidden"})
    cells = [
        "# Databricks notebook source\n# MAGIC %md\n# MAGIC A title\n",
        "\nlength = len(dbutils.secrets.get('s', 'k'))\n",
        "\ndbutils.notebook.exit(f\"{dbutils.widgets.get('who')} {length}\")\n",
        "\nraise AssertionError('never reached')\n",
    ]
    run = notebook(ada, "# COMMAND ----------\n".join(cells), who="ada")
    assert run["state"]["result_state"] == "SUCCESS"
    assert run["output"]["notebook_output"] == {"result": "ada 6", "truncated": False}
    assert "logs" not in run["output"]


def test_a_notebook_that_fails_says_why(world: World, ada: Sdk) -> None:
    run = notebook(ada, "# Databricks notebook source\ndbutils.widgets.get('nothing')\n")
    assert run["state"]["result_state"] == "FAILED"
    assert run["output"]["error"].startswith("ValueError: InputWidgetNotDefined")


def test_a_secret_that_one_may_not_read_is_not_read(world: World, ada: Sdk) -> None:
    run = notebook(ada, "# Databricks notebook source\ndbutils.secrets.get('none', 'k')\n")
    assert run["output"]["error"].startswith("PermissionError: RESOURCE_DOES_NOT_EXIST")


def running(ada: Sdk) -> int:
    """A run of src/run.py that has begun."""
    task = {
        "task_key": "a",
        "spark_python_task": {"python_file": "src/run.py"},
        "existing_cluster_id": new_cluster(ada),
    }
    body = {"tasks": [task], "git_source": SOURCE}
    run_id = int(ask(ada, "POST", "/api/2.2/jobs/runs/submit", body=body)["run_id"])
    while ask(ada, "GET", f"/api/2.2/jobs/runs/get?run_id={run_id}")["state"]["life_cycle_state"] != "RUNNING":
        pass
    return run_id


def test_a_run_is_cancelled_while_it_runs(world: World, ada: Sdk) -> None:
    push(world, {"src/run.py": "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"})
    run_id = running(ada)
    ask(ada, "POST", "/api/2.2/jobs/runs/cancel", body={"run_id": run_id})
    assert ended(ada, run_id)["state"]["result_state"] == "CANCELED"


def test_a_task_that_takes_too_long_is_ended(world: World, ada: Sdk) -> None:
    run = script(ada, world, "import time\ntime.sleep(600)\n", timeout_seconds=1)
    assert run["state"]["result_state"] == "TIMEDOUT"


def test_a_long_output_is_cut_after_five_megabytes(world: World, ada: Sdk) -> None:
    run = script(ada, world, "for _ in range(6000):\n    print('x' * 1023)\n")
    assert run["output"]["logs_truncated"] is True
    assert len(run["output"]["logs"]) == 5 * 1024 * 1024


def test_a_task_after_one_that_failed_does_not_begin(world: World, ada: Sdk) -> None:
    push(world, {"src/run.py": "1 / 0", "src/next.py": "print('never')"})
    cluster = new_cluster(ada)
    tasks: list[dict[str, Any]] = [
        {"task_key": "b", "spark_python_task": {"python_file": "src/next.py"}, "depends_on": [{"task_key": "a"}]},
        {"task_key": "a", "spark_python_task": {"python_file": "src/run.py"}},
    ]
    body = {"tasks": [{**task, "existing_cluster_id": cluster} for task in tasks], "git_source": SOURCE}
    run_id = ask(ada, "POST", "/api/2.2/jobs/runs/submit", body=body)["run_id"]
    results = {one["task_key"]: one["state"].get("result_state") for one in ended(ada, run_id)["tasks"]}
    assert results == {"a": "FAILED", "b": "UPSTREAM_FAILED"}


@contextmanager
def again(world: World) -> Iterator[None]:
    """The sandbox ends, and another process takes over."""
    world.sandbox.__exit__(None, None, None)
    with Sandbox(world.store.path):
        yield


def test_a_run_that_lost_its_process_says_so(world: World, ada: Sdk) -> None:
    push(world, {"src/run.py": "import time\ntime.sleep(600)\n"})
    run_id = running(ada)
    with again(world):
        run = ended(ada, run_id)
    assert run["state"]["result_state"] == "FAILED"
    assert run["state"]["state_message"] == LOST
