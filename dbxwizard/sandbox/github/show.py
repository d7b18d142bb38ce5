"""GitHub's part of `sandbox show`: no times, no numbers that count, and no commit SHA, which has the time in it."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github import access, pull_state
from dbxwizard.sandbox.github.environments import NO_RULES, key
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.github.values import holder
from dbxwizard.sandbox.store import Document, Store


def show(store: Store) -> dict[str, list[Any]]:
    return {"repositories": [_repository(store, body) for body in store.all("github.repository")]}


def _repository(store: Store, body: Document) -> dict[str, Any]:
    objects = GitObjects(store, body["id"])
    return {
        "full_name": access.full_name(body),
        "id": body["id"],
        "private": body["private"],
        "plan": access.account(store, body["owner"])["plan"],
        "default_branch": body["defaultBranch"],
        "oidc": body["oidc"],
        "branches": _branches(objects),
        "tags": sorted(name.removeprefix("refs/tags/") for name in objects.refs("refs/tags/")),
        **_values(store, body, ""),
        "environments": [_environment(store, body, each) for each in store.all("github.environment", key(body, ""))],
        "rulesets": sorted(
            ({name: each[name] for name in ("name", "target", "enforcement", "conditions", "rules", "bypass_actors")}
             for each in store.all("github.ruleset", key(body, ""))),
            key=lambda ruleset: str(ruleset["name"]),
        ),
        "issues": [_issue(store, body, each) for each in store.all("github.issue", key(body, ""))],
        "pull_requests": [_pull(each) for each in store.all("github.pull", key(body, "")) if each["state"] == "open"],
    }  # fmt: skip


def _branches(objects: GitObjects) -> list[dict[str, Any]]:
    heads = {name: objects.commit(sha) for name, sha in objects.refs("refs/heads/").items()}
    return [
        {
            "name": name.removeprefix("refs/heads/"),
            "tree": head.tree,
            "messages": [commit.message for commit in objects.history(head.sha)],
            "files": {path: f"{entry.mode} {entry.sha}" for path, entry in sorted(objects.files(head.tree).items())},
        }
        for name, head in heads.items()
    ]


def _values(store: Store, body: Document, environment: str) -> dict[str, Any]:
    """Variables with their values; of secrets only the names."""
    owner = holder(body["id"], environment)
    return {
        "variables": {each["name"]: each["value"] for each in store.all("github.variable", owner)},
        "secrets": [each["name"] for each in store.all("github.secret", owner)],
    }


def _environment(store: Store, body: Document, found: Document) -> dict[str, Any]:
    rules = {name: found[name] for name in NO_RULES if name != "policies"}
    policies = sorted(f"{each['type']} {each['name']}" for each in found["policies"])
    return {"name": found["name"], **rules, "branch_policies": policies, **_values(store, body, found["name"])}


def _pull(pull: Document) -> dict[str, Any]:
    return {name: pull[name] for name in ("title", "body", "head", "base", "draft")}


def _issue(store: Store, body: Document, issue: Document) -> dict[str, Any]:
    comments = store.all("github.comment", f"{pull_state.key(body, issue['number'])}/")
    shown = {name: issue[name] for name in ("title", "body", "state", "labels", "author")}
    return {**shown, "comments": [each["body"] for each in comments]}
