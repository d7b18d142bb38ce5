"""Rulesets through the engine: made, left alone, and mended where they let through what they are there to bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from github.Repository import Repository

from dbxwizard.clients.github import GitHubClient
from dbxwizard.core.plan import Action
from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.store import Store
from dbxwizard.steps.github.rulesets import RulesetStep, checks_of

from .conftest import Apply, plan_of, reasons, writes

CHECKS = ("Code and parameters", "Plan")
OURS = ["deletion", "non_fast_forward", "pull_request", "required_status_checks"]


def shown(store: Store, name: str = "dbxwizard: main") -> Any:
    (repository,) = GitHubService().show(store)["repositories"]
    return next(each for each in repository["rulesets"] if each["name"] == name)


def rule(ruleset: Any, kind: str) -> Any:
    return next(each.get("parameters") for each in ruleset["rules"] if each["type"] == kind)


def change(store: Store, **fields: Any) -> None:
    with store.transaction():
        key, body = next(iter(store.find("github.ruleset")))
        store.put("github.ruleset", key, {**body, **fields})


async def test_a_ruleset_is_made_once(client: GitHubClient, store: Store, apply: Apply) -> None:
    step = RulesetStep(client, "main", CHECKS)
    (planned,) = (await plan_of(step)).steps
    assert planned.change.action is Action.CREATE
    assert f"rule {OURS[-1]}: absent → Code and parameters, Plan" in map(str, planned.change.reasons)
    await apply(step)
    made = shown(store)
    assert (made["enforcement"], [each["type"] for each in made["rules"]]) == ("active", OURS)
    assert made["conditions"]["ref_name"] == {"include": ["refs/heads/main"], "exclude": []}
    assert rule(made, "pull_request")["required_approving_review_count"] == 0
    assert rule(made, OURS[-1])[OURS[-1]] == [{"context": one, "integration_id": 15368} for one in CHECKS]
    before = writes(store)
    await apply(step)
    assert writes(store) == before


async def test_what_people_made_stricter_stays_and_nothing_is_written(
    client: GitHubClient, store: Store, apply: Apply
) -> None:
    step = RulesetStep(client, "main", CHECKS)
    await apply(step)
    made = shown(store)
    rules = [
        {**each, "parameters": {**each["parameters"], "required_approving_review_count": 2}}
        if each["type"] == "pull_request"
        else each
        for each in made["rules"]
    ]
    change(store, rules=[*rules, {"type": "creation"}])
    assert reasons(await plan_of(step)) == []
    change(store, enforcement="evaluate")
    assert reasons(await plan_of(step)) == ["enforcement: evaluate → active"]
    await apply(step)
    mended = shown(store)
    assert rule(mended, "pull_request")["required_approving_review_count"] == 2
    assert [each["type"] for each in mended["rules"]] == [*OURS, "creation"]


async def test_a_ruleset_of_another_name_stays_as_it_is(
    client: GitHubClient, repository: Repository, store: Store, apply: Apply
) -> None:
    theirs = {"name": "ours", "target": "branch", "enforcement": "active", "rules": [{"type": "deletion"}]}
    repository.requester.requestJsonAndCheck("POST", f"{repository.url}/rulesets", input=theirs)
    before = shown(store, "ours")
    await apply(RulesetStep(client, "main", CHECKS), RulesetStep(client, "release", CHECKS))
    assert shown(store, "ours") == before
    assert shown(store, "dbxwizard: release")["conditions"]["ref_name"]["include"] == ["refs/heads/release"]


async def test_a_plan_without_rulesets_is_one_clear_error(
    client: GitHubClient, change_repository: Any, on_plan: Any
) -> None:
    change_repository(private=True)
    on_plan("free")
    with pytest.raises(Exception, match="Upgrade to GitHub Pro") as caught:
        await plan_of(RulesetStep(client, "main", CHECKS))
    assert (caught.value.code, "--no-rulesets" in caught.value.fix) == ("github-no-rulesets", True)  # type: ignore[attr-defined]


def test_only_checks_that_run_are_asked_for(tmp_path: Path) -> None:
    """One that never reports would bar every pull request."""
    assert checks_of(tmp_path) == ()
    file = tmp_path / ".github" / "workflows" / "checks.yml"
    file.parent.mkdir(parents=True)
    file.write_text("name: Plan\njobs:\n  code:\n    name: Code and parameters\n    steps:\n      - name: Plan\n")
    assert checks_of(tmp_path) == ("Code and parameters",)
    file.write_text("jobs:\n  code:\n    name: Code and parameters\n  plan:\n    name: Plan\n")
    assert checks_of(tmp_path) == CHECKS


async def test_any_app_counts_where_github_actions_has_another_id(
    client: GitHubClient, store: Store, apply: Apply
) -> None:
    await apply(RulesetStep(client, "main", CHECKS[:1], integration=0))
    assert rule(shown(store), OURS[-1])[OURS[-1]] == [{"context": "Code and parameters"}]
