"""Deployments and their statuses as they are kept: `github.deployment` under `REPOSITORY/INDEX`, and
`github.deployment-status` under `REPOSITORY/DEPLOYMENT/INDEX`. docs.github.com/rest/deployments.
"""

from __future__ import annotations

from dbxwizard.sandbox.github.runs.records import next_number
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document, Store


def all_deployments(store: Store, repository: int) -> list[Document]:
    """The newest first."""
    return store.all("github.deployment", f"{repository}/")[::-1]


def find_deployment(store: Store, repository: int, deployment_id: str) -> Document | None:
    found = store.get("_github.at", f"deployment/{repository}/{deployment_id}")
    return store.get("github.deployment", found["key"]) if found else None


def add_deployment(context: Context, repository: int, fields: Document) -> Document:
    """`fields`: sha, ref, task, environment, payload, description, creator, transient, production; `job` of a job's."""
    index = next_number(context.store, f"deployment/{repository}")
    made: Document = {
        "id": int(context.new_id("github.deployment", f"{repository}/{index}")[:8], 16),
        "index": index,
        "repository": repository,
        "job": None,
        "run": None,
        "state": "",
        **fields,
        "createdAt": context.now,
        "updatedAt": context.now,
    }
    key = f"{repository}/{index:08d}"
    context.store.put("github.deployment", key, made)
    context.store.put("_github.at", f"deployment/{repository}/{made['id']}", {"key": key})
    return made


def statuses(store: Store, deployment: Document) -> list[Document]:
    """The newest first."""
    return store.all("github.deployment-status", f"{deployment['repository']}/{deployment['id']}/")[::-1]


def add_status(context: Context, deployment: Document, fields: Document, *, ends_earlier: bool = True) -> Document:
    """`fields`: state, creator, and what else is said of it.

    A success makes earlier ones of the environment that stood inactive, where `ends_earlier` (`auto_inactive`).
    """
    index = next_number(context.store, f"deployment-status/{deployment['repository']}/{deployment['id']}")
    base = f"{deployment['repository']}/{deployment['id']}"
    made: Document = {
        "id": int(context.new_id("github.deployment-status", f"{base}/{index}")[:8], 16),
        "description": "",
        "environment": deployment["environment"],
        "environmentUrl": "",
        "logUrl": "",
        **fields,
        "createdAt": context.now,
    }
    context.store.put("github.deployment-status", f"{base}/{index:04d}", made)
    place = f"{deployment['repository']}/{deployment['index']:08d}"
    context.store.put("github.deployment", place, {**deployment, "state": made["state"], "updatedAt": context.now})
    if made["state"] == "success" and ends_earlier:
        _end_earlier(context, deployment, made)
    return made


def _end_earlier(context: Context, deployment: Document, success: Document) -> None:
    for earlier in all_deployments(context.store, deployment["repository"]):
        is_other = earlier["environment"] == deployment["environment"] and earlier["id"] != deployment["id"]
        if is_other and earlier["state"] == "success" and not earlier["transient"] and not earlier["production"]:
            last = statuses(context.store, earlier)[0]
            kept = {name: last[name] for name in ("environment", "environmentUrl", "logUrl")}
            add_status(context, earlier, {**kept, "state": "inactive", "creator": success["creator"]})


def delete_deployment(store: Store, deployment: Document) -> None:
    base = f"{deployment['repository']}/{deployment['id']}"
    for key, _ in store.find("github.deployment-status", base + "/"):
        store.delete("github.deployment-status", key)
    store.delete("github.deployment", f"{deployment['repository']}/{deployment['index']:08d}")
    store.delete("_github.at", f"deployment/{base}")
