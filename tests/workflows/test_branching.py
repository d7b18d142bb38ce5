"""Which environment each event deploys, at which commit: the branching strategy, read from the files themselves."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Any

import pytest

from dbxwizard.backend.workflows.files import Choices, rendered
from dbxwizard.cli.parser import parse
from dbxwizard.runs import proof
from dbxwizard.sandbox.actions.expressions.evaluate import Scope, expand
from dbxwizard.sandbox.actions.workflows import events
from dbxwizard.sandbox.actions.workflows.events import Event
from dbxwizard.sandbox.actions.workflows.model import Job
from dbxwizard.sandbox.actions.workflows.started_runs import Assumed, StartedRun
from dbxwizard.sandbox.actions.workflows.starting import started
from tests.workflows.conftest import INSTALL, parsed

HERE = "contoso/databricks"
HEAD, MERGED, TAGGED = "a" * 40, "b" * 40, "c" * 40
MODES = {"environments": Choices(), "secrets": Choices("secret"), "branches": Choices(environments=False)}


def interpolate(value: Any, contexts: Mapping[str, Any]) -> Any:
    """A value of a workflow with its `${{ }}` replaced."""
    return expand(value, Scope(contexts)) if isinstance(value, str) else value


def pull_request(action: str, head: str, base: str, *, merged: bool = False, fork: bool = False) -> Event:
    found = events.pull_request(action, base=base, head=head, number=7, is_merged=merged, is_from_fork=fork, sha=MERGED)
    pull = found.payload["pull_request"]
    assert isinstance(pull, dict)
    theirs = pull["head"]
    assert isinstance(theirs, dict)
    return replace(found, payload={**found.payload, "pull_request": {**pull, "head": {**theirs, "sha": HEAD}}})


def push(ref: str) -> Event:
    return events.push(ref, sha=TAGGED)


TABLE = {
    "opened, feature → main": (pull_request("opened", "feature/x", "main"), ("checks",)),
    "new commits, feature → main": (pull_request("synchronize", "feature/x", "main"), ("checks",)),
    "closed unmerged, feature → main": (pull_request("closed", "feature/x", "main"), ()),
    "merged, feature → main": (
        pull_request("closed", "feature/x", "main", merged=True),
        (f"Development {MERGED} refs/heads/main",),
    ),
    "opened, main → release": (
        pull_request("opened", "main", "release"),
        ("checks", f"UAT {HEAD} refs/heads/main"),
    ),
    "new commits, main → release": (
        pull_request("synchronize", "main", "release"),
        ("checks", f"UAT {HEAD} refs/heads/main"),
    ),
    "edited, main → release": (pull_request("edited", "main", "release"), ()),
    "closed unmerged, main → release": (pull_request("closed", "main", "release"), ()),
    "merged, main → release": (
        pull_request("closed", "main", "release", merged=True),
        (f"PreProduction {MERGED} refs/heads/release",),
    ),
    "opened, hotfix → release": (pull_request("opened", "hotfix/x", "release"), ("checks",)),
    "merged, hotfix → release": (
        pull_request("closed", "hotfix/x", "release", merged=True),
        (f"PreProduction {MERGED} refs/heads/release",),
    ),
    "merged, release → main": (
        pull_request("closed", "release", "main", merged=True),
        (f"Development {MERGED} refs/heads/main",),
    ),
    "opened, feature → feature": (pull_request("opened", "feature/x", "feature/y"), ()),
    "merged, feature → feature": (pull_request("closed", "feature/x", "feature/y", merged=True), ()),
    "tag v1.2": (push("refs/tags/v1.2"), (f"Production {TAGGED} refs/tags/v1.2",)),
    "another tag": (push("refs/tags/nightly"), ()),
    "a branch that is named like a tag": (push("refs/heads/v1.2"), ()),
    "pushed to main": (push("refs/heads/main"), ()),
    "pushed to release": (push("refs/heads/release"), ()),
    "fork opened, feature → main": (pull_request("opened", "x", "main", fork=True), ("code",)),
    "fork opened, its main → release": (pull_request("opened", "main", "release", fork=True), ("code",)),
    "fork merged, → main": (pull_request("closed", "x", "main", merged=True, fork=True), ("told",)),
    "fork merged, its main → release": (
        pull_request("closed", "main", "release", merged=True, fork=True),
        ("told",),
    ),
    "every morning": (events.schedule("17 5 * * *"), ("drift",)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("what", TABLE)
def test_an_event_does_what_the_table_says(what: str, mode: str) -> None:
    event, expected = TABLE[what]
    outputs = {"on-release": {"commit": TAGGED}}
    runs = started(rendered(MODES[mode], INSTALL), event, Assumed(outputs=outputs))
    assert [run.error for run in runs if run.error] == []
    if mode == "branches":  # a pull request could sign in as the deployer alone
        expected = tuple("code" if one == "checks" else one for one in expected)
    assert {one for run in runs for one in what_happens(run, event)} == set(expected)


def what_happens(run: StartedRun, event: Event) -> Iterator[str]:
    """A line for each deployment; `code`, `checks` where a plan comes with it; `told` where a fork gets nothing."""
    jobs = {job.id: job for job in run.jobs if job.will_run}
    if run.path.endswith("checks.yml"):
        assert "code" in jobs
        yield "checks" if "plan" in jobs else "code"
    elif run.path.endswith("drift.yml"):
        yield "drift"
        assert [job.will_run for job in run.jobs] == [True] * 4
    elif "from-fork" in jobs:
        yield "told"
        assert set(jobs) == {"from-fork"}
    elif "deploy / deploy" in jobs:
        given = jobs["deploy / deploy"].inputs
        assert jobs["deploy / deploy"].environment in (given["environment"], "")
        yield f"{given['environment']} {given['commit']} {given['ref']}"
    elif "deploy" in jobs:
        yield started_by_hand(jobs["deploy"].job, event)


def started_by_hand(job: Job, event: Event) -> str:
    """What deploy.yml gets where it is started on a branch that Azure trusts."""
    step = job.steps[-1]
    needs = {"on-release": {"outputs": {"commit": TAGGED}}}
    contexts = {"github": event.github(), "needs": needs}
    environ = {name: interpolate(value, contexts) for name, value in step.env.items() if name != "GITHUB_TOKEN"}
    said = Template(step.run or "").substitute(environ)
    values = parse(shlex.split(said)[1:])
    assert (values["command"], values["words"]) == ("runs", ("launch", "deploy.yml"))
    given = dict(text.split("=", 1) for text in values["input"])
    assert values["ref"] == ("main" if given["environment"] in ("Development", "UAT") else "release")
    return f"{given['environment']} {given['commit']} {given['ref']}"


def test_by_hand_all_four_are_deployed_at_the_commit_that_it_was_started_on() -> None:
    event = replace(
        events.dispatch(".github/workflows/full-deployment.yml", "refs/tags/v2", {"order": "in order"}), sha=TAGGED
    )
    [run] = started(rendered(Choices(), INSTALL), event)
    assert run.error == ""
    assert [job.environment for job in run.jobs] == ["Development", "UAT", "PreProduction", "Production"]
    assert {(job.inputs["commit"], job.inputs["ref"]) for job in run.jobs} == {(TAGGED, "refs/tags/v2")}
    assert len({job.concurrency.group for job in run.jobs if job.concurrency}) == 4


def test_by_hand_one_environment_is_chosen() -> None:
    inputs = {"environment": "UAT", "what_if": True}
    event = events.dispatch(".github/workflows/deploy.yml", "refs/heads/main", inputs)
    [run] = started(rendered(Choices(), INSTALL), event)
    assert [(job.environment, run.error) for job in run.jobs] == [("UAT-plan", "")]


@pytest.mark.parametrize(
    ("base", "environment"), [("main", "Development"), ("release", "PreProduction")], ids=["main", "release"]
)
def test_the_plan_is_of_what_a_merge_deploys_and_signs_in_where_nobody_can_write(base: str, environment: str) -> None:
    plan = parsed(Choices())["checks.yml"]["jobs"]["plan"]
    contexts = {"github": {"base_ref": base, "sha": HEAD}}
    assert interpolate(plan["environment"]["name"], contexts) == f"{environment}-plan"
    assert interpolate(plan["env"]["ENVIRONMENT"], contexts) == environment
    step = next(one for one in plan["steps"] if one["name"] == "Plan")
    assert interpolate(step["env"]["DBXWIZARD_REF"], contexts) == f"refs/heads/{base}@{HEAD}"


@pytest.mark.parametrize(("what_if", "expected"), [(True, "UAT-plan"), (False, "UAT")])
def test_what_if_signs_in_where_nobody_can_write(what_if: bool, expected: str) -> None:
    job = parsed(Choices())["deploy.yml"]["jobs"]["deploy"]
    given = {"environment": "UAT", "commit": HEAD, "ref": "refs/heads/main", "what_if": what_if, "only_changed": True}
    github = {"server_url": "https://github.com", "repository": HERE, "sha": MERGED, "ref": "refs/heads/other"}
    contexts = {"inputs": given, "github": github, "steps": {"last": {"outputs": {"commit": TAGGED}}}}
    assert interpolate(job["environment"]["name"], contexts) == expected
    run = job["steps"][-1]["env"]
    assert interpolate(run["COMMAND"], contexts) == ("plan" if what_if else "deploy")
    assert interpolate(run["DBXWIZARD_REF"], contexts) == f"refs/heads/main@{HEAD}"
    assert interpolate(run["DBXWIZARD_SINCE"], contexts) == TAGGED


def test_by_hand_the_commit_is_the_one_that_it_was_started_on() -> None:
    job = parsed(Choices())["deploy.yml"]["jobs"]["deploy"]
    contexts = {
        "inputs": {"environment": "Production", "what_if": False},
        "github": {"sha": TAGGED, "ref": "refs/tags/v2"},
        "steps": {"last": {"outputs": {"commit": HEAD}}},
    }
    run = job["steps"][-1]["env"]
    assert interpolate(run["DBXWIZARD_REF"], contexts) == f"refs/tags/v2@{TAGGED}"
    assert interpolate(run["DBXWIZARD_SINCE"], contexts) == ""  # all of it is looked at


def test_only_development_leaves_alone_what_did_not_change() -> None:
    workflows = parsed(Choices())
    for name in ("development.yml", "uat.yml", "preproduction.yml", "production.yml", "full-deployment.yml"):
        given = workflows[name]["jobs"]["deploy"]["with"]
        assert given.get("only_changed", False) is (name == "development.yml")


@pytest.mark.parametrize(("order", "at_once", "stops"), [("side by side", 4, False), ("in order", 1, True)])
def test_a_full_deployment_goes_side_by_side_or_in_order(order: str, at_once: int, stops: bool) -> None:
    strategy = parsed(Choices())["full-deployment.yml"]["jobs"]["deploy"]["strategy"]
    contexts = {"inputs": {"order": order}}
    assert interpolate(strategy["max-parallel"], contexts) == at_once
    assert interpolate(strategy["fail-fast"], contexts) is stops
    assert strategy["matrix"]["environment"] == ["Development", "UAT", "PreProduction", "Production"]


# The scripts, run as the runner runs them.


def script(workflow: str, job: str, step: str, choices: Choices | None = None) -> str:
    steps = parsed(choices or Choices())[workflow]["jobs"][job]["steps"]
    return str(next(one["run"] for one in steps if one.get("name") == step))


def bash(text: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    (cwd / "output").touch()
    return subprocess.run(
        ["bash", "-e", "-c", text],
        cwd=cwd,
        env={"PATH": f"{cwd}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(cwd / "output"), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def outputs(cwd: Path) -> dict[str, str]:
    lines = (cwd / "output").read_text().splitlines()
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


def git(cwd: Path, *arguments: str) -> str:
    names = {f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, env={**os.environ, **names}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What checkout leaves: main with a commit that release lacks, and v1 on release."""
    origin, made = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "--quiet", "--initial-branch", "main")
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "one")
    git(origin, "branch", "release")
    git(origin, "tag", "v1")
    git(origin, "tag", "--annotate", "v1.1", "--message", "annotated")
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "two")
    git(origin, "tag", "v2")
    git(tmp_path, "clone", "--quiet", str(origin), str(made))
    return made


@pytest.mark.parametrize(("tag", "lies_there"), [("v1", True), ("v1.1", True), ("v2", False)])
def test_a_tag_has_to_lie_on_release(tag: str, lies_there: bool, clone: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach", tag)
    done = bash(script("production.yml", "on-release", "Look for the commit on release"), clone)
    assert (done.returncode == 0) is lies_there
    commit = git(clone, "rev-parse", "v1^{commit}")
    assert outputs(clone) == ({"commit": commit} if lies_there else {})
    assert ("::error title=Not deployed::" in done.stdout) is not lies_there


@pytest.mark.parametrize(
    ("environment", "ref", "commit"),
    [
        ("Development", "refs/heads/main", "origin/main"),
        ("UAT", "refs/heads/main", "origin/main"),
        ("PreProduction", "refs/heads/release", "origin/release"),
        ("Production", "refs/tags/v1.1", "v1"),
    ],
)
def test_without_environments_drift_is_held_against_the_branches(
    environment: str, ref: str, commit: str, clone: Path
) -> None:
    expected = git(clone, "rev-parse", f"{commit}^{{commit}}")
    text = script("drift.yml", "plan", "Find what was deployed last", Choices(environments=False))
    done = bash(text, clone, ENVIRONMENT=environment)
    assert done.returncode == 0, done.stderr
    assert outputs(clone) == {"ref": f"{ref}@{expected}", "commit": expected}
    assert git(clone, "rev-parse", "HEAD") == expected


def test_every_command_of_the_scripts_is_one_that_there_is() -> None:
    """For each set of choices: its options are known, and nothing needs another program than git."""
    for mode in MODES.values():
        said = [step["run"] for workflow in parsed(mode).values() for job in workflow["jobs"].values()
                for step in job.get("steps", ()) if "dbxwizard " in step.get("run", "")]  # fmt: skip
        assert len(said) >= 5
        for script in said:
            name, *arguments = shlex.split(script)
            if name == "dbxwizard":
                parse([argument.replace("$COMMAND", "deploy") for argument in arguments])


def test_drift_asks_for_the_last_deployment_with_a_program_that_is_there() -> None:
    names = [step["name"] for step in parsed(Choices())["drift.yml"]["jobs"]["plan"]["steps"]]
    assert names.index("Install dbxwizard") < names.index("Find what was deployed last")
    assert names[-2:] == ["Check out what was deployed", "Plan"]


def test_a_proof_has_the_name_by_which_it_is_found() -> None:
    inputs = {"sign_in_only": True, "patience": "600"}
    event = events.dispatch(f".github/workflows/{proof.WORKFLOW}", "refs/heads/main", inputs)
    [run] = started(rendered(Choices(), INSTALL), event)
    assert (run.title, run.error) == (proof.TITLE, "")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("sign_in_only", "expected"), [(True, {"Prove the sign-in"}), (False, {"Plan"})])
def test_a_proof_signs_in_and_plans_nothing(sign_in_only: bool, expected: set[str], mode: str) -> None:
    [job] = parsed(MODES[mode])["drift.yml"]["jobs"].values()
    found = {"outputs": {} if sign_in_only else {"commit": HEAD}}
    contexts = {"inputs": {"sign_in_only": sign_in_only}, "steps": {"last": found}}
    steps = {one["name"]: one for one in job["steps"]}
    conditions = {
        name: str(one["if"]).removeprefix("${{").removesuffix("}}") for name, one in steps.items() if "if" in one
    }
    will = {name for name, text in conditions.items() if interpolate("${{ " + text + " }}", contexts)}
    assert {"Prove the sign-in", "Plan"} & will == expected
    assert ("Find what was deployed last" in will) is not sign_in_only
