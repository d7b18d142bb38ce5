"""How GitHub shows deployments and their statuses: docs.github.com/rest/deployments."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github import access, views
from dbxwizard.sandbox.github.objects import utc
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document

# docs.github.com/rest/apps/apps#get-an-app, for github.com/apps/github-actions: what jobs bring carries its name.
APP_ID = 15368


def actions_app(call: Call) -> dict[str, Any]:
    """The app as which GitHub Actions acts."""
    root = call.url("github")
    owner = {"login": "github", "id": 9919, "node_id": views.node_id("Organization", 9919), "type": "Organization"}
    return {
        "id": APP_ID,
        "slug": "github-actions",
        "node_id": views.node_id("App", APP_ID),
        "owner": {**owner, "url": f"{views.base(call)}/orgs/github", "html_url": f"{root}/github"},
        "name": "GitHub Actions",
        "description": "Automate your workflow from idea to production",
        "external_url": "https://help.github.com/en/actions",
        "html_url": f"{root}/apps/github-actions",
        "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2024-04-10T20:33:16Z",
        "permissions": {"actions": "write", "checks": "write", "contents": "write", "deployments": "write"},
        "events": ["check_run", "check_suite", "workflow_run"],
    }


def shown_deployment(call: Call, repository: Document, deployment: Document) -> dict[str, Any]:
    api = views.api(call, repository)
    url = f"{api}/deployments/{deployment['id']}"
    return {
        "url": url,
        "id": deployment["id"],
        "node_id": views.node_id("Deployment", deployment["id"]),
        "sha": deployment["sha"],
        "ref": deployment["ref"],
        "task": deployment["task"],
        "payload": deployment["payload"],
        "original_environment": deployment["environment"],
        "environment": deployment["environment"],
        "description": deployment["description"],
        "creator": views.account(call, access.account(call.store, deployment["creator"])),
        "created_at": utc(deployment["createdAt"]),
        "updated_at": utc(deployment["updatedAt"]),
        "statuses_url": f"{url}/statuses",
        "repository_url": api,
        "transient_environment": deployment["transient"],
        "production_environment": deployment["production"],
        "performed_via_github_app": actions_app(call) if deployment["job"] else None,
    }


def shown_status(call: Call, repository: Document, deployment: Document, status: Document) -> dict[str, Any]:
    api = views.api(call, repository)
    url = f"{api}/deployments/{deployment['id']}"
    return {
        "url": f"{url}/statuses/{status['id']}",
        "id": status["id"],
        "node_id": views.node_id("DeploymentStatus", status["id"]),
        "state": status["state"],
        "creator": views.account(call, access.account(call.store, status["creator"])),
        "description": status["description"],
        "environment": status["environment"],
        "target_url": status["logUrl"],
        "created_at": utc(status["createdAt"]),
        "updated_at": utc(status["createdAt"]),
        "deployment_url": url,
        "repository_url": api,
        "environment_url": status["environmentUrl"],
        "log_url": status["logUrl"],
        "performed_via_github_app": actions_app(call) if deployment["job"] else None,
    }
