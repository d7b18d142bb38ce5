"""`dbxwizard dev push` on a deployed environment: the framework of the working tree on its cluster."""

from __future__ import annotations

import io
import itertools
import re
import shutil
import sys

import pytest

from tests.dev.desk import CLUSTER, OWN_CLUSTER, become_data_scientist, dev, libraries, objects, runs, script, sleeping
from tests.roads import Road

SAMPLES = "framework/src/dbkframework/samples.py"
INIT = "framework/src/dbkframework/__init__.py"


def change(road: Road, text: str, file: str = SAMPLES) -> None:
    path = road.folder / file
    path.write_text(f"{path.read_text('utf-8')}\n{text}\n", "utf-8")


def imported(road: Road, name: str) -> str:
    """What a script on the cluster finds in the framework."""
    script(road, f"from dbkframework import samples\nprint(getattr(samples, {name!r}, 'missing'))\n", "look.py")
    ended = dev(road, "run", str(road.folder / "look.py"))
    assert ended.code == 0, ended.out + ended.err
    return str(ended.report["run"]["output"]).strip()


def stop(road: Road) -> None:
    """Nobody used the cluster, and it ended."""
    with road.change() as store:
        for key, body in store.find("databricks.cluster"):
            store.put("databricks.cluster", key, {**body, "state": "TERMINATED", "change": body["change"] + 1})
        for key, body in store.find("databricks.library"):
            waiting = [{**one, "status": "PENDING"} for one in body["libraries"]]
            store.put("databricks.library", key, {"libraries": waiting})


def test_a_change_reaches_the_cluster_and_deploy_puts_back_what_is_deployed(deployed: Road) -> None:
    [before] = libraries(deployed)
    writes = deployed.writes()
    same = dev(deployed, "push")
    assert (same.code, same.report["status"], deployed.writes()) == (0, "unchanged", writes), same.err

    original = (deployed.folder / SAMPLES).read_text("utf-8")
    change(deployed, "PUSHED = 'from the working tree'")
    pushed = dev(deployed, "push")
    assert pushed.code == 0, pushed.out + pushed.err
    [wheel] = pushed.report["wheels"]
    assert libraries(deployed) == {wheel["path"]: "INSTALLED"}
    assert re.fullmatch(r"/Workspace/Users/ada@contoso\.example/\.dbxwizard/wheels/framework/.+\.whl", wheel["path"])
    assert wheel["version"] in wheel["path"].replace("_", ".")
    assert imported(deployed, "PUSHED") == "from the working tree"
    writes = deployed.writes()
    again = dev(deployed, "push", form="text")
    assert (again.code, again.out) == (0, f"cluster {CLUSTER} has it already; nothing was sent\n")
    assert deployed.writes() == writes

    (deployed.folder / SAMPLES).write_text(original, "utf-8")
    plan = deployed.run("plan", "-e", "Development")
    assert plan.changes() == {
        "Development/wheel framework in Development": [f"clusters[{CLUSTER}]: absent → INSTALLED"]
    }
    assert deployed.deploy("-e", "Development").code == 0
    assert imported(deployed, "PUSHED") == "missing"
    assert libraries(deployed) == {before: "INSTALLED"}


def test_content_that_is_deployed_is_taken_from_there(deployed: Road) -> None:
    [before] = libraries(deployed)
    original = (deployed.folder / SAMPLES).read_text("utf-8")
    change(deployed, "FIRST = 1")
    assert dev(deployed, "push").code == 0
    (deployed.folder / SAMPLES).write_text(original, "utf-8")
    back = dev(deployed, "push", form="text")
    assert back.code == 0, back.err
    assert "`dbxwizard plan` shows it" not in back.out
    assert libraries(deployed) == {before: "INSTALLED"}
    assert not [path for path in objects(deployed, "object") if "/.dbxwizard/wheels/" in path and path.endswith(".whl")]
    assert deployed.run("plan", "-e", "Development", "--detailed-exitcode").code == 0


def test_a_stopped_cluster_is_started_where_somebody_agrees(deployed: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    stop(deployed)
    monkeypatch.setattr("dbxwizard.cli.invocation.is_interactive", lambda *_: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    refused = dev(deployed, "push", form="text")
    assert (refused.code, refused.out) == (130, "nothing was changed\n")
    assert f"cluster {CLUSTER} is TERMINATED. Start it? [y/N]" in refused.err
    assert {one["state"] for one in objects(deployed, "cluster").values()} == {"TERMINATED"}
    agreed = dev(deployed, "push", "--yes")
    assert agreed.code == 0, agreed.out + agreed.err
    assert set(libraries(deployed).values()) == {"INSTALLED"}
    assert runs(deployed)[-1]["result_state"] == "SUCCESS"  # it was imported there


def test_watching_pushes_each_save_and_survives_what_does_not_build(
    deployed: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = deployed.folder / "framework" / "pyproject.toml"
    right = project.read_text("utf-8")
    shutil.copytree(deployed.folder / "framework", deployed.folder / "not_installed")
    more = f'{{"project": "not_installed", "clusters": ["{CLUSTER}"], "upload": false}}'
    deployed.edit("Development", '"WheelFiles": [', f'"WheelFiles": [{more},')

    async def save(_seconds: float) -> None:
        """In place of each second that the command would wait: it looks twice after a change."""
        step = next(steps)
        if step == 0:
            project.write_text("[broken", "utf-8")
        elif step == 2:
            project.write_text(right, "utf-8")
            change(deployed, "WATCHED = 'seen'")
        elif step == 4:
            change(deployed, "UNSEEN = 1", "not_installed/src/dbkframework/samples.py")
        elif step == 6:
            raise KeyboardInterrupt

    steps = itertools.count()
    sleeping(monkeypatch, save, every=1.0)
    ended = dev(deployed, "push", "--watch", form="text")
    assert ended.code == 130, ended.out + ended.err
    assert ended.out.count("has it already") == 1
    assert "wheel-build-failed" in ended.err
    assert re.search(r"framework \S+ is on cluster", ended.out)
    assert imported(deployed, "WATCHED") == "seen"


def test_what_keeps_a_push_from_happening_is_one_error(deployed: Road) -> None:
    other = dev(deployed, "push", "--cluster", "dbx-sp-cluster2")
    assert (other.code, [one["code"] for one in other.errors]) == (2, ["no-wheels"])
    gone = dev(deployed, "push", "--cluster", "nowhere")
    assert (gone.code, [one["code"] for one in gone.errors]) == (2, ["cluster-unknown"])
    absent = deployed.run("dev", "push", "-e", "UAT")
    assert (absent.code, [one["code"] for one in absent.errors]) == (1, ["not-deployed"])

    project = deployed.folder / "framework" / "pyproject.toml"
    right = project.read_text("utf-8")
    project.write_text("[broken", "utf-8")
    broken = dev(deployed, "push")
    assert (broken.code, [one["code"] for one in broken.errors]) == (1, ["wheel-build-failed"])
    project.write_text(right, "utf-8")

    change(deployed, "import no_such_module", INIT)
    lacking = dev(deployed, "push")  # what does not import on the cluster
    assert (lacking.code, [one["code"] for one in lacking.errors]) == (1, ["wheel-not-imported"])
    assert "no_such_module" in lacking.errors[0]["message"]


def test_a_data_scientist_pushes_to_the_cluster_that_access_lets_them_manage(deployed: Road) -> None:
    become_data_scientist(deployed)
    change(deployed, "PUSHED = 1")
    had = libraries(deployed)
    refused = dev(deployed, "push")
    assert (refused.code, libraries(deployed)) == (3, had)
    [error] = refused.errors
    assert (error["resource"], "Can Manage on the cluster" in error["fix"]) == (f"cluster {CLUSTER}", True)

    deployed.edit("Development", f'"clusters": ["{CLUSTER}"]', f'"clusters": ["{CLUSTER}", "{OWN_CLUSTER}"]')
    pushed = dev(deployed, "push", "--cluster", OWN_CLUSTER)
    assert pushed.code == 0, pushed.out + pushed.err
    assert list(libraries(deployed, OWN_CLUSTER)) == [one["path"] for one in pushed.report["wheels"]]


def test_a_cluster_that_is_gone_is_told(deployed: Road) -> None:
    with deployed.change() as store:
        for key, _ in list(store.find("databricks.cluster")):
            store.delete("databricks.cluster", key)
    for words in (("push",), ("run", "remote_analysis")):
        gone = dev(deployed, *words)
        assert (gone.code, [one["code"] for one in gone.errors]) == (1, ["not-deployed"])
        assert "Traceback" not in gone.err
