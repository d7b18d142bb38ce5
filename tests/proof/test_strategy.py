"""The branching strategy from end to end on the sandbox: what a developer does, and what it deploys.

The shipped workflows run with their real scripts; only the installation is left out of them: the program that is tested
lies on the path of their jobs (tests/github and tests/sandbox/test_packages.py try the installation). Lint and tests of
the user's code run in one of the tests, as they take a while.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
from textual.pilot import Pilot

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY, REPOSITORY_ID
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.screens.launching import LaunchScreen
from dbxwizard.screens.reviewing import ReviewDialog
from dbxwizard.screens.runs import RunsScreen
from dbxwizard.screens.widgets import Table
from dbxwizard.screens.workflow_run import WorkflowRunScreen
from tests.github.test_runs import wait
from tests.hosting import hosting
from tests.installed import put_program_on_path, without_installation
from tests.roads import Outcome, Road
from tests.screens.pilots import driven, text, until
from tests.screens.test_runs import listed, opened
from tests.screens.walking import decide

pytestmark = pytest.mark.timeout(1200)
_OF_USERS = re.compile(r" +- name: (Lint|Test)\n(?: {8}.*\n)+")
ENVIRONMENTS = ("Development", "UAT", "PreProduction", "Production")
_WORKERS = '"max_workers": {}'


class Developer:
    """Who works on the repository of a project that is set up."""

    def __init__(self, road: Road, sandbox: ExitStack) -> None:
        self.road = road
        self._sandbox = sandbox  # serves it

    def loses_the_runner(self) -> None:
        """The process that serves the sandbox ends, its jobs with it, and another one takes over."""
        self._sandbox.close()
        self._sandbox.enter_context(Sandbox(self.road.state))
        wait()

    def does(self, *words: str) -> dict[str, Any]:
        ended = self.road.run("sandbox", *words, "--root", str(self.road.folder), "--output", "json")
        assert ended.code == 0, ended.out + ended.err
        wait()
        return ended.report

    def proposes(self, branch: str, base: str = "main", *more: str) -> int:
        opened = self.does("pr", "open", "--head", branch, "--base", base, "--title", f"{branch} to {base}", *more)
        return int(opened["pull_request"]["number"])

    def changes(self, branch: str, workers: int, *more: str) -> None:
        """A branch whose Development has that many workers at most."""
        path = self.road.folder / "environments" / "Development.json"
        text = path.read_text("utf-8")
        path.write_text(re.sub(r'"max_workers": \d+', _WORKERS.format(workers), text), "utf-8")
        self.does("push", "environments/Development.json", "--branch", branch, "-m", f"At most {workers}", *more)

    def runs(self, *filters: str) -> list[dict[str, Any]]:
        """The newest first."""
        return list(self.road.run("runs", "list", *filters).report["runs"])

    def newest(self, workflow: str) -> dict[str, Any]:
        return next(run for run in self.runs() if run["workflow"] == workflow)

    def newest_of(self, workflow: str) -> int:
        """The id of the newest run, from the sandbox itself."""
        with self.road.store() as store:
            newest = store.all("github.run", f"{REPOSITORY_ID}/")[::-1]
        return next(int(run["id"]) for run in newest if run["path"].endswith(f"/{workflow}"))

    def watched(self, workflow: str) -> Outcome:
        return self.road.run("runs", "watch", str(self.newest(workflow)["id"]))


@pytest.fixture
def developer(fresh: Road, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Developer]:
    """Parameter `whole`: with lint and tests of the user's code in checks.yml."""
    put_program_on_path(monkeypatch)
    for file in (fresh.folder / ".github" / "workflows").glob("*.yml"):
        text = without_installation(file.read_text())
        file.write_text(text if getattr(request, "param", "") == "whole" else _OF_USERS.sub("", text))
    with ExitStack() as sandbox:
        sandbox.enter_context(Sandbox(fresh.state))
        ended = fresh.setup("--reviewer", "team:contoso/platform")
        assert ended.code == 0, ended.out + ended.err
        yield Developer(fresh, sandbox)
        wait()


def states(run: Mapping[str, Any]) -> dict[str, str]:
    return {job["name"]: job["state"] for job in run["jobs"]}


def clusters(road: Road) -> dict[str, set[int]]:
    """By environment: how many workers its clusters may have."""
    found: dict[str, set[int]] = {}
    for workspace in road.show()["workspaces"]:
        name = workspace["resource_id"].split("/resourceGroups/")[1].split("/")[0].removeprefix("rg-dbx-")
        sizes = {cluster["spec"].get("autoscale", {}).get("max_workers", 0) for cluster in workspace["clusters"]}
        found[name] = sizes
    return found


def deployed(road: Road, environment: str) -> str:
    return str((road.run("runs", "last", "-e", environment).report["deployed"] or {}).get("commit", ""))


def test_a_change_goes_from_a_branch_to_production(developer: Developer) -> None:
    road = developer.road

    developer.changes("more-workers", 7)
    number = developer.proposes("more-workers")
    checks = developer.newest("checks.yml")
    assert checks["state"] == "success", developer.watched("checks.yml").out
    [comment] = comments(road, number)
    assert comment["body"].startswith("<!-- dbxwizard plan -->")
    assert "dbx-sp-cluster" in comment["body"]
    assert clusters(road) == {}

    developer.does("pr", "merge", str(number))
    assert developer.newest("development.yml")["state"] == "success", developer.watched("development.yml").out
    assert clusters(road) == {"development": {7}}
    assert deployed(road, "Development") == road.head()

    number = developer.proposes("main", "release")
    assert developer.newest("uat.yml")["state"] == "success", developer.watched("uat.yml").out
    assert sorted(clusters(road)) == ["development", "uat"]
    assert deployed(road, "UAT") == road.head()

    developer.does("pr", "merge", str(number))
    assert developer.newest("preproduction.yml")["state"] == "success", developer.watched("preproduction.yml").out
    assert sorted(clusters(road)) == ["development", "preproduction", "uat"]
    assert deployed(road, "PreProduction") == road.head("release")

    developer.does("tag", "v1.0.0", "--at", "release")
    waiting = developer.newest("production.yml")
    assert waiting["state"] == "waiting", developer.watched("production.yml").out
    assert "production" not in clusters(road)
    approved = road.run("runs", "approve", str(waiting["id"]), "--comment", "Go")
    assert approved.code == 0, approved.out + approved.err
    wait()
    assert developer.newest("production.yml")["state"] == "success", developer.watched("production.yml").out
    assert sorted(clusters(road)) == ["development", "preproduction", "production", "uat"]
    assert deployed(road, "Production") == road.head("release")
    [pinned] = {job["settings"]["git_source"]["git_tag"] for job in jobs(road, "production")}
    assert pinned == "v1.0.0"


def jobs(road: Road, environment: str) -> list[dict[str, Any]]:
    return [
        job
        for workspace in road.show()["workspaces"]
        if f"/resourceGroups/rg-dbx-{environment}/" in workspace["resource_id"]
        for job in workspace["jobs"]
    ]


def comments(road: Road, number: int) -> list[dict[str, Any]]:
    with road.store() as store:
        return store.all("github.comment", f"{REPOSITORY_ID}/{number:08d}/")


def test_a_tag_that_does_not_lie_on_release_deploys_nothing(developer: Developer) -> None:
    developer.changes("more-workers", 7)
    developer.does("tag", "v9", "--at", "more-workers")
    watched = developer.watched("production.yml")
    assert watched.code == 1
    assert "does not lie on release" in watched.out
    assert clusters(developer.road) == {}


@pytest.mark.parametrize("developer", ["whole"], indirect=True)
def test_what_a_later_setup_changes_in_files_comes_by_a_pull_request_that_waits_for_the_checks(
    developer: Developer,
) -> None:
    road = developer.road
    before = road.head()
    road.edit("Development", '"autotermination_minutes": 20', '"autotermination_minutes": 25')
    ended = road.setup()
    assert ended.code == 0, ended.out + ended.err
    wait()
    assert road.head() == before
    checks = developer.newest("checks.yml")
    assert checks["state"] == "success", developer.watched("checks.yml").out
    # The ruleset of that setup is why: nobody pushes there.
    pushed = road.run("sandbox", "push", "--root", str(road.folder), "--output", "json")
    assert (pushed.code, "Changes must be made through a pull request" in pushed.errors[0]["message"]) == (3, True)
    assert checks["branch"] == "dbxwizard/setup"
    jobs = {job["name"]: job for job in developer.watched("checks.yml").report["run"]["jobs"]}
    steps = {step["name"]: step["conclusion"] for step in jobs["Code and parameters"]["steps"]}
    assert steps == dict.fromkeys(("Check out", "Check the parameter files", "Lint", "Test"), "success")
    assert jobs["Plan"]["state"] == "success"
    [comment] = comments(road, 1)
    assert "dbx-sp-cluster" in comment["body"]
    again = road.setup()
    assert (again.code, again.report["status"]) == (0, "unchanged")  # it waits, and nothing more is proposed
    developer.does("pr", "merge")
    assert developer.newest("development.yml")["state"] == "success", developer.watched("development.yml").out
    assert deployed(road, "Development") == road.head() != before
    assert road.setup().report["status"] == "unchanged"


def test_the_pull_request_of_a_fork_gets_nothing(developer: Developer) -> None:
    developer.changes("theirs", 9, "--from-fork")
    number = developer.proposes("theirs", "main", "--from-fork")
    watched = developer.watched("checks.yml").report["run"]
    assert states(watched) == {"Code and parameters": "success", "Plan": "skipped"}
    assert comments(developer.road, number) == []
    assert clusters(developer.road) == {}


def test_three_merges_at_once_deploy_one_after_the_other(developer: Developer) -> None:
    road = developer.road
    numbers = []
    for branch in ("first", "second", "third"):
        (road.folder / f"{branch}.txt").write_text(branch)
        developer.does("push", f"{branch}.txt", "--branch", branch, "-m", branch)
        numbers.append(developer.proposes(branch))
    for number in numbers:
        ended = road.run("sandbox", "pr", "merge", str(number), "--root", str(road.folder), "--output", "json")
        assert ended.code == 0, ended.out + ended.err
    wait()
    runs = [run for run in developer.runs() if run["workflow"] == "development.yml" and run["event"] == "pull_request"]
    assert [run["state"] for run in runs[:3]] == ["success"] * 3
    spans = sorted(span(road, run["id"]) for run in runs[:3])
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert deployed(road, "Development") == road.head()


def span(road: Road, run: int) -> tuple[float, float]:
    """When the job of a run that deploys began and ended."""
    watched = road.run("runs", "watch", str(run)).report["run"]
    [job] = [job for job in watched["jobs"] if job["state"] == "success"]
    return job["started_at"], job["ended_at"]


@pytest.mark.parametrize("cut_off", ["cancelled", "failure"])
def test_a_deployment_that_was_cut_off_is_run_again_to_the_same_end(developer: Developer, cut_off: str) -> None:
    """Cancelled, or its runner lost."""
    road = developer.road
    started = road.run("runs", "launch", "deploy.yml", "--ref", "main", "-i", "environment=Development")
    run = str(started.report["run"]["id"])
    while not road.show()["workspaces"]:
        pass  # until the deployment is in its middle
    if cut_off == "cancelled":
        assert road.run("runs", "cancel", run).code == 0
        wait()
    else:
        developer.loses_the_runner()
    assert road.run("runs", "watch", run).report["run"]["state"] == cut_off
    assert road.run("runs", "rerun", run).code == 0
    wait()
    assert road.run("runs", "watch", run).report["run"]["state"] == "success"
    at = f"refs/heads/main@{road.head()}"
    compared = road.run("plan", "--scope", "deploy", "-e", "Development", DBXWIZARD_REF=at)
    assert (compared.code, compared.changes()) == (0, {})
    assert deployed(road, "Development") == road.head()


def test_a_wrong_subject_is_refused_and_explained(developer: Developer) -> None:
    with developer.road.change() as store:
        for key, application in store.find("directory.application"):
            for credential in application.get("federatedIdentityCredentials", []):
                credential["subject"] = credential["subject"].replace("contoso", "somebody")
            store.put("directory.application", key, application)
    ended = developer.road.run("deploy", "--on", "github", "-e", "Development")
    assert ended.code == 1
    [error] = ended.errors
    assert error["code"] == "subject-mismatch"
    subject = re.escape("/databricks@") + r"\d+:environment:Development"
    assert re.search(
        f"the job's subject is repo:contoso@\\d+{subject}, but Azure trusts none like it", error["message"]
    )
    assert "dbxwizard setup" in error["fix"]
    given = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)
    ended = developer.road.run("plan", "--scope", "setup", *given, form="text")
    assert re.search(f"repo:somebody@\\d+{subject} → repo:contoso@\\d+{subject}", ended.out), ended.out


async def test_the_same_through_the_console(developer: Developer) -> None:
    """The developer pushes, proposes, merges and tags; whoever sits before the console starts, watches and approves."""
    road = developer.road
    with hosting(road.folder) as host:
        decide(host, "review")
        async with driven(host.program(first="console"), 120, 40) as pilot:
            await listed(pilot)
            await launches_the_proof(pilot)
            await ends(pilot, "Proof of the sign-in", *(f"✓ success  {name}" for name in ENVIRONMENTS))

            await asyncio.to_thread(developer.changes, "more-workers", 7)
            number = await asyncio.to_thread(developer.proposes, "more-workers")
            await opens(pilot, developer.newest_of("checks.yml"))
            await ends(pilot, "more-workers to main", "✓ success  Code and parameters", "✓ success  Plan")
            await asyncio.to_thread(developer.does, "pr", "merge", str(number))
            await opens(pilot, developer.newest_of("development.yml"))
            await ends(pilot, "✓ success  Development")
            assert clusters(road) == {"development": {7}}

            number = await asyncio.to_thread(developer.proposes, "main", "release")
            await opens(pilot, developer.newest_of("uat.yml"))
            await ends(pilot, "✓ success  UAT")
            await asyncio.to_thread(developer.does, "pr", "merge", str(number))
            await opens(pilot, developer.newest_of("preproduction.yml"))
            await ends(pilot, "✓ success  PreProduction")
            assert sorted(clusters(road)) == ["development", "preproduction", "uat"]

            await asyncio.to_thread(developer.does, "tag", "v1.0.0", "--at", "release")
            await opens(pilot, developer.newest_of("production.yml"))
            await approves(pilot)
            assert sorted(clusters(road)) == ["development", "preproduction", "production", "uat"]
    [pinned] = {job["settings"]["git_source"]["git_tag"] for job in jobs(road, "production")}
    assert pinned == "v1.0.0"


async def launches_the_proof(pilot: Pilot[int]) -> None:
    """By the form of drift.yml: its first question is whether only the sign-in is to be proved."""
    await pilot.press("u")
    await until(pilot, lambda: "Start which workflow" in text(pilot))
    await pilot.press(*"drift", "enter")
    await opened(pilot, LaunchScreen)
    await pilot.press("j", "space", "ctrl+g")
    await opened(pilot, WorkflowRunScreen)


async def opens(pilot: Pilot[int], run: int) -> None:
    """From the list, by its keys."""
    table = (await opened(pilot, RunsScreen)).query_one(Table)
    await until(pilot, lambda: str(run) in table.rows)
    while table.current != str(run):
        await pilot.press("j" if table.get_row_index(str(run)) > table.cursor_row else "k")
    await pilot.press("enter")
    await opened(pilot, WorkflowRunScreen)


async def ends(pilot: Pilot[int], *words: str) -> None:
    """Watches the run that is open until it is over, and leaves it for the list."""
    await until(pilot, lambda: all(word in text(pilot) for word in (*words, "over")))
    await pilot.press("escape")
    await opened(pilot, RunsScreen)


async def approves(pilot: Pilot[int]) -> None:
    await until(pilot, lambda: "! waiting: Production for platform" in text(pilot))
    await pilot.press("a")
    await opened(pilot, ReviewDialog)
    await pilot.press(*"Go", "tab", "tab", "tab", "enter")
    await until(pilot, lambda: "To go on, type Production" in text(pilot))
    await pilot.press(*"Production", "enter", "enter")
    await ends(pilot, "✓ success  Production")
