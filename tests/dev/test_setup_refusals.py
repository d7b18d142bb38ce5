"""`dbxwizard dev setup` where something is in its way: one clear error, and nothing half written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dbxwizard.core.errors import OperationError
from dbxwizard.dev import pythons
from tests.dev.conftest import dev_setup, set_runtime, shown, tree
from tests.proof import test_denied
from tests.proof.recording import watched
from tests.road.test_rights import told, without
from tests.roads import Road


def write(name: str, content: str) -> Callable[[Road], None]:
    def put(road: Road) -> None:
        path = road.folder / name
        if path.is_dir():
            path.rename(path.with_name("moved"))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode("utf-8", "surrogateescape"))

    return put


def folder(name: str) -> Callable[[Road], None]:
    return lambda road: (road.folder / name).mkdir()


def runtime_of(spark_version: str) -> Callable[[Road], None]:
    return lambda road: set_runtime(road, spark_version)


@pytest.mark.parametrize(
    ("spoil", "code", "where"),
    [
        (folder(".env"), "not-a-file", ".env"),
        (folder(".venv"), "not-a-venv", ".venv"),
        (write(".venv", ""), "not-a-venv", ".venv"),
        (write(".vscode", ""), "not-a-folder", ".vscode"),
        (write(".vscode/settings.json", '{\n "a" 1}'), "missing-colon", "settings.json:2:2"),
        (write(".vscode/settings.json", "[1]"), "not-an-object", "settings.json"),
        (write(".vscode/settings.json", '{"python.analysis.extraPaths": "src"}'), "wrong-type", "settings.json:1:32"),
        (write(".devcontainer/devcontainer.json", '{"build": "here"}'), "wrong-type", "devcontainer.json:1:11"),
        (write(".env", "A=\udcff"), "not-text", ".env"),
        (write(".devcontainer/requirements.txt", "databricks-connect==14.3.*\n"), "lock-mismatch", "requirements.txt"),
        (write(".devcontainer/requirements.txt", "pandas\n"), "lock-mismatch", "requirements.txt"),
        (
            write(".devcontainer/requirements.txt", "databricks-connect==1\npyspark\n"),
            "lock-mismatch",
            "requirements.txt",
        ),
        (write("own.cfg", "[a]\nhost = x\nno field\n"), "config-invalid", "own.cfg:3"),
        (write("own.cfg", "host = x\n"), "config-invalid", "own.cfg:1"),
        (folder("own.cfg"), "not-a-file", "own.cfg"),
        (runtime_of("19.3.x-scala2.13"), "runtime-unknown", "runtime 19.3"),
        (runtime_of("13.3.x-scala2.12"), "runtime-too-old", "runtime 13.3"),
    ],
)
def test_what_is_in_the_way_is_named(beside: Road, spoil: Callable[[Road], None], code: str, where: str) -> None:
    spoil(beside)
    before = tree(beside.folder)
    outcome = dev_setup(beside, "--yes", DATABRICKS_CONFIG_FILE=str(beside.folder / "own.cfg"))
    assert outcome.code in (1, 2), shown(outcome)
    [error] = outcome.errors
    assert error["code"] == code
    place = error["location"]
    at = f"{place['file']}:{place['line']}:{place['column']}" if place else error["resource"]
    assert where in at
    assert error["fix"] or code in ("wrong-type", "not-an-object")
    assert tree(beside.folder) == before


def test_the_python_of_the_runtime_is_asked_for(beside: Road, tmp_path: Path) -> None:
    other = "17.3.x-scala2.13" if pythons.demanded("15.4") == f"3.{sys.version_info[1]}" else "15.4.x-scala2.12"
    set_runtime(beside, other)
    lock = beside.folder / ".devcontainer" / "requirements.txt"
    lock.unlink()
    outcome = dev_setup(beside, PATH=str(tmp_path), PYENV_ROOT=str(tmp_path))
    [error] = outcome.errors
    assert error["code"] == "python-missing"
    assert f"uv python install {pythons.demanded(other[:4])}" in error["fix"]


def test_a_python_that_refuses_to_run_is_passed_over(tmp_path: Path) -> None:
    """As pyenv's shim does while another version is chosen."""

    def script(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        path.chmod(0o755)

    script(tmp_path / "shims" / "python3.99", "echo 'pyenv: python3.99: command not found' >&2; exit 127")
    for version in ("3.99.2", "3.99.10"):
        script(tmp_path / "pyenv" / "versions" / version / "bin" / "python", f"echo {version}; echo $0")
    environ = {"PATH": f"{tmp_path}/shims:/usr/bin:/bin", "PYENV_ROOT": f"{tmp_path}/pyenv"}
    found = pythons.find("3.99", environ)
    assert found.version == "3.99.10"
    assert found.path == f"{tmp_path}/pyenv/versions/3.99.10/bin/python"
    with pytest.raises(OperationError, match="python-missing"):
        pythons.find("3.98", environ)


def test_a_cluster_that_is_gone_is_named(beside: Road) -> None:
    with beside.change() as store:
        for key, _ in store.find("databricks.cluster"):
            store.delete("databricks.cluster", key)
    [error] = dev_setup(beside).errors
    assert error["code"] == "not-deployed"
    assert error["fix"] == "Deploy it: dbxwizard deploy -e Development"
    assert dev_setup(beside, "--cluster", "nope").errors[0]["code"] == "cluster-unknown"


def test_packages_that_can_not_be_had_are_taken_up_by_the_next_run(beside: Road, tmp_path: Path) -> None:
    outcome = dev_setup(beside, PIP_FIND_LINKS=str(tmp_path))
    assert outcome.code == 1
    assert outcome.errors[0]["code"] == "packages-not-installed"
    assert "databricks-connect" in outcome.errors[0]["message"]
    assert not (beside.folder / ".env").exists()
    again = dev_setup(beside)
    assert again.code == 0, shown(again)
    assert (beside.folder / ".env").exists()


def test_pyspark_is_taken_out_where_somebody_agrees(developer: Road) -> None:
    pip = [str(developer.folder / ".venv" / "bin" / "python"), "-m", "pip"]
    subprocess.run([*pip, "install", "-q", "pyspark"], check=True, env=os.environ | developer.environ)
    refused = dev_setup(developer)
    assert refused.errors[0]["code"] == "decision-missing"
    assert "pyspark 3.5.0 is removed" in refused.err
    outcome = dev_setup(developer, "--yes")
    assert outcome.code == 0, shown(outcome)
    assert list(outcome.changes()) == ["Development/.venv"]
    left = {path.name for path in (developer.folder / ".venv").glob("lib/python*/site-packages/*")}
    assert "pyspark" not in left
    assert "databricks" in left


def test_an_environment_without_pip_gets_it(beside: Road) -> None:
    """As uv makes them."""
    place = [sys.executable, "-m", "venv", "--without-pip", str(beside.folder / ".venv")]
    subprocess.run(place, check=True)
    outcome = dev_setup(beside, "--yes")
    assert outcome.code == 0, shown(outcome)
    assert "databricks-connect" in " ".join(outcome.changes()["Development/.venv"])


def test_an_environment_of_somebody_else_is_not_changed_unasked(developer: Road) -> None:
    (developer.folder / ".venv" / "dbxwizard.json").unlink()
    config = developer.folder / ".venv" / "pyvenv.cfg"
    config.write_text(config.read_text("utf-8").replace("version = 3.", "version = 2."), "utf-8")
    refused = dev_setup(developer)
    assert refused.errors[0]["code"] == "decision-missing"
    assert "made anew" in refused.err
    outcome = dev_setup(developer, "--yes")
    assert outcome.code == 0, shown(outcome)
    assert dev_setup(developer).report["status"] == "unchanged"


@pytest.mark.parametrize("action", ["Microsoft.Databricks/workspaces/read", "Microsoft.Insights/components/read"])
def test_a_right_that_lacks_is_named(beside: Road, action: str) -> None:
    without(beside, action)
    before = tree(beside.folder)
    told(dev_setup(beside), action)
    assert tree(beside.folder) == before


@pytest.mark.skipif(
    sys.platform != "linux", reason="root gives up its capability to write everywhere, which is Linux's"
)
def test_a_folder_that_can_not_be_written_is_named_before_anything_is(beside: Road) -> None:
    beside.folder.chmod(0o555)
    ours = {"DBXWIZARD_SANDBOX": "1", "DBXWIZARD_STATE_DIR": str(beside.folder / ".state")}
    arguments = ("dev", "setup", "-e", "Development", "--yes", "--output", "json")
    try:
        done = watched(
            arguments, cwd=beside.folder, environ=os.environ | beside.environ | ours, script=test_denied._NOBODY_SPECIAL
        )
    finally:
        beside.folder.chmod(0o755)
    assert done.code == 1, done.out + done.err
    [error] = json.loads(done.out)["errors"]
    assert error["code"] == "file-not-written"
    assert error["fix"]
    assert not (beside.folder / ".venv").exists()


def test_words_and_options_that_setup_does_not_take(beside: Road) -> None:
    for wrong in (("more",), ("--watch",)):
        outcome = dev_setup(beside, *wrong)
        assert (outcome.code, outcome.errors[0]["code"]) == (2, "usage")
