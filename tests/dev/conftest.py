"""A developer's machine beside the sandbox's Development."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.dev.wheelhouse import fill
from tests.roads import Outcome, Road

# The Python that runs the tests is always here, so the cluster gets a runtime that has the same.
RUNTIMES = {(3, 11): "15.4.x-scala2.12", (3, 12): "17.3.x-scala2.13"}
_LOCK = ".devcontainer/requirements.txt"


def set_runtime(road: Road, spark_version: str) -> None:
    """Gives the clusters another runtime, behind everybody's back."""
    with road.change() as store:
        for key, body in store.find("databricks.cluster"):
            store.put("databricks.cluster", key, {**body, "spec": {**body["spec"], "spark_version": spark_version}})


def dev_setup(road: Road, *options: str, form: str = "json", **environ: str) -> Outcome:
    return road.run("dev", "setup", "-e", "Development", *options, form=form, **environ)


def tree(folder: Path) -> dict[str, Any]:
    """Each file of a project and when it was written; the sandbox's state and what Python compiles left out."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_mode)
        for path in found
        if path.relative_to(folder).parts[0] != ".state" or path.name == "databrickscfg"
    }


def shown(outcome: Outcome) -> str:
    return outcome.out + outcome.err


@pytest.fixture(scope="session")
def runtime() -> str:
    found = RUNTIMES.get(sys.version_info[:2])
    if found is None:
        pytest.skip(f"no runtime that is known has Python {sys.version_info[0]}.{sys.version_info[1]}")
    return found


@pytest.fixture(scope="session")
def wheels(runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("wheels") / "house", ".".join(runtime.split(".")[:2]))


@pytest.fixture(scope="session")
def _beside(_deployed: Road, runtime: str, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Road:
    copied = _deployed.copy(tmp_path_factory.mktemp("beside") / "project")
    home = tmp_path_factory.mktemp("home")
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": "/dev/null", "PIP_CONSTRAINT": ""}
    road = replace(
        copied, environ={**copied.environ, **pip, "HOME": str(home), "DATABRICKS_CONFIG_FILE": str(home / "cfg")}
    )
    set_runtime(road, runtime)
    lock = road.folder / _LOCK
    lock.parent.mkdir()
    lock.write_text(f"databricks-connect=={'.'.join(runtime.split('.')[:2])}.*\nhatchling\n", "utf-8")
    return road


@pytest.fixture(scope="session")
def first_run(_beside: Road, tmp_path_factory: pytest.TempPathFactory) -> tuple[Road, Outcome]:
    road = _beside.copy(tmp_path_factory.mktemp("developer") / "project")
    outcome = dev_setup(road)
    assert outcome.code == 0, shown(outcome)
    return road, outcome


@pytest.fixture
def beside(_beside: Road, tmp_path: Path) -> Road:
    """A project and its deployed Development, before `dev setup`; pip finds what it needs without an index."""
    return _beside.copy(tmp_path / "project")


@pytest.fixture
def developer(first_run: tuple[Road, Outcome], tmp_path: Path) -> Road:
    """The same after `dev setup`."""
    return first_run[0].copy(tmp_path / "project")
