"""Notebooks of the sandbox's workspace as the unmodified SDK imports, exports and runs them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient as Sdk
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    PermissionDenied,
    ResourceAlreadyExists,
)
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, ObjectType

from dbxwizard.dev.notebook_output import printed
from tests.databricks.conftest import ADA, World
from tests.databricks.test_execution import wheel
from tests.databricks.unmodified import ask, ended, new_cluster, sdk_for

SOURCE = "# Databricks notebook source\nprint('one')\n"
CELLS: list[dict[str, Any]] = [
    {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "words"]},
    {"cell_type": "code", "metadata": {}, "source": ["print('one')"], "outputs": [], "execution_count": 1},
]
JUPYTER = json.dumps({"cells": CELLS, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture
def ada(world: World, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(world.cloud.ca_bundle))
    client = sdk_for(world)(ADA)
    client.current_user.me()
    return client


def exported(ada: Sdk, path: str, form: ExportFormat) -> bytes:
    return base64.b64decode(ada.workspace.export(path, format=form).content or "")


@pytest.mark.parametrize(
    ("name", "content", "path", "kind"),
    [
        ("n.py", SOURCE, "n", ObjectType.NOTEBOOK),
        ("n.sql", "-- Databricks notebook source\n", "n", ObjectType.NOTEBOOK),
        ("n.ipynb", JUPYTER.decode(), "n", ObjectType.NOTEBOOK),
        ("n.py", "print(1)", "n.py", ObjectType.FILE),
        ("n.txt", SOURCE, "n.txt", ObjectType.FILE),
    ],
)
def test_auto_tells_notebooks_from_files_and_drops_their_ending(
    ada: Sdk, name: str, content: str, path: str, kind: ObjectType
) -> None:
    ada.workspace.upload(f"/Shared/{name}", content.encode(), format=ImportFormat.AUTO)
    [found] = ada.workspace.list("/Shared")
    assert (found.path, found.object_type) == (f"/Shared/{path}", kind)
    assert (found.modified_at is None) == (kind is ObjectType.NOTEBOOK)  # of files alone, and their size


def test_a_notebook_is_given_out_in_either_form(ada: Sdk) -> None:
    ada.workspace.upload("/Shared/j", JUPYTER, format=ImportFormat.JUPYTER)
    text = "# Databricks notebook source\n# MAGIC %md\n# MAGIC # Title\n# MAGIC words\n"
    assert exported(ada, "/Shared/j", ExportFormat.SOURCE).decode().startswith(text)
    model = json.loads(exported(ada, "/Shared/j", ExportFormat.JUPYTER))
    assert [(one["cell_type"], one["source"]) for one in model["cells"]] == [
        (one["cell_type"], one["source"]) for one in CELLS
    ]
    for form in (ExportFormat.RAW, ExportFormat.HTML):
        with pytest.raises(InvalidParameterValue):
            exported(ada, "/Shared/j", form)
    with pytest.raises(DatabricksError, match="not a valid Jupyter notebook"):
        ada.workspace.upload("/Shared/k", b"{}", format=ImportFormat.JUPYTER)


def test_nothing_is_overwritten_by_another_kind(ada: Sdk) -> None:
    ada.workspace.upload("/Shared/n", SOURCE.encode(), format=ImportFormat.SOURCE, language=Language.PYTHON)
    with pytest.raises(ResourceAlreadyExists):
        ada.workspace.upload("/Shared/n", b"words", format=ImportFormat.RAW, overwrite=True)
    assert exported(ada, "/Shared/n", ExportFormat.SOURCE) == SOURCE.encode()


def submit(ada: Sdk, **task: Any) -> dict[str, Any]:
    body = {"tasks": [{"task_key": "a", "existing_cluster_id": new_cluster(ada), **task}]}
    return ended(ada, ask(ada, "POST", "/api/2.2/jobs/runs/submit", body=body)["run_id"])


def test_the_page_of_a_notebooks_run_holds_what_each_cell_printed(ada: Sdk) -> None:
    text = f"{SOURCE}# COMMAND ----------\n\n# COMMAND ----------\nprint('three')\n1 / 0\n"
    ada.workspace.upload("/Shared/n", text.encode(), format=ImportFormat.SOURCE, language=Language.PYTHON)
    run = submit(ada, notebook_task={"notebook_path": "/Shared/n"})
    task_id = run["tasks"][0]["run_id"]
    answer = ask(ada, "GET", f"/api/2.2/jobs/runs/export?run_id={task_id}&views_to_export=CODE")
    assert printed(answer["views"]) == "one\nthree\n"
    for wrong in (f"run_id={run['run_id']}", f"run_id={task_id}&views_to_export=NONE"):
        with pytest.raises(BadRequest):
            ask(ada, "GET", f"/api/2.2/jobs/runs/export?{wrong}")
    with pytest.raises(BadRequest, match="retrieve the output of each individual task run"):
        ada.jobs.get_run_output(run["run_id"])


@pytest.mark.parametrize("content", ["", "<html></html>", "__DATABRICKS_NOTEBOOK_MODEL = 'e30='", "<p>'%%'</p>"])
def test_a_page_that_is_not_understood_shows_nothing(content: str) -> None:
    assert printed([{"content": content}, {}]) == ""


def test_only_notebooks_have_pages(ada: Sdk) -> None:
    ada.workspace.upload("/Shared/s.py", b"print(1)", format=ImportFormat.RAW)
    run = submit(ada, spark_python_task={"python_file": "/Workspace/Shared/s.py"})
    assert run["output"]["logs"].endswith("1\n")
    with pytest.raises(BadRequest, match="Only runs of notebooks"):
        ask(ada, "GET", f"/api/2.2/jobs/runs/export?run_id={run['tasks'][0]['run_id']}")


def test_a_run_takes_the_right_to_attach_to_its_cluster(world: World, ada: Sdk) -> None:
    ada.users_v2.create(user_name="grace@contoso.example")
    task = {
        "task_key": "a",
        "existing_cluster_id": new_cluster(ada),
        "spark_python_task": {"python_file": "/Shared/s.py"},
    }
    with pytest.raises(PermissionDenied):
        ask(sdk_for(world)("grace@contoso.example"), "POST", "/api/2.2/jobs/runs/submit", body={"tasks": [task]})


def test_a_wheel_that_was_uninstalled_is_imported_until_the_cluster_restarts(ada: Sdk) -> None:
    cluster = new_cluster(ada)
    libraries = [{"whl": f"/Workspace/Shared/tool-1.0-{number}-py3-none-any.whl"} for number in (1, 2)]
    for number, library in enumerate(libraries, 1):
        content = wheel(code=f"NUMBER = {number}\n")
        ada.workspace.upload(library["whl"], content, format=ImportFormat.RAW)
    ada.workspace.upload("/Shared/s.py", b"import tool\nprint(tool.NUMBER)", format=ImportFormat.RAW)

    def imported() -> str:
        task = {"spark_python_task": {"python_file": "/Shared/s.py"}, "existing_cluster_id": cluster}
        return str(submit(ada, **task)["output"]["logs"]).splitlines()[-1]

    def libraries_are(action: str, library: dict[str, str]) -> None:
        ask(ada, "POST", f"/api/2.0/libraries/{action}", body={"cluster_id": cluster, "libraries": [library]})

    ada.clusters.wait_get_cluster_running(cluster)
    libraries_are("install", libraries[0])
    assert imported() == "1"
    libraries_are("uninstall", libraries[0])
    libraries_are("install", libraries[1])
    assert imported() == "1"
    ada.clusters.restart_and_wait(cluster)
    assert imported() == "2"
