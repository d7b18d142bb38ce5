"""Every file for every set of choices: what the field's checkers say, and what they don't look at."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbxwizard import bundled
from dbxwizard.backend.workflows.files import REQUIREMENTS, Choices, rendered
from tests.driving import dbxwizard
from tests.workflows.conftest import ALL_CHOICES, INSTALL, named

TOOLS = Path(sys.executable).parent
ACTIONS = {
    "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1",
    "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97",
}
# What a job may beyond reading the code.
RIGHTS = {"actions", "deployments", "id-token", "issues", "pull-requests"}


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A repository for each set of choices; the checkers look for the .git."""
    found = []
    for choices in ALL_CHOICES:
        root = tmp_path_factory.mktemp(named(choices))
        (root / ".git").mkdir()
        for path, text in rendered(choices, INSTALL).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        found.append(root)
    return tuple(found)


def check(*command: str | Path, cwd: Path | None = None) -> None:
    program, *arguments = map(str, command)
    done = subprocess.run(
        [str(TOOLS / program), *arguments], capture_output=True, text=True, check=False, cwd=cwd, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing(repositories: tuple[Path, ...]) -> None:
    check("zizmor", "--offline", "--persona=auditor", "--no-progress", "--no-config", *repositories)


def test_actionlint_finds_nothing(repositories: tuple[Path, ...]) -> None:
    """shellcheck and pyflakes are left out: whether they run depends on what else the machine has."""
    for root in repositories:
        check("actionlint", "-shellcheck=", "-pyflakes=", cwd=root)


def test_the_schema_finds_nothing(repositories: tuple[Path, ...]) -> None:
    files = [file for root in repositories for file in sorted(root.glob(".github/workflows/*.yml"))]
    assert len(files) == len(ALL_CHOICES) * len(bundled.WORKFLOWS)
    check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)


def test_the_checkers_see_what_is_wrong(repositories: tuple[Path, ...], tmp_path: Path) -> None:
    """They would pass anything that they don't find."""
    wrong = tmp_path / ".github" / "workflows" / "wrong.yml"
    wrong.parent.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    wrong.write_text(
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n"
        "      - run: echo ${{ github.head_ref }}\n        nonsense: 1\n"
    )
    for command in (
        ("zizmor", "--offline", tmp_path),
        ("actionlint", wrong),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", wrong),
    ):
        with pytest.raises(AssertionError):
            check(*command, cwd=tmp_path)


def steps(workflows: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for workflow in workflows.values():
        for job in workflow["jobs"].values():
            yield from job.get("steps", ())


def test_no_script_holds_an_expression(workflows: Mapping[str, Any]) -> None:
    scripts = [step["run"] for step in steps(workflows) if "run" in step]
    assert len(scripts) > 8
    assert not [script for script in scripts if "${{" in script]


def test_only_the_known_commits_of_known_actions_run(workflows: Mapping[str, Any]) -> None:
    assert {step["uses"] for step in steps(workflows) if "uses" in step} == ACTIONS
    for step in steps(workflows):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_rights_are_given_to_single_jobs(choices: Choices, workflows: Mapping[str, Any]) -> None:
    for workflow in workflows.values():
        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            rights = job["permissions"]
            assert set(rights) <= RIGHTS | {"contents"}
            assert rights.get("contents", "read") == "read"
            signs_in = "uses" in job or any("ARM_CLIENT_ID" in step.get("env", {}) for step in job["steps"])
            assert ("id-token" in rights) is (signs_in and choices.auth == "federated")


def test_a_deployment_waits_and_is_never_dropped(choices: Choices, workflows: Mapping[str, Any]) -> None:
    job = workflows["deploy.yml"]["jobs"]["deploy"]
    queue = {} if choices.server else {"queue": "max"}
    group = "${{ inputs.what_if && 'plan' || 'deploy' }}-${{ inputs.environment }}"
    assert job["concurrency"] == {"group": group, "cancel-in-progress": False, **queue}
    for name, workflow in workflows.items():
        cancels = workflow.get("concurrency", {}).get("cancel-in-progress", False)
        assert cancels is (name == "checks.yml")


def test_secrets_have_the_names_of_the_accelerator(choices: Choices, workflows: Mapping[str, Any]) -> None:
    deploy = next(step for step in steps(workflows) if step.get("name") == "Deploy")
    secrets = {name for name, value in deploy["env"].items() if "secrets." in value}
    theirs = {"AZURE_CREDENTIALS", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID"}
    assert secrets == {"PAT_GITHUB", *(theirs if choices.auth == "secret" else ())}


def test_every_requirement_is_pinned_by_hash_and_no_registry_is_named() -> None:
    text = rendered(Choices(), INSTALL)[REQUIREMENTS]
    entries = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    assert len(entries) > 60
    assert all("==" in entry for entry in entries)
    assert text.count("==") - text.count("python") <= text.count("--hash=sha256:")
    assert "://" not in text


def test_the_requirements_are_those_of_the_dependencies_as_they_are_developed_with() -> None:
    """`make lock` makes both."""
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    names = {re.split("[>=<]", one)[0].lower() for one in project["project"]["dependencies"]}
    shipped = pinned((root / "workflows" / "requirements.txt").read_text("utf-8"))
    assert names <= {one.partition("==")[0] for one in shipped}
    assert shipped <= pinned((root / "requirements-dev.lock").read_text("utf-8"))


def pinned(locked: str) -> set[str]:
    return {found[0] for found in re.finditer(r"^[a-z0-9][\w.-]*==[\w.]+", locked, re.MULTILINE)}


def test_the_checks_of_a_new_project_pass(tmp_path: Path) -> None:
    """Lint and tests as checks.yml runs them, on what init writes."""
    assert dbxwizard("init", cwd=tmp_path).returncode == 0
    workflow = yaml.safe_load((tmp_path / ".github" / "workflows" / "checks.yml").read_text("utf-8"))
    ours = {"Lint", "Test"}
    ran = []
    for step in workflow["jobs"]["code"]["steps"]:
        if step["name"] in ours:
            words = step["run"].split()
            assert words[0] == "python"
            folder = tmp_path / step.get("working-directory", ".")
            done = subprocess.run([sys.executable, *words[1:]], cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            ran.append(step["name"])
    assert set(ran) == ours
