"""Which workflows and jobs an event starts.

docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dbxwizard.sandbox.actions.workflows.events import Event, dispatch, pull_request, push, schedule
from dbxwizard.sandbox.actions.workflows.inputs import InputError
from dbxwizard.sandbox.actions.workflows.model import Concurrency
from dbxwizard.sandbox.actions.workflows.started_runs import Assumed, StartedRun
from dbxwizard.sandbox.actions.workflows.starting import started

A = ".github/workflows/a.yml"
JOB = "jobs: {a: {runs-on: x, steps: [run: x]}}"


def runs(on: str, event: Event) -> bool:
    return bool(started({A: f"on: {on}\n{JOB}"}, event))


def only(text: str, event: Event, assumed: Assumed | None = None, **others: str) -> StartedRun:
    files = {A: text, **{f".github/workflows/{name}.yml": other for name, other in others.items()}}
    [run] = [run for run in started(files, event, assumed) if run.path == A]
    return run


@pytest.mark.parametrize(
    ("on", "event", "starts"),
    [
        ("push", push("refs/heads/main"), True),
        ("push", push("refs/tags/v1"), True),
        ("pull_request", push("refs/heads/main"), False),
        ("[push, pull_request]", pull_request("opened", base="main", head="f"), True),
        # Branches and tags: who filters one kind alone is not started by the other.
        ("{push: {branches: main}}", push("refs/heads/main"), True),
        ("{push: {branches: main}}", push("refs/heads/feature"), False),
        ("{push: {branches: main}}", push("refs/tags/main"), False),
        ("{push: {branches-ignore: main}}", push("refs/heads/feature"), True),
        ("{push: {branches-ignore: main}}", push("refs/heads/main"), False),
        ("{push: {branches-ignore: main}}", push("refs/tags/v1"), False),
        ("{push: {tags: 'v*'}}", push("refs/tags/v1"), True),
        ("{push: {tags: 'v*'}}", push("refs/heads/v1"), False),
        ("{push: {branches: main, tags: 'v*'}}", push("refs/tags/v1"), True),
        ("{push: {tags-ignore: 'v*'}}", push("refs/tags/v1"), False),
        ("{push: {branches: ['**', '!wip/**']}}", push("refs/heads/wip/a"), False),
        # Paths: one file that fits is enough; none is not; tags are not asked.
        ("{push: {paths: 'src/**'}}", push("refs/heads/main", changed=["README.md", "src/a/b"]), True),
        ("{push: {paths: 'src/**'}}", push("refs/heads/main", changed=["README.md"]), False),
        ("{push: {paths: ['src/**', '!src/docs/**']}}", push("refs/heads/main", changed=["src/docs/a"]), False),
        ("{push: {paths: 'src/**'}}", push("refs/heads/main", changed=[]), False),
        ("{push: {paths: 'src/**'}}", push("refs/tags/v1", changed=["README.md"]), True),
        ("{push: {paths: '**'}}", push("refs/heads/main"), True),
        ("{push: {paths-ignore: '**.md'}}", push("refs/heads/main", changed=["README.md", "docs/a.md"]), False),
        ("{push: {paths-ignore: '**.md'}}", push("refs/heads/main", changed=["README.md", "a.py"]), True),
        ("{push: {paths: last}}", push("refs/heads/main", changed=[f"f{n}" for n in range(300)] + ["last"]), False),
        ("{push: {branches: main, paths: a}}", push("refs/heads/x", changed=["a"]), False),
        # Pull requests: the base branch, and three types by default.
        ("pull_request", pull_request("synchronize", base="main", head="f"), True),
        ("pull_request", pull_request("closed", base="main", head="f"), False),
        ("{pull_request: {types: closed}}", pull_request("closed", base="main", head="f", is_merged=True), True),
        ("{pull_request: {types: closed}}", pull_request("opened", base="main", head="f"), False),
        ("{pull_request: {branches: release}}", pull_request("opened", base="release", head="main"), True),
        ("{pull_request: {branches: release}}", pull_request("opened", base="main", head="release"), False),
        ("{pull_request: {paths: a}}", pull_request("opened", base="main", head="f", changed=["b"]), False),
        # Messages that ask for no run.
        ("push", push("refs/heads/main", message="Mend it [skip ci]"), False),
        ("push", push("refs/heads/main", message="Mend it\n\nskip-checks: true"), False),
        ("pull_request", replace(pull_request("opened", base="main", head="f"), message="[no ci] a"), False),
        ("push", push("refs/heads/main", message="Skip ci"), True),
        # Schedules, and starts by hand.
        ("{schedule: [{cron: '5 4 * * *'}]}", schedule("5 4 * * *"), True),
        ("{schedule: [{cron: '5 4 * * *'}]}", schedule("6 4 * * *"), False),
        ("workflow_dispatch", dispatch(A, "refs/heads/main"), True),
        ("workflow_dispatch", dispatch(".github/workflows/b.yml", "refs/heads/main"), False),
        ("workflow_call", push("refs/heads/main"), False),
    ],
)
def test_events_start_what_listens(on: str, event: Event, starts: bool) -> None:
    assert runs(on, event) is starts


def test_workflows_lie_in_one_folder() -> None:
    text = f"on: push\n{JOB}"
    files = {A: text, ".github/workflows/b.yaml": text, ".github/workflows/c/d.yml": text, "e.yml": text}
    found = started({**files, ".github/workflows/f.txt": text}, push("refs/heads/main"))
    assert [run.path for run in found] == [A, ".github/workflows/b.yaml"]


def test_a_merged_pull_request_has_its_base_branch_as_ref() -> None:
    text = "on: {pull_request: {types: [opened, closed]}}\njobs: {a: {runs-on: x, name: '${{ github.ref }}'}}"
    for event, ref in (
        (pull_request("opened", base="main", head="f", number=7), "refs/pull/7/merge"),
        (pull_request("closed", base="main", head="f", number=7), "refs/pull/7/merge"),
        (pull_request("closed", base="main", head="f", is_merged=True), "refs/heads/main"),
    ):
        run = only(text, event)
        assert (run.ref, run.jobs[0].name) == (ref, ref)


CONDITIONS = """
on: {push: , pull_request: {types: [opened, closed]}}
jobs:
  merged: {runs-on: x, if: github.event.pull_request.merged == true}
  ours: {runs-on: x, if: "!github.event.pull_request.head.repo.fork"}
  feature: {runs-on: x, if: "startsWith(github.head_ref, 'feature/') && github.base_ref == 'main'"}
  same: {runs-on: x, if: github.event.pull_request.head.repo.full_name == github.repository}
  tag: {runs-on: x, if: "github.ref_type == 'tag'"}
  after: {runs-on: x, needs: feature}
  always: {runs-on: x, needs: feature, if: always()}
  failed: {runs-on: x, needs: [feature, ours], if: failure()}
"""


@pytest.mark.parametrize(
    ("event", "jobs"),
    [
        (push("refs/heads/main"), ["ours", "always"]),
        (push("refs/tags/v1"), ["ours", "tag", "always"]),
        (pull_request("opened", base="main", head="feature/x"), ["ours", "feature", "same", "after", "always"]),
        (pull_request("opened", base="main", head="feature/x", is_from_fork=True), ["feature", "after", "always"]),
        (pull_request("closed", base="release", head="main", is_merged=True), ["merged", "ours", "same", "always"]),
        (pull_request("closed", base="release", head="main"), ["ours", "same", "always"]),
    ],
)
def test_conditions_decide_which_jobs_run(event: Event, jobs: list[str]) -> None:
    assert only(CONDITIONS, event).running() == jobs


def test_results_and_outputs_may_be_assumed() -> None:
    text = """
on: push
jobs:
  changes: {runs-on: x}
  deploy: {runs-on: x, needs: changes, if: needs.changes.outputs.any == 'true'}
  report: {runs-on: x, needs: deploy, if: "failure() && needs.deploy.result == 'failure'"}
  end: {runs-on: x, needs: report}
"""
    event = push("refs/heads/main")
    assert only(text, event).running() == ["changes"]
    changed = {"changes": {"any": "true"}}
    assert only(text, event, Assumed(outputs=changed)).running() == ["changes", "deploy"]
    failed = Assumed({"deploy": "failure"}, changed)
    assert only(text, event, failed).running() == ["changes", "deploy", "report"]


def test_what_a_job_hands_on_is_not_known_before_it_has_ended() -> None:
    text = """
on: push
jobs:
  list: {runs-on: x}
  each: {needs: list, runs-on: x, strategy: {matrix: {to: '${{ fromJSON(needs.list.outputs.all) }}'}}}
"""
    event = push("refs/heads/main")
    assert only(text, event).running() == ["list", "each"]
    assert "empty input" in only(text, event, Assumed({"list": "success"})).error


def test_jobs_of_a_matrix_are_told_apart() -> None:
    text = """
on: push
jobs:
  list: {runs-on: x}
  each:
    needs: list
    runs-on: x
    strategy: {matrix: {to: '${{ fromJSON(needs.list.outputs.all) }}', size: [1]}}
    environment: ${{ matrix.to }}
    concurrency: {group: 'deploy-${{ matrix.to }}', queue: max}
"""
    assumed = Assumed(outputs={"list": {"all": '["UAT", "Production"]'}})
    jobs = only(text, push("refs/heads/main"), assumed).jobs[1:]
    assert [(job.name, job.environment) for job in jobs] == [
        ("each (UAT, 1)", "UAT"),
        ("each (Production, 1)", "Production"),
    ]
    assert jobs[0].concurrency == Concurrency("deploy-UAT", queue="max")
    assert jobs[1].matrix == {"to": "Production", "size": 1}


CALLED = """
on:
  workflow_call:
    inputs:
      to: {type: string, required: true}
      plan: {type: boolean}
    secrets: {KEY: {required: false}}
permissions: {contents: read, id-token: write}
jobs:
  plan: {runs-on: x, environment: '${{ inputs.to }}-plan'}
  apply: {runs-on: x, needs: plan, environment: '${{ inputs.to }}', if: '!inputs.plan'}
"""
CALLING = """
on: {push: {branches: main}}
jobs:
  deploy:
    uses: ./.github/workflows/deploy.yml
    permissions: {contents: read, id-token: write}
    with: {to: '${{ vars.TO }}', plan: false}
  after: {runs-on: x, needs: deploy}
"""


def test_called_workflows_bring_their_jobs() -> None:
    run = only(CALLING, push("refs/heads/main"), Assumed(variables={"TO": "UAT"}), deploy=CALLED)
    assert run.error == ""
    assert run.running() == ["deploy / plan", "deploy / apply", "after"]
    assert [job.environment for job in run.jobs] == ["UAT-plan", "UAT", ""]
    assert run.jobs[0].permissions == {"contents": "read", "id-token": "write"}
    assert run.jobs[2].permissions == {"contents": "read", "packages": "read"}
    assert run.jobs[1].inputs == {"to": "UAT", "plan": False}


def test_a_workflow_of_the_same_repository_is_called_in_two_ways() -> None:
    """`$/` since 2026: docs.github.com/actions/how-tos/reuse-automations/reuse-workflows."""
    calling = CALLING.replace("./.github", "$/.github")
    assert only(calling, push("refs/heads/main"), deploy=CALLED).running()[0] == "deploy / plan"


def test_a_failed_job_of_a_called_workflow_fails_the_call() -> None:
    run = only(CALLING, push("refs/heads/main"), Assumed({"deploy / apply": "failure"}), deploy=CALLED)
    assert run.running() == ["deploy / plan", "deploy / apply"]


def test_a_pull_request_from_a_fork_may_write_nothing() -> None:
    text = "on: pull_request\npermissions: {contents: write, id-token: write, pull-requests: write}\n" + JOB
    ours = pull_request("opened", base="main", head="f")
    theirs = pull_request("opened", base="main", head="f", is_from_fork=True)
    assert only(text, ours).jobs[0].permissions["id-token"] == "write"
    assert only(text, theirs).jobs[0].permissions == {"contents": "read", "pull-requests": "read"}


@pytest.mark.parametrize(
    ("said", "granted"),
    [
        ("", {"contents": "read", "packages": "read"}),
        ("permissions: {}", {}),
        ("permissions: {issues: write, contents: none}", {"issues": "write"}),
    ],
)
def test_permissions_that_are_not_named_are_none(said: str, granted: dict[str, str]) -> None:
    assert only(f"on: push\n{said}\n{JOB}", push("refs/heads/main")).jobs[0].permissions == granted


def test_read_all_and_write_all_stop_at_what_there_is() -> None:
    reading = only(f"on: push\npermissions: read-all\n{JOB}", push("refs/heads/main")).jobs[0].permissions
    writing = only(f"on: push\npermissions: write-all\n{JOB}", push("refs/heads/main")).jobs[0].permissions
    assert ("id-token" in reading, reading["contents"], reading["models"]) == (False, "read", "read")
    assert ("models" in writing, writing["id-token"]) == (False, "write")


@pytest.mark.parametrize(
    ("calling", "called", "message"),
    [
        (
            CALLING.replace(", id-token: write", ""),
            CALLED,
            f"{A} (Line: 4, Col: 3): Error calling workflow './.github/workflows/deploy.yml'. The nested job 'plan' is "
            "requesting 'id-token: write', but is only allowed 'id-token: none'.",
        ),
        (
            CALLING.replace("to: '${{ vars.TO }}', ", ""),
            CALLED,
            "Input to is required, but not provided while calling.",
        ),
        (
            CALLING.replace("plan: false", "dry: false"),
            CALLED,
            "Invalid input, dry is not defined in the referenced workflow.",
        ),
        (CALLING.replace("plan: false", "plan: maybe"), CALLED, "Unexpected value 'maybe'"),
        (
            CALLING.replace("with:", "secrets: {LOCK: a}\n    with:"),
            CALLED,
            "Invalid secret, LOCK is not defined in the referenced workflow.",
        ),
        (
            CALLING,
            CALLED.replace("required: false", "required: true"),
            "Secret KEY is required, but not provided while calling.",
        ),
        (CALLING.replace("deploy.yml", "gone.yml"), CALLED, "workflow was not found."),
        (
            CALLING,
            CALLED.replace("workflow_call:", "push:").replace("    inputs", "x:\n    inputs"),
            "Unexpected value",
        ),
        (CALLING, f"on: push\n{JOB}", "workflow is not reusable as it is missing a `on.workflow_call` trigger"),
        (CALLING.replace("./", "o/r/").replace("yml", "yml@v1"), CALLED, "workflows of the same repository only"),
        (
            CALLING,
            "on: workflow_call\njobs: {a: {uses: ./.github/workflows/deploy.yml}}",
            "Invalid input, to is not defined in the referenced workflow.",
        ),
        ("on: push\n jobs: 1", CALLED, "You have an error in your yaml syntax on line 2"),
        ("on: push\njobs: {a: {runs-on: x, strategy: '${{ fromJSON('''') }}'}}", CALLED, "empty input"),
        (
            "on: push\njobs: {a: {runs-on: x, strategy: {matrix: '${{ fromJSON(''{}'') }}'}}}",
            CALLED,
            "Error when evaluating 'strategy' for job 'a'. Matrix must define at least one vector",
        ),
    ],
)
def test_a_run_that_cannot_start_says_why(calling: str, called: str, message: str) -> None:
    run = only(calling, push("refs/heads/main"), deploy=called)
    assert run.error.startswith("The workflow is not valid. ")
    assert message in run.error
    assert run.jobs == ()


def test_calls_have_ten_levels() -> None:
    calls = {f"w{n}": f"on: workflow_call\njobs: {{a: {{uses: ./.github/workflows/w{n + 1}.yml}}}}" for n in range(20)}
    start = "on: push\njobs: {a: {uses: ./.github/workflows/w%d.yml}}"
    calls["w10"] = f"on: workflow_call\n{JOB}"
    assert only(start % 2, push("refs/heads/main"), None, **calls).running() == [" / ".join("a" * 10)]
    assert (
        "Nested reusable workflow depth exceeded 10." in only(start % 1, push("refs/heads/main"), None, **calls).error
    )


DISPATCH = """
on:
  workflow_dispatch:
    inputs:
      to: {type: choice, options: [Development, UAT], required: true}
      dry: {type: boolean, default: true}
      count: {type: number, default: 2}
      note:
concurrency: ${{ inputs.to }}
jobs: {a: {runs-on: x, environment: '${{ inputs.to }}', if: 'inputs.dry != true || inputs.count > 1'}}
"""


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ({"to": "UAT"}, {"to": "UAT", "dry": True, "count": 2, "note": ""}),
        (
            {"to": "UAT", "dry": "false", "count": "3", "note": "a"},
            {"to": "UAT", "dry": False, "count": 3, "note": "a"},
        ),
        ({"to": "UAT", "dry": False, "count": 3}, {"to": "UAT", "dry": False, "count": 3, "note": ""}),
    ],
)
def test_inputs_of_a_start_by_hand_have_their_types(given: dict[str, Any], inputs: dict[str, Any]) -> None:
    run = only(DISPATCH, dispatch(A, "refs/heads/main", given))
    assert run.jobs[0].inputs == inputs
    assert (run.jobs[0].environment, run.concurrency) == ("UAT", Concurrency("UAT"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Required input 'to' not provided"),
        ({"to": "Moon"}, "Provided value 'Moon' for input 'to' not in the list of allowed values"),
        ({"to": "UAT", "dry": "maybe"}, "Provided value 'maybe' for input 'dry' not in the list of allowed values"),
        ({"to": "UAT", "a": 1, "b": 2}, 'Unexpected inputs provided: ["a", "b"]'),
        ({"to": "UAT", "count": "many"}, "Provided value 'many' for input 'count' is not a number"),
    ],
)
def test_other_inputs_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        started({A: DISPATCH}, dispatch(A, "refs/heads/main", given))
    assert str(refused.value) == message
