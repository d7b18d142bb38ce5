"""Wheels: built without network, the same bytes each time; a cluster restarts only for another content."""

from __future__ import annotations

import asyncio
import csv
import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.core.errors import OperationError
from dbxwizard.sandbox.databricks.show import workspaces
from dbxwizard.steps.databricks.wheel_build import Wheel, WheelBuilds, build, content_hash, distribution_of
from tests.databricks.conftest import World
from tests.databricks.environment import CLUSTER, Environment, changed

HATCH = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "my-lib"
version = "1.2.0"
requires-python = ">=3.10"
scripts = { my-lib = "my_lib:main" }
"""
SETUP_PY = "from setuptools import setup\nsetup(name='my-lib', version='1.2.0', packages=['my_lib'])\n"
FOLDER = "/Workspace/Shared/dbxwizard/development/wheels/framework"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "my-lib"
    (folder / "my_lib").mkdir(parents=True)
    (folder / "my_lib" / "__init__.py").write_text("def main():\n    return 1\n")
    (folder / "pyproject.toml").write_text(HATCH)
    return folder


def made(project: Path) -> Wheel:
    return asyncio.run(build(project, content_hash(project)))


def cluster_and_wheel(environment: Environment, project: Path) -> list[Any]:
    return [environment.cluster(), environment.wheel(project)]


def names(wheel: Wheel) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(wheel.content)).namelist()


def test_the_version_carries_the_contents_hash(project: Path) -> None:
    wheel, mark = made(project), content_hash(project)
    assert wheel.version == f"1.2.0+{mark}"
    assert wheel.file_name == f"my_lib-1.2.0+{mark}-py3-none-any.whl"
    assert wheel.stored_name == f"my_lib-1.2.0+{mark}-{len(wheel.content)}-py3-none-any.whl"
    assert f"my_lib-1.2.0+{mark}.dist-info/METADATA" in names(wheel)
    assert distribution_of(wheel.file_name) == "my-lib"


def test_the_same_content_gives_the_same_bytes(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(project, copy)
    assert made(copy).content == made(project).content


def test_another_content_gives_another_version(project: Path) -> None:
    before = content_hash(project)
    (project / "my_lib" / "__init__.py").write_text("def main():\n    return 2\n")
    assert content_hash(project) != before


def test_what_tools_leave_behind_does_not_count(project: Path) -> None:
    before = content_hash(project)
    for folder in ("dist", "build", "__pycache__", "my_lib/__pycache__", ".git", "my_lib.egg-info"):
        (project / folder).mkdir(parents=True)
        (project / folder / "x").write_text("x")
    assert content_hash(project) == before


def test_the_wheel_installs_and_records_its_files(project: Path, tmp_path: Path) -> None:
    wheel = made(project)
    archive = zipfile.ZipFile(io.BytesIO(wheel.content))
    record = next(name for name in archive.namelist() if name.endswith("/RECORD"))
    listed = {row[0] for row in csv.reader(io.StringIO(archive.read(record).decode()))}
    assert listed == set(archive.namelist())
    file, target = tmp_path / wheel.stored_name, tmp_path / "site"
    file.write_bytes(wheel.content)
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", str(target), str(file)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        zipfile.ZipFile(file).extractall(target)  # an environment without pip
    look = "import importlib.metadata, my_lib; print(importlib.metadata.version('my-lib'), my_lib.main())"
    shown = subprocess.run(
        [sys.executable, "-c", look], env={"PYTHONPATH": str(target)}, capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == [wheel.version, "1"]


def test_a_project_with_setup_py_alone_is_built(project: Path) -> None:
    (project / "pyproject.toml").unlink()
    (project / "setup.py").write_text(SETUP_PY)
    assert made(project).version.startswith("1.2.0+d")
    assert not (project / "build").exists()


def test_the_shipped_framework_is_built() -> None:
    wheel = made(Path("framework"))
    assert wheel.file_name.startswith("dbkframework-0.2.0+d")
    assert "dbkframework/__init__.py" in names(wheel)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[build-system]\nrequires = []\nbuild-backend = 'no_such_backend.api'\n", "wheel-backend-missing"),
        ("[build-system\n", "wheel-build-failed"),
        ("[build-system]\nrequires = []\nbuild-backend = 'hatchling.build'\n", "wheel-build-failed"),
    ],
)
def test_a_build_that_fails_says_why(project: Path, text: str, code: str) -> None:
    (project / "pyproject.toml").write_text(text)
    with pytest.raises(OperationError) as failed:
        made(project)
    assert (failed.value.code, failed.value.resource) == (code, str(project))
    assert failed.value.message
    assert "Traceback" not in failed.value.message


def test_a_folder_without_a_project_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperationError) as missing:
        content_hash(tmp_path / "nowhere")
    assert missing.value.code == "wheel-project"


async def test_a_content_is_built_once_for_all_environments(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds, mark, asked = WheelBuilds(), content_hash(project), []

    async def counted(project: Path, mark: str) -> Wheel:
        asked.append(mark)
        return await build(project, mark)

    monkeypatch.setattr("dbxwizard.steps.databricks.wheel_build.build", counted)
    wheels = await asyncio.gather(*(builds.wheel(project, mark) for _ in range(4)))
    assert len({wheel.file_name for wheel in wheels}) == len(asked) == 1


# On a cluster


def libraries(world: World) -> list[dict[str, Any]]:
    world.sandbox.settle()
    shown: list[dict[str, Any]] = workspaces(world.store)[0]["clusters"][0]["libraries"]
    return [one for one in shown if "whl" in one["library"]]


def restarts(world: World) -> int:
    return world.writes().count("POST /api/2.1/clusters/restart")


async def test_a_wheel_is_installed_once(world: World, project: Path) -> None:
    environment = Environment(world)
    result = await environment.deploy(environment.cluster(), environment.wheel(project))
    assert result.errors == ()
    path = f"{FOLDER}/{(await build(project, content_hash(project))).stored_name}"
    assert libraries(world) == [{"library": {"whl": path}, "status": "INSTALLED"}]
    outputs = result.environments[0].outputs["wheels/framework"]
    assert outputs == {"wheel_path": path, "version": f"1.2.0+{content_hash(project)}"}
    writes = len(world.writes())
    assert (await environment.deploy(environment.cluster(), environment.wheel(project))).status == "unchanged"
    assert (len(world.writes()), restarts(world)) == (writes, 0)


async def test_another_content_replaces_it_with_one_restart(world: World, project: Path) -> None:
    environment = Environment(world)
    await environment.deploy(*cluster_and_wheel(environment, project))
    (project / "my_lib" / "__init__.py").write_text("def main():\n    return 2\n")
    assert changed(await environment.plan(*cluster_and_wheel(environment, project))) == {
        "wheels/framework": ["content", f"clusters[{CLUSTER.name}]"]
    }
    await environment.deploy(*cluster_and_wheel(environment, project))
    path = f"{FOLDER}/{(await build(project, content_hash(project))).stored_name}"
    assert libraries(world) == [{"library": {"whl": path}, "status": "INSTALLED"}]
    assert restarts(world) == 1
    assert changed(await environment.plan(*cluster_and_wheel(environment, project))) == {}


async def test_a_stopped_cluster_is_not_started_for_a_wheel(world: World, project: Path) -> None:
    environment = Environment(world)
    await environment.deploy(environment.cluster())
    async with world.client() as client:
        cluster_id = (await client.clusters())[0]["cluster_id"]
        await client.terminate_cluster(cluster_id)
        await client.cluster(cluster_id)
        await environment.deploy(environment.cluster(), environment.wheel(project))
        assert [one["status"] for one in libraries(world)] == ["PENDING"]
        assert (await client.cluster(cluster_id))["state"] == "TERMINATED"
        await client.start_cluster(cluster_id)
        await client.cluster(cluster_id)
    assert [one["status"] for one in libraries(world)] == ["INSTALLED"]
    assert changed(await environment.plan(environment.cluster(), environment.wheel(project))) == {}


async def test_a_wheel_that_was_removed_comes_back(world: World, project: Path) -> None:
    environment = Environment(world)
    await environment.deploy(*cluster_and_wheel(environment, project))
    async with world.client() as client:
        cluster_id = (await client.clusters())[0]["cluster_id"]
        await client.uninstall_libraries(cluster_id, [libraries(world)[0]["library"]])
        await client.restart_cluster(cluster_id)
        await client.cluster(cluster_id)
    assert changed(await environment.plan(*cluster_and_wheel(environment, project))) == {
        "wheels/framework": [f"clusters[{CLUSTER.name}]"]
    }
    await environment.deploy(*cluster_and_wheel(environment, project))
    assert [one["status"] for one in libraries(world)] == ["INSTALLED"]


async def test_a_restart_that_was_missed_is_made_up_for(world: World, project: Path) -> None:
    environment = Environment(world)
    await environment.deploy(*cluster_and_wheel(environment, project))
    old = libraries(world)[0]["library"]
    (project / "my_lib" / "__init__.py").write_text("def main():\n    return 2\n")
    await environment.deploy(*cluster_and_wheel(environment, project))
    async with world.client() as client:
        cluster_id = (await client.clusters())[0]["cluster_id"]
        await client.install_libraries(cluster_id, [old])
        await client.cluster(cluster_id)
        await client.uninstall_libraries(cluster_id, [old])
    assert changed(await environment.plan(*cluster_and_wheel(environment, project))) == {
        "wheels/framework": [f"clusters[{CLUSTER.name}]"]
    }
    await environment.deploy(*cluster_and_wheel(environment, project))
    assert len(libraries(world)) == 1
    assert restarts(world) == 2


async def test_without_clusters_it_is_only_uploaded(world: World, project: Path) -> None:
    environment = Environment(world)
    await environment.deploy(environment.wheel(project, clusters=()))
    files = workspaces(world.store)[0]["files"]
    assert [one["path"] for one in files] == [
        f"{FOLDER.removeprefix('/Workspace')}/{(await build(project, content_hash(project))).stored_name}"
    ]
    async with world.client() as client:
        held = await client.object_at(files[0]["path"])
    assert held is not None
    assert held["size"] == len((await build(project, content_hash(project))).content)
