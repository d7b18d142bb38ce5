"""`dev check`: what a developer learns about the machine and the cluster, with the remedy."""

from __future__ import annotations

import secrets
import sys
import venv
from typing import Any

import pytest

from dbxwizard.sandbox.store import Store
from tests.roads import Outcome, Road
from tests.venvs import NEEDS_SPARK, SPARK_HOME, connect_venv

CLUSTER = "dbx-sp-cluster"
SETUP = "dbxwizard dev setup -e Development"
FIRST = (".env", "Python", "databricks-connect", "framework here", "sign-in", "cluster")
SPARK = ("SELECT 1", "data frame", "framework there")
BARE = {"DBXWIZARD_SANDBOX_RUNTIME": "bare"}


@pytest.fixture
def road(deployed: Road) -> Road:
    """A deployed environment, and the `.env` that `dev setup` writes for it."""
    with deployed.store() as store:
        component = next(body for key, body in store.find("arm.resource") if "/microsoft.insights/components/" in key)
        key = component["properties"]["InstrumentationKey"]
        workspace, cluster = _cluster(store)
        telemetry = f"InstrumentationKey={key};IngestionEndpoint={_url(store, 'ingestion')}/"
        values = {
            "PYTHONPATH": "framework/src",
            "APPLICATIONINSIGHTS_CONNECTION_STRING": telemetry,
            "DATABRICKS_HOST": _url(store, f"workspace:{workspace}"),
            "DATABRICKS_CLUSTER_ID": cluster["cluster_id"],
            "DATABRICKS_AUTH_TYPE": "external-browser",
        }
    (deployed.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()), "utf-8")
    return deployed


def _url(store: Store, host: str) -> str:
    found = store.get("_port", host)
    assert found is not None
    return f"https://127.0.0.1:{found['port']}"


def _cluster(store: Store) -> tuple[str, dict[str, Any]]:
    """The workspace's id and the cluster that the wheels go to."""
    for key, body in store.find("databricks.cluster"):
        if body["spec"]["cluster_name"] == CLUSTER:
            return key.partition("/")[0], body
    raise AssertionError(CLUSTER)


def check(road: Road, *options: str, **environ: str) -> Outcome:
    return road.run("dev", "check", "-e", "Development", *options, **{**BARE, **environ})


def states(outcome: Outcome) -> dict[str, str]:
    return {one["name"]: one["state"] for one in outcome.report["checks"]}


def one(outcome: Outcome, name: str) -> dict[str, str]:
    found: dict[str, str] = next(one for one in outcome.report["checks"] if one["name"] == name)
    return found


def venv_with(road: Road, **packages: str) -> None:
    """A virtual environment with this process's Python and the names of these packages."""
    folder = road.folder / ".venv"
    venv.create(folder, with_pip=False, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    for name, version in packages.items():
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n", "utf-8"
        )


def set_cluster(road: Road, **body: Any) -> None:
    with road.change() as store:
        workspace, cluster = _cluster(store)
        store.put("databricks.cluster", f"{workspace}/{cluster['cluster_id']}", {**cluster, **body})


@NEEDS_SPARK
def test_everything_is_found_from_here_to_the_cluster_and_to_application_insights(road: Road) -> None:
    (road.folder / ".venv").symlink_to(connect_venv("17.3"))
    outcome = check(road, SPARK_HOME=str(SPARK_HOME))
    assert outcome.code == 0, outcome.out
    assert states(outcome) == dict.fromkeys((*FIRST, *SPARK, "telemetry"), "ok")
    assert one(outcome, "Python")["found"].startswith("3.12.")
    assert one(outcome, "sign-in")["found"].startswith("ada@contoso.example")
    assert one(outcome, "SELECT 1")["found"].startswith("answered 1, ")
    with road.store() as store:
        wheel = next(item for _, body in store.find("databricks.library") for item in _wheels(body))
    assert wheel.split("-")[1] == one(outcome, "framework there")["found"].removeprefix("dbkframework ")
    mark = one(outcome, "telemetry")["found"].rpartition(" ")[2]
    assert any(record["text"].endswith(mark) for record in road.run("logs", "-e", "Development").report["records"])


def _wheels(body: dict[str, Any]) -> list[str]:
    return [one["library"]["whl"].rpartition("/")[2] for one in body["libraries"] if "whl" in one["library"]]


def test_what_the_sandbox_can_t_play_is_skipped_with_the_reason(road: Road) -> None:
    (road.folder / ".venv").symlink_to(connect_venv("17.3"))
    outcome = check(road)
    assert outcome.code == 0, outcome.out
    assert states(outcome) == {**dict.fromkeys((*FIRST, "telemetry"), "ok"), **dict.fromkeys(SPARK, "skipped")}
    assert {one(outcome, name)["found"] for name in SPARK} == {
        "The sandbox's clusters have no Spark: DBXWIZARD_SANDBOX_RUNTIME is set, and SPARK_HOME is not."
    }


def test_a_token_that_was_revoked_is_told_and_not_shown(road: Road) -> None:
    (road.folder / ".venv").symlink_to(connect_venv("17.3"))
    token = f"dapi{secrets.token_hex(16)}"
    path = road.folder / ".env"
    path.write_text(f"{path.read_text('utf-8')}DATABRICKS_AUTH_TYPE=pat\nDATABRICKS_TOKEN={token}\n", "utf-8")
    outcome = check(road)
    assert outcome.code == 3, outcome.out
    assert one(outcome, "sign-in")["state"] == "failed"
    assert f"{SETUP} --auth token" in one(outcome, "sign-in")["fix"]
    assert one(outcome, "SELECT 1")["found"] == "needs what failed: sign-in"
    assert token not in outcome.out + outcome.err


def test_a_machine_that_was_not_set_up_is_told_how(road: Road) -> None:
    (road.folder / ".env").unlink()
    outcome = check(road)
    assert outcome.code == 1
    failed = {one["name"]: one["fix"] for one in outcome.report["checks"] if one["state"] == "failed"}
    assert set(failed) == {".env", "Python", "telemetry"}
    assert all(SETUP in fix for fix in failed.values())
    assert one(outcome, "cluster")["state"] == "ok"
    assert one(outcome, "SELECT 1") == {
        "name": "SELECT 1",
        "state": "skipped",
        "found": "needs what failed: .env, Python",
        "fix": "",
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABRICKS_CLUSTER_ID", "0001-000000-gone", "its cluster 0001-000000-gone is gone"),
        ("DATABRICKS_HOST", "https://adb-1.azuredatabricks.net", "it is of https://adb-1.azuredatabricks.net, and Dev"),
    ],
)
def test_an_env_file_that_is_out_of_date_is_told(road: Road, name: str, value: str, words: str) -> None:
    path = road.folder / ".env"
    path.write_text(path.read_text("utf-8") + f"{name}={value}\r\n", "utf-8")
    found = one(check(road), ".env")
    assert found["state"] == "failed"
    assert found["found"].startswith(words)
    assert SETUP in found["fix"]


@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="the runtime's own Python")
def test_versions_that_do_not_fit_are_told(road: Road) -> None:
    venv_with(road, databricks_connect="18.1.0")
    outcome = check(road)
    assert outcome.code == 1
    own = ".".join(map(str, sys.version_info[:3]))
    assert one(outcome, "Python")["found"] == f"{own}; Databricks Runtime 17.3 has 3.12"
    assert (
        one(outcome, "databricks-connect")["found"] == "18.1.0; the cluster has Databricks Runtime 17.3, which is older"
    )
    assert one(outcome, "framework here")["state"] == "ok"  # by PYTHONPATH
    assert states(outcome) | dict.fromkeys(SPARK, "skipped") == states(outcome)


def test_what_lacks_in_the_environment_is_told(road: Road) -> None:
    """Of a runtime that has this process's Python."""
    version = {(3, 11): "15.4.x-scala2.12", (3, 12): "17.3.x-scala2.13"}.get(sys.version_info[:2])
    if version is None:
        pytest.skip("no runtime has this Python")
    with road.store() as store:
        _, cluster = _cluster(store)
    set_cluster(road, spec={**cluster["spec"], "spark_version": version})
    venv_with(road, databricks_connect=f"{version[:4]}.1", pyspark="3.5.0")
    outcome = check(road)
    assert outcome.code == 1
    assert one(outcome, "Python")["state"] == "ok"
    found = f"{version[:4]}.1 with pyspark 3.5.0 beside it: neither works"
    assert one(outcome, "databricks-connect")["found"] == found
    assert "dbkframework[telemetry] is not installed" in one(outcome, "telemetry")["found"]
    assert one(outcome, "sign-in")["found"].startswith("ModuleNotFoundError: No module named 'databricks'")


def test_a_cluster_that_does_not_run_is_started_by_who_says_so(road: Road) -> None:
    set_cluster(road, state="TERMINATED")
    refused = one(check(road), "cluster")
    assert (refused["state"], refused["found"]) == ("failed", f"{CLUSTER} is TERMINATED")
    assert "--yes" in refused["fix"]
    assert one(check(road, "--yes"), "cluster")["state"] == "ok"
    with road.store() as store:
        assert _cluster(store)[1]["state"] == "RUNNING"


def test_each_check_is_a_line_for_people(road: Road) -> None:
    outcome = road.run("dev", "check", "-e", "Development", form="text", **BARE)
    lines = outcome.out.splitlines()
    assert lines[0].split()[:2] == ["ok", ".env"]
    python = next(place for place, line in enumerate(lines) if line.startswith("FAILED") and " Python " in line)
    assert lines[python + 1].strip() == f"→ Make it: {SETUP}"


@pytest.mark.parametrize("words", [("extra",), ("--watch",)])
def test_words_that_it_does_not_take_are_refused(road: Road, words: tuple[str, ...]) -> None:
    outcome = check(road, *words)
    assert outcome.code == 2
    assert outcome.errors[0]["code"] == "usage"
