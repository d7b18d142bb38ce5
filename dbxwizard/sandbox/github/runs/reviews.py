"""Deployments that wait for somebody to approve them.

docs.github.com/rest/actions/workflow-runs#review-pending-deployments-for-a-workflow-run. Which answer who may not
approve gets is not published: 403 and 422 in words of our own.
"""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github import access, environments, errors, views
from dbxwizard.sandbox.github.objects import utc
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.runs import deployments, records
from dbxwizard.sandbox.github.runs.deployment_views import shown_deployment
from dbxwizard.sandbox.http import ApiError, Call, Response
from dbxwizard.sandbox.store import Document

REVIEW_BODY = {"environment_ids": [int], "state": str, "comment": str}
_SELF_REVIEW = "The environment {} does not allow that who started a deployment approves it."


def pending(call: Call, repository: Document, run: Document) -> Response:
    """The environments that a run waits for, each once."""
    return Response(200, [_shown(call, repository, run, *each) for each in _waiting(call, repository, run)])


def _waiting(call: Call, repository: Document, run: Document) -> list[tuple[Document, Document]]:
    """Environments, each with the first of the jobs that wait for it."""
    found: dict[str, tuple[Document, Document]] = {}
    for job in records.jobs_of(call.store, run):
        key = environments.key(repository, job["environment"])
        environment = call.store.get("github.environment", key) if job["status"] == "waiting" else None
        if environment:
            found.setdefault(key, (environment, job))
    return list(found.values())


def _shown(call: Call, repository: Document, run: Document, environment: Document, job: Document) -> dict[str, Any]:
    return {
        "environment": environments.short(call, repository, environment),
        "wait_timer": environment["wait_timer"],
        "wait_timer_started_at": utc(job["review"]["since"]),
        "current_user_can_approve": _may_review(call, run, environment),
        "reviewers": environments.shown_reviewers(call, environment),
    }


def _may_review(call: Call, run: Document, environment: Document) -> bool:
    is_own = environment["prevent_self_review"] and call.principal.login in (run["actor"], run["triggeringActor"])
    return environments.is_reviewer(call, environment, call.principal.login) and not is_own


def review(call: Call, repository: Document, run: Document) -> Response:
    """Approves or rejects what waits for the environments of the body; the deployments that it is about."""
    errors.check_member(call.body["state"], ("approved", "rejected"))
    waiting = {environment["id"]: environment for environment, _ in _waiting(call, repository, run)}
    asked = call.body["environment_ids"]
    unknown = [number for number in asked if number not in waiting]
    if unknown or not asked:
        raise errors.unprocessable(
            "There are no pending deployment requests to approve or reject for these environments."
        )
    for number in asked:
        _check(call, run, waiting[number])
    return Response(200, _record(call, repository, run, [waiting[number] for number in dict.fromkeys(asked)]))


def _check(call: Call, run: Document, environment: Document) -> None:
    if _may_review(call, run, environment):
        return
    if environments.is_reviewer(call, environment, call.principal.login):
        raise errors.unprocessable(_SELF_REVIEW.format(environment["name"]))
    raise ApiError(403, "Forbidden", f"You are not a required reviewer of the environment {environment['name']}.")


def _record(call: Call, repository: Document, run: Document, about: list[Document]) -> list[dict[str, Any]]:
    state, names = call.body["state"], {environment["name"].lower() for environment in about}
    number = records.next_number(call.store, f"review/{repository['id']}/{run['id']}")
    said = {
        "state": state,
        "comment": call.body["comment"],
        "environments": [environments.key(repository, environment["name"]) for environment in about],
        "user": call.principal.login,
    }
    call.store.put("github.review", f"{repository['id']}/{run['id']}/{number:04d}", said)
    shown = []
    for job in records.jobs_of(call.store, run):
        if job["status"] == "waiting" and job["environment"].lower() in names:
            records.save_job(call.store, {**job, "review": {**job["review"], "state": state}})
            # None of a job that only stands before the environment.
            found = deployments.find_deployment(call.store, repository["id"], str(job["deployment"]))
            shown += [shown_deployment(call, repository, found)] if found else []
    return shown


def approvals(call: Call, repository: Document, run: Document) -> Response:
    """What was said to the run's deployments, the newest first."""
    found = call.store.all("github.review", f"{repository['id']}/{run['id']}/")[::-1]
    return page(call, [_shown_review(call, repository, each) for each in found])


def _shown_review(call: Call, repository: Document, said: Document) -> dict[str, Any]:
    about = (call.store.get("github.environment", key) for key in said["environments"])

    def shown(environment: Document) -> dict[str, Any]:
        dates = {
            name: utc(environment[kept]) for name, kept in (("created_at", "createdAt"), ("updated_at", "updatedAt"))
        }
        return environments.short(call, repository, environment) | dates

    return {
        "state": said["state"],
        "comment": said["comment"],
        "environments": [shown(each) for each in about if each],
        "user": views.account(call, access.account(call.store, said["user"])),
    }
