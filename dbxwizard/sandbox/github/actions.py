"""Workflows: docs.github.com/rest/actions/workflows. Their runs are in `runs`."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from dbxwizard.sandbox.github import errors, views
from dbxwizard.sandbox.github.git_data import WORKFLOWS
from dbxwizard.sandbox.github.objects import GitObjects, utc
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import git, repository
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.http import Call, Response, Service
from dbxwizard.sandbox.store import Document

_NAME = re.compile(r"^name:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)


def register(service: Service) -> None:
    root, read = "/repos/{owner}/{repo}/actions", "actions:read"
    service.route("GET", root + "/workflows", action=read)(_list_workflows)
    service.route("GET", root + "/workflows/{workflow}", action=read)(_get_workflow)
    service.route("PUT", root + "/workflows/{workflow}/enable", action="actions:write")(_enable)
    service.route("PUT", root + "/workflows/{workflow}/disable", action="actions:write")(_disable)


def _workflows(call: Call) -> list[dict[str, Any]]:
    """The workflow files of the default branch: only there GitHub looks for them."""
    body, objects = git(call)
    head = objects.ref(f"refs/heads/{body['defaultBranch']}")
    if head is None:
        return []
    files = objects.files(objects.commit(head).tree)
    paths = [path for path in files if path.startswith(WORKFLOWS) and path.endswith((".yml", ".yaml"))]
    return [_workflow(call, body, objects, path, files[path].sha) for path in paths]


def _workflow(call: Call, body: Document, objects: GitObjects, path: str, sha: str) -> dict[str, Any]:
    number = number_of(body, path)
    named = _NAME.search(objects.blob(sha).decode("utf-8", "replace"))
    url = f"{views.api(call, body)}/actions/workflows/{number}"
    return {
        "id": number,
        "node_id": views.node_id("Workflow", number),
        "name": named.group(1) if named else path,
        "path": path,
        "state": "disabled_manually" if records.is_disabled(call.store, body, path) else "active",
        "created_at": utc(body["createdAt"]),
        "updated_at": utc(body["pushedAt"]),
        "url": url,
        "html_url": f"{views.web(call, body)}/blob/{body['defaultBranch']}/{path}",
        "badge_url": f"{views.web(call, body)}/actions/workflows/{path.rsplit('/', 1)[-1]}/badge.svg",
    }


def number_of(body: Document, path: str) -> int:
    """The number that stands for a workflow file as long as it keeps its path."""
    return int(hashlib.sha256(f"{body['id']}/{path}".encode()).hexdigest()[:7], 16)


def _list_workflows(call: Call) -> Response:
    return page(call, _workflows(call), wrap="workflows")


def find_workflow(call: Call) -> dict[str, Any]:
    """By its number or by the name of its file."""
    asked = call.params["workflow"]
    for workflow in _workflows(call):
        if asked in (str(workflow["id"]), workflow["path"].removeprefix(WORKFLOWS)):
            return workflow
    raise errors.not_found()


def _get_workflow(call: Call) -> Response:
    return Response(200, find_workflow(call))


def _enable(call: Call) -> Response:
    call.store.delete("github.disabled", _disabled_key(call))
    return Response(204)


def _disable(call: Call) -> Response:
    call.store.put("github.disabled", _disabled_key(call), {})
    return Response(204)


def _disabled_key(call: Call) -> str:
    return f"{repository(call)['id']}/{find_workflow(call)['path']}"
