"""Workflow files: what is read, and what is refused in GitHub's words.

The words are those of github.com/actions/languageservices (workflow-parser/testdata/reader). Those marked * are not
published there.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.sandbox.actions.workflows.model import Concurrency, Environment, Input, Schedule
from dbxwizard.sandbox.actions.workflows.problems import WorkflowError
from dbxwizard.sandbox.actions.workflows.reading import read_workflow
from dbxwizard.sandbox.actions.workflows.yaml12 import YamlError, read_yaml

FILE = """\
name: Deploy
run-name: Deploy to ${{ inputs.to }}
on:
  push:
    branches: [main, 'release/**']
    paths-ignore: docs/**
  pull_request:
    types: closed
  schedule:
    - cron: '5 4 * * *'
    - cron: '5 4 * * 1'
      timezone: Europe/Berlin
  workflow_dispatch:
    inputs:
      to:
        type: choice
        options: [Development, UAT]
        default: UAT
      force: {type: boolean, required: true}
      nothing:
  workflow_call:
    inputs:
      to: {type: string, required: true}
    secrets:
      KEY: {required: true}
    outputs:
      url: {value: '${{ jobs.deploy.outputs.url }}'}
permissions: {contents: read}
env:
  NUMBER: 012
  ON: on
concurrency:
  group: ${{ github.workflow }}
  queue: max
defaults:
  run: {shell: bash, working-directory: work}
jobs:
  deploy:
    name: Deploy ${{ matrix.size }}
    runs-on: [self-hosted, linux]
    if: github.ref != 'refs/heads/x'
    strategy:
      fail-fast: false
      matrix:
        size: [1, 2]
    environment: {name: '${{ inputs.to }}', url: 'https://example.com'}
    permissions: {id-token: write}
    timeout-minutes: 10
    outputs: {url: '${{ steps.go.outputs.url }}'}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
        with: {fetch-depth: 0}
      - id: go
        name: Go
        if: ${{ !cancelled() }}
        run: |
          echo one
          echo two
        env: {TO: '${{ inputs.to }}'}
        continue-on-error: true
        shell: python
  after:
    needs: deploy
    uses: ./.github/workflows/other.yml
    with: {count: 3, text: '${{ needs.deploy.outputs.url }}'}
    secrets: inherit
"""


def test_reads_all_that_a_file_says() -> None:
    workflow = read_workflow(".github/workflows/deploy.yml", FILE)
    assert (workflow.name, workflow.run_name) == ("Deploy", "Deploy to ${{ inputs.to }}")
    assert workflow.env == {"NUMBER": "12", "ON": "on"}
    assert workflow.concurrency == Concurrency("${{ github.workflow }}", queue="max")
    assert workflow.permissions == {"contents": "read"}
    assert (workflow.defaults.shell, workflow.defaults.working_directory) == ("bash", "work")
    triggers = workflow.triggers
    assert triggers["push"].filters == {"branches": ("main", "release/**"), "paths-ignore": ("docs/**",)}
    assert triggers["pull_request"].types == ("closed",)
    assert triggers["schedule"].schedules == (Schedule("5 4 * * *"), Schedule("5 4 * * 1", "Europe/Berlin"))
    assert triggers["workflow_dispatch"].inputs == {
        "to": Input("choice", default="UAT", options=("Development", "UAT")),
        "force": Input("boolean", is_required=True),
        "nothing": Input(),
    }
    assert triggers["workflow_call"].secrets == {"KEY": True}
    assert triggers["workflow_call"].outputs == {"url": "${{ jobs.deploy.outputs.url }}"}


def test_reads_jobs_and_steps() -> None:
    jobs = read_workflow(".github/workflows/deploy.yml", FILE).jobs
    deploy, after = jobs["deploy"], jobs["after"]
    assert deploy.runs_on == ["self-hosted", "linux"]
    assert deploy.environment == Environment("${{ inputs.to }}", "https://example.com")
    assert deploy.strategy == {"fail-fast": False, "matrix": {"size": [1, 2]}}
    assert (deploy.condition, deploy.timeout_minutes) == ("github.ref != 'refs/heads/x'", 10)
    first, second = deploy.steps
    assert (first.number, first.inputs) == (1, {"fetch-depth": "0"})
    assert first.uses.startswith("actions/checkout@")
    assert (second.id, second.run, second.shell) == ("go", "echo one\necho two\n", "python")
    assert (second.env, second.continue_on_error) == ({"TO": "${{ inputs.to }}"}, True)
    assert (after.needs, after.secrets) == (("deploy",), "inherit")
    assert after.inputs == {"count": 3, "text": "${{ needs.deploy.outputs.url }}"}


@pytest.mark.parametrize(
    ("text", "events"),
    [("push", ["push"]), ("[push, pull_request]", ["push", "pull_request"]), ("{push: , fork: }", ["push", "fork"])],
)
def test_events_have_three_forms(text: str, events: list[str]) -> None:
    workflow = read_workflow("a.yml", f"on: {text}\njobs: {{a: {{runs-on: x, steps: [run: x]}}}}")
    assert list(workflow.triggers) == events
    assert workflow.name == "a.yml"


# YAML 1.2, core schema: yaml.org/spec/1.2.0/#id2604037.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("yes", "yes"), ("Off", "Off"), ("n", "n"), ("true", True), ("TRUE", True), ("tRue", "tRue"),
        ("null", None), ("~", None), ("Null", None), ("0755", 755), ("0o10", 8), ("0xFF", 255), ("+12", 12),
        ("12_345", "12_345"), ("1:30", "1:30"), ("1.", 1), (".5", 0.5), ("-1.2e-2", -0.012), (".inf", math.inf),
        ("-.INF", -math.inf), ("2001-12-14", "2001-12-14"), ("'1'", "1"), ('"true"', "true"), ("!!str 1", "1"),
        ("!!int 0x10", 16), ("!!float 1", 1), ("!!bool FALSE", False), ("!!null", None), ("=", "="), ("<<", "<<"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    [(_, node)] = read_yaml(f"key: {text}").entries()
    assert node.value == value
    assert type(node.value) is type(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)


LAUGHS = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in pairwise("abcdefgh")
)


def test_an_alias_is_what_its_anchor_is() -> None:
    assert read_yaml("a: &x {b: 1}\nc: *x").plain() == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "You have an error in your yaml syntax on line 1"),
        ("a: 1\n b: 2", "You have an error in your yaml syntax on line 2"),
        ("a: *b", "You have an error in your yaml syntax on line 1"),
        ("a: 1\n---\nb: 1", "You have an error in your yaml syntax on line 2"),
        ("a: \x00", "You have an error in your yaml syntax on line 1"),
        ("a: !!timestamp 2022-10-26", "Unexpected tag 'tag:yaml.org,2002:timestamp'"),
        ("a: !own {}", "Unexpected tag '!own'"),
        ("a: !!int test", "The value 'test' on line 1 and column 4 is invalid for the type 'tag:yaml.org,2002:int'"),
        (
            'a: !!int "300"',
            "The scalar style 'DoubleQuoted' on line 1 and column 4 is not valid with the tag 'tag:yaml.org,2002:int'",
        ),
        ("[" * 60 + "]" * 60, "Maximum object depth exceeded"),
        ("[" * 5000, "Maximum object depth exceeded"),
        (LAUGHS, "Maximum object size exceeded"),
        ("a: &a [*a]", "Maximum object depth exceeded"),
        ("#" * (1024 * 1024 + 1), "The maximum file size of 1048576 characters has been exceeded"),
    ],
)  # fmt: skip
def test_what_is_no_yaml_is_told(text: str, message: str) -> None:
    with pytest.raises(YamlError) as refused:
        read_yaml(text)
    assert str(refused.value) == message


# A file, and (line, column, message) of all that it is refused for.

JOB = "jobs:\n  a:\n    runs-on: x\n"
REFUSED: list[tuple[str, list[tuple[int, int, str]]]] = [
    ("", [(1, 1, "Unexpected value ''")]),
    ("on: push", [(1, 1, "Required property is missing: jobs")]),
    ("jobs: {a: {runs-on: x}}", [(1, 1, "Required property is missing: on")]),
    ("on: push\njobs: {}", [(2, 7, "The workflow must contain at least one job with no dependencies.")]),
    ("on: pusch\n" + JOB, [(1, 5, "Unexpected value 'pusch'")]),
    ("on: {pull_request: {types: [merged]}}\n" + JOB, [(1, 29, "Unexpected value 'merged'")]),
    ("on: push\nname: [a]\n" + JOB, [(2, 7, "A sequence was not expected")]),
    ("on: push\nnames: a\n" + JOB, [(2, 1, "Unexpected value 'names'")]),
    ("on: push\nname: ${{ github.ref }}\n" + JOB, [(2, 7, "A template expression is not allowed in this context")]),
    ("on: push\nenv: {A: '${{ env.B }}'}\n" + JOB,
     [(2, 10, "Unrecognized named-value: 'env'. Located at position 1 within expression: env.B")]),
    ("on: push\npermissions: {contents: admin}\n" + JOB, [(2, 25, "Unexpected value 'admin'")]),
    ("on: push\npermissions: {id-token: read}\n" + JOB, [(2, 25, "Unexpected value 'read'")]),
    ("on: push\nconcurrency: {cancel-in-progress: true}\n" + JOB, [(2, 14, "Required property is missing: group")]),
    ("on: push\nconcurrency: {group: a, queue: min}\n" + JOB, [(2, 32, "Unexpected value 'min'")]),
    ("on: push\n" + JOB + "    runs-on: y\n", [(5, 5, "'runs-on' is already defined")]),
    ("on: push\n" + JOB + "  A:\n    runs-on: y\n", [(5, 3, "'A' is already defined")]),
    ("on: push\n" + JOB + "    uses: ./.github/workflows/b.yml\n", [(5, 5, "Unexpected value 'uses'")]),
    ("on: push\njobs:\n  a:\n    steps: []\n", [(4, 5, "Required property is missing: runs-on")]),
    ("on: push\njobs:\n  1a: {runs-on: x}\n",
     [(3, 3, "The identifier '1a' is invalid. IDs may only contain alphanumeric characters, '_', and '-'. "
      "IDs must start with a letter or '_' and and must be less than 100 characters.")]),
    ("on: push\njobs:\n  __a: {runs-on: x}\n",
     [(3, 3, "The identifier '__a' is invalid. IDs starting with '__' are reserved.")]),
    ("on: push\n" + JOB + "    needs: b\n  c:\n    runs-on: x\n", [(5, 12, "Job 'a' depends on unknown job 'b'.")]),
    ("on: push\n" + JOB + "    needs: b\n  b:\n    runs-on: x\n    needs: a\n",
     [(3, 3, "The workflow must contain at least one job with no dependencies.")]),
    ("on: push\n" + JOB + "  b: {runs-on: x, needs: [c, a]}\n  c: {runs-on: x, needs: b}\n",
     [(5, 27, "Job 'b' depends on job 'c' which creates a cycle in the dependency graph."),
      (6, 26, "Job 'c' depends on job 'b' which creates a cycle in the dependency graph.")]),
    ("on: push\n" + JOB + "    if: ${{ secrets.A }}\n",
     [(5, 9, "Unrecognized named-value: 'secrets'. Located at position 1 within expression: secrets.A")]),
    ("on: push\n" + JOB + "    if: matrix.a\n",
     [(5, 9, "Unrecognized named-value: 'matrix'. Located at position 1 within expression: matrix.a")]),
    ("on: push\n" + JOB + "    if: hashFiles('a')\n",
     [(5, 9, "Unrecognized function: 'hashFiles'. Located at position 1 within expression: hashFiles('a')")]),
    ("on: push\n" + JOB + "    timeout-minutes: soon\n", [(5, 22, "Unexpected value 'soon'")]),
    ("on: push\n" + JOB + "    timeout-minutes: 1${{ 2 }}\n", [(5, 22, "Unexpected value '1${{ 2 }}'")]),
    ("on: push\n" + JOB + "    strategy: {matrix: {os: []}}\n",
     [(5, 29, "Matrix vector 'os' does not contain any values")]),
    ("on: push\n" + JOB + "    strategy: {matrixx: {}}\n", [(5, 16, "Unexpected value 'matrixx'")]),
    ("on: push\n" + JOB + "    container: alpine\n", [(5, 16, "The sandbox does not play this key of GitHub's")]),
    ("on: push\n" + JOB + "    steps:\n      run: x\n", [(6, 7, "A mapping was not expected")]),
    ("on: push\n" + JOB + "    steps:\n      - runn: x\n",
     [(6, 9, "Unexpected value 'runn'"), (6, 9, "There's not enough info to determine what you meant. Add one of "
      "these properties: run, shell, uses, with, working-directory")]),
    ("on: push\n" + JOB + "    steps:\n      - shell: x\n", [(6, 9, "Required property is missing: run")]),
    ("on: push\n" + JOB + "    steps:\n      - with: {}\n", [(6, 9, "Required property is missing: uses")]),
    ("on: push\n" + JOB + "    steps:\n      - run: x\n        uses: y\n", [(7, 9, "Unexpected value 'uses'")]),
    ("on: push\n" + JOB + "    steps:\n      - run: ${{ a }}\n",
     [(6, 14, "Unrecognized named-value: 'a'. Located at position 1 within expression: a")]),
    ("on: push\n" + JOB + "    steps:\n      - run: ${{\n", [(6, 14, "The expression is not closed. An unescaped ${{ "
     "sequence was found, but the closing }} sequence was not found.")]),
    ("on: push\n" + JOB + "    steps:\n      - run: ${{ github.ref }}" + "x" * 21_000,
     [(6, 14, "Exceeded max expression length 21000")]),
    ("on: push\n" + JOB + "    steps:\n      - {run: x, id: a}\n      - {run: x, id: A}\n",
     [(7, 22, "The identifier 'A' may not be used more than once within the same scope.")]),
    ("on: push\n" + JOB + "    steps:\n      - uses: checkout@v1\n",
     [(6, 15, "Expected format {org}/{repo}[/path]@ref. Actual 'checkout@v1'")]),
    ("on: push\njobs:\n  a:\n    uses: b.yml\n", [(4, 11, "invalid value workflow reference: b.yml")]),  # *
    ("on: push\njobs:\n  a:\n    uses: ./.github/workflows/b.yml\n    secrets: all\n",
     [(5, 14, "Unexpected value 'all'")]),
    ("on:\n  push:\n    branches: a\n    branches-ignore: b\n" + JOB,
     [(3, 5, "you may only define one of `branches` and `branches-ignore` for a single event")]),  # *
    ("on: push\n" + JOB + "    concurrency: {group: g, queue: max, cancel-in-progress: true}\n",
     [(5, 18, "`queue: max` can't be combined with `cancel-in-progress: true`")]),
    ("on:\n  schedule:\n    - cron: '@daily'\n" + JOB,
     [(3, 13, "Invalid cron expression. Expected format: '* * * * *' (minute hour day month weekday)")]),  # *
    ("on:\n  workflow_call:\n    inputs:\n      a: {required: true}\n" + JOB,
     [(4, 10, "Required property is missing: type")]),
    ("on:\n  workflow_call:\n    outputs:\n      a: {description: x}\n" + JOB,
     [(4, 10, "Required property is missing: value")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problems"), REFUSED)
def test_refuses_in_githubs_words(text: str, problems: list[tuple[int, int, str]]) -> None:
    with pytest.raises(WorkflowError) as refused:
        read_workflow(".github/workflows/a.yml", text)
    assert [(each.line, each.column, each.message) for each in refused.value.problems] == problems


def test_a_refusal_names_the_file_and_the_place() -> None:
    with pytest.raises(WorkflowError) as refused:
        read_workflow(".github/workflows/a.yml", "on: push")
    assert str(refused.value) == ".github/workflows/a.yml (Line: 1, Col: 1): Required property is missing: jobs"


@given(st.text(max_size=80))
def test_any_text_is_a_workflow_or_refused(text: str) -> None:
    with pytest.raises(WorkflowError):
        read_workflow("a.yml", text)


@given(st.data())
def test_any_change_of_one_line_is_read_or_refused(data: st.DataObject) -> None:
    lines = FILE.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = data.draw(st.text(alphabet=" abc:-[]{}'\"$!&*#|>,\t1", max_size=20))
    try:
        read_workflow("a.yml", "\n".join(lines))
    except WorkflowError as error:
        assert error.problems  # noqa: PT017 - either way is right
