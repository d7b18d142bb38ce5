"""How GitHub shows runs and jobs: docs.github.com/rest/actions/workflow-runs and /workflow-jobs."""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github import access, views
from dbxwizard.sandbox.github.actions import number_of
from dbxwizard.sandbox.github.objects import GitObjects, utc
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document


def head_branch(run: Document) -> str:
    """The branch or the tag that a run belongs to; of a pull request its own branch."""
    event = run["event"]
    return str(event["head"] or event["ref"].removeprefix("refs/heads/").removeprefix("refs/tags/"))


def shown_run(call: Call, repository: Document, run: Document) -> dict[str, Any]:
    """`run` is the run, or an earlier attempt of it."""
    api = views.api(call, repository)
    url = f"{api}/actions/runs/{run['id']}"
    workflow = number_of(repository, run["path"])
    earlier = f"{url}/attempts/{run['attempt'] - 1}" if run["attempt"] > 1 else None
    return {
        "id": run["id"],
        "name": run["name"],
        "node_id": views.node_id("WorkflowRun", run["id"]),
        "head_branch": head_branch(run),
        "head_sha": run["headSha"],
        "path": run["path"],
        "display_title": run["title"],
        "run_number": run["number"],
        "run_attempt": run["attempt"],
        "event": run["event"]["name"],
        "status": run["status"],
        "conclusion": run["conclusion"],
        "workflow_id": workflow,
        "check_suite_id": run["id"],
        "check_suite_node_id": views.node_id("CheckSuite", run["id"]),
        "url": url,
        "html_url": f"{views.web(call, repository)}/actions/runs/{run['id']}",
        "pull_requests": pull_requests(call, repository, run),
        "created_at": utc(run["createdAt"]),
        "updated_at": utc(run["updatedAt"]),
        "run_started_at": utc(run["startedAt"]),
        "actor": views.account(call, access.account(call.store, run["actor"])),
        "triggering_actor": views.account(call, access.account(call.store, run["triggeringActor"])),
        "referenced_workflows": [],
        "previous_attempt_url": earlier,
        **{f"{name}_url": f"{url}/{name}" for name in ("jobs", "logs", "artifacts", "cancel", "rerun")},
        "check_suite_url": f"{api}/check-suites/{run['id']}",
        "workflow_url": f"{api}/actions/workflows/{workflow}",
        "head_commit": head_commit(call, repository, run),
        "repository": views.repository(call, repository),
        "head_repository": _head_repository(call, repository, run),
    }


def head_commit(call: Call, repository: Document, run: Document) -> dict[str, Any]:
    """The commit that checks belong to; where it is not here (a fork has it), the one that the run has checked out."""
    objects = GitObjects(call.store, repository["id"])
    commit = objects.commit(run["headSha"] if objects.kind(run["headSha"]) else run["sha"])
    people = {"author": commit.author, "committer": commit.committer}
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": utc(commit.author.at),
        **{name: {"name": one.name, "email": one.email} for name, one in people.items()},
    }


def _head_repository(call: Call, repository: Document, run: Document) -> Document:
    pull = run["event"]["payload"].get("pull_request")
    source = pull["head"]["repo"] if pull else None
    found = access.repository_by_id(call.store, source["id"]) if source else None
    return views.repository(call, found or repository)


def pull_requests(call: Call, repository: Document, run: Document) -> list[dict[str, Any]]:
    """The pull request that started a run, unless it comes from a fork."""
    pull = run["event"]["payload"].get("pull_request")
    if not pull or run["event"]["is_from_fork"]:
        return []
    api = views.api(call, repository)
    repo = {"id": repository["id"], "url": api, "name": repository["name"]}
    number, sides = pull["number"], ("head", "base")
    return [
        {
            "id": pull["id"],
            "number": number,
            "url": f"{api}/pulls/{number}",
            **{side: {"ref": pull[side]["ref"], "sha": pull[side]["sha"], "repo": repo} for side in sides},
        }
    ]


def shown_job(call: Call, repository: Document, run: Document, job: Document) -> dict[str, Any]:
    api = views.api(call, repository)
    has_runner = job["status"] == "in_progress" or bool(job["steps"])
    runner = {"id": 1, "name": "sandbox", "group_id": 0, "group_name": "GitHub Actions"}
    return {
        "id": job["id"],
        "run_id": run["id"],
        "workflow_name": run["name"],
        "head_branch": head_branch(run),
        "run_url": f"{api}/actions/runs/{run['id']}",
        "run_attempt": job["attempt"],
        "node_id": views.node_id("CheckRun", job["id"]),
        "head_sha": run["headSha"],
        "url": f"{api}/actions/jobs/{job['id']}",
        "html_url": f"{views.web(call, repository)}/actions/runs/{run['id']}/job/{job['id']}",
        "status": job["status"],
        "conclusion": job["conclusion"],
        "created_at": utc(job["createdAt"]),
        "started_at": utc(job["startedAt"]),
        "completed_at": utc(job["completedAt"]) if job["completedAt"] else None,
        "name": job["name"],
        "steps": [_shown_step(step) for step in job["steps"]],
        "check_run_url": f"{api}/check-runs/{job['id']}",
        "labels": job["labels"],
        **{f"runner_{name}": value if has_runner else None for name, value in runner.items()},
    }


def _shown_step(step: Document) -> dict[str, Any]:
    return {
        "name": step["name"],
        "status": step["status"],
        "conclusion": step["conclusion"],
        "number": step["number"],
        "started_at": utc(step["startedAt"]) if step["startedAt"] else None,
        "completed_at": utc(step["completedAt"]) if step["completedAt"] else None,
    }
