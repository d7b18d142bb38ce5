"""How GitHub shows runs and jobs: docs.github.com/rest/actions/workflow-runs and /workflow-jobs."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github import access, views
from dbxwizard.sandbox.github.actions import number_of
from dbxwizard.sandbox.github.objects import GitObjects, utc
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document


def shown_run(call: Call, repository: Document, run: Document) -> dict[str, Any]:
    url = f"{views.api(call, repository)}/actions/runs/{run['id']}"
    event, actor = run["event"], views.account(call, access.account(call.store, run["actor"]))
    head_sha, pull = records.head_sha(run), event["payload"].get("pull_request")
    commit = GitObjects(call.store, repository["id"]).commit(head_sha)
    branch = event["head"] or event["ref"].removeprefix("refs/heads/").removeprefix("refs/tags/")
    workflow = number_of(repository, run["path"])
    people = {"author": commit.author, "committer": commit.committer}
    return {
        "id": run["id"],
        "name": run["name"],
        "node_id": views.node_id("WorkflowRun", run["id"]),
        "head_branch": branch,
        "head_sha": head_sha,
        "path": run["path"],
        "display_title": run["title"],
        "run_number": run["number"],
        "run_attempt": 1,
        "event": event["name"],
        "status": run["status"],
        "conclusion": run["conclusion"],
        "workflow_id": workflow,
        "check_suite_id": run["id"],
        "check_suite_node_id": views.node_id("CheckSuite", run["id"]),
        "url": url,
        "html_url": f"{views.web(call, repository)}/actions/runs/{run['id']}",
        "pull_requests": [_pull_request(pull)] if pull and not event["is_from_fork"] else [],
        "created_at": utc(run["createdAt"]),
        "updated_at": utc(run["updatedAt"]),
        "run_started_at": utc(run["startedAt"]),
        "actor": actor,
        "triggering_actor": actor,
        "referenced_workflows": [],
        "previous_attempt_url": None,
        **{f"{name}_url": f"{url}/{name}" for name in ("jobs", "logs", "artifacts", "cancel", "rerun")},
        "check_suite_url": f"{views.api(call, repository)}/check-suites/{run['id']}",
        "workflow_url": f"{views.api(call, repository)}/actions/workflows/{workflow}",
        "head_commit": {
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": utc(commit.author.at),
            **{name: {"name": one.name, "email": one.email} for name, one in people.items()},
        },
        "repository": views.repository(call, repository),
        "head_repository": _head_repository(call, repository, pull),
    }


def _pull_request(pull: Document) -> Document:
    """The short form of a pull request; those of forks are not named."""
    sides = {
        side: {
            "ref": pull[side]["ref"],
            "sha": pull[side]["sha"],
            "repo": {name: pull[side]["repo"][name] for name in ("id", "url", "name")},
        }
        for side in ("head", "base")
    }
    return {"id": pull["id"], "number": pull["number"], "url": pull["url"], **sides}


def _head_repository(call: Call, repository: Document, pull: Document | None) -> Document:
    source = pull["head"]["repo"] if pull else None
    found = access.repository_by_id(call.store, source["id"]) if source else None
    return views.repository(call, found or repository)


def shown_job(call: Call, repository: Document, run: Document, job: Document) -> dict[str, Any]:
    api = views.api(call, repository)
    return {
        "id": job["id"],
        "run_id": run["id"],
        "workflow_name": run["name"],
        "head_branch": run["event"]["head"] or run["event"]["ref"].rpartition("/")[2],
        "run_url": f"{api}/actions/runs/{run['id']}",
        "run_attempt": 1,
        "node_id": views.node_id("CheckRun", job["id"]),
        "head_sha": records.head_sha(run),
        "url": f"{api}/actions/jobs/{job['id']}",
        "html_url": f"{views.web(call, repository)}/actions/runs/{run['id']}/job/{job['id']}",
        "status": job["status"],
        "conclusion": job["conclusion"],
        "created_at": utc(job["startedAt"]),
        "started_at": utc(job["startedAt"]),
        "completed_at": utc(job["completedAt"]) if job["completedAt"] else None,
        "name": job["name"],
        "steps": [_shown_step(step) for step in job["steps"]],
        "check_run_url": f"{api}/check-runs/{job['id']}",
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "sandbox",
        "runner_group_id": 0,
        "runner_group_name": "GitHub Actions",
    }


def _shown_step(step: Document) -> dict[str, Any]:
    return {
        "name": step["name"],
        "status": step["status"],
        "conclusion": step["conclusion"],
        "number": step["number"],
        "started_at": utc(step["startedAt"]),
        "completed_at": utc(step["completedAt"]) if step["completedAt"] else None,
    }
