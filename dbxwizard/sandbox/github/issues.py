"""Issues, and the comments on them and on pull requests: docs.github.com/rest/issues.

An issue is `github.issue` under `REPOSITORY/NUMBER`, a comment `github.comment` under `REPOSITORY/NUMBER/ID`. For what
is said of a pull request the right to pull requests does as well as the one to issues.
"""

from __future__ import annotations

from datetime import datetime

from dbxwizard.sandbox.github import access, errors, issue_views, pull_state, triggers
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import repository
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_CREATE_BODY = {"title": str, "body?": str, "labels?": [str]}
_EDIT_BODY = {"title?": str, "body?": str, "state?": str, "state_reason?": str, "labels?": [str]}
_COMMENT_BODY = {"body": str}
_MOST = 65_536  # characters of a text, as GitHub's own refusal says
_REASONS = ("completed", "not_planned", "duplicate", "reopened")


def register(service: Service) -> None:
    every, either = "/repos/{owner}/{repo}/issues", "issues|pull_requests"
    one, comment = every + "/{number}", every + "/comments/{comment}"
    query = ("state", "creator", "labels", "since", "sort", "direction", "per_page", "page")
    service.route("GET", every, action="issues:read", query=query)(_list)
    service.route("POST", every, action="issues:write", body=_CREATE_BODY)(_create)
    service.route("GET", every + "/comments", action=f"{either}:read", query=query[3:])(_all_comments)
    service.route("GET", comment, action=f"{either}:read")(_get_comment)
    service.route("PATCH", comment, action=f"{either}:write", body=_COMMENT_BODY)(_edit_comment)
    service.route("DELETE", comment, action=f"{either}:write")(_delete_comment)
    service.route("GET", one, action=f"{either}:read")(_get)
    service.route("PATCH", one, action=f"{either}:write", body=_EDIT_BODY)(_edit)
    of_one = one + "/comments"
    service.route("GET", of_one, action=f"{either}:read", query=("since", "per_page", "page"))(_comments)
    service.route("POST", of_one, action=f"{either}:write", body=_COMMENT_BODY)(_comment)


# Issues.


def _list(call: Call) -> Response:
    """Pull requests are issues too."""
    body, asked = repository(call), call.query
    state, labels = asked.get("state", "open"), [name for name in asked.get("labels", "").split(",") if name]
    found = [
        issue
        for issue in (*call.store.all("github.issue", f"{body['id']}/"), *pull_state.every(call.store, body))
        if state in ("all", issue["state"])
        and asked.get("creator", "") in ("", issue["author"])
        and set(labels) <= set(issue.get("labels", ()))
    ]
    return page(call, [issue_views.shown(call, body, issue) for issue in _sorted(call, found)])


def _sorted(call: Call, found: list[Document], direction: str = "desc") -> list[Document]:
    """Those since the asked time, in the asked order."""
    field = "updatedAt" if call.query.get("sort") == "updated" else "createdAt"
    since = _time(call.query.get("since"))
    kept = [one for one in found if one["updatedAt"] >= since]
    is_falling = call.query.get("direction", direction) == "desc"
    return sorted(kept, key=lambda one: (one[field], one["number"], one["id"]), reverse=is_falling)


def _time(text: str | None) -> float:
    try:
        return datetime.fromisoformat(text).timestamp() if text else 0.0
    except ValueError as error:
        raise errors.validation_failed("since is not a valid time") from error


def _checked(call: Call, field: str = "body") -> str | None:
    text: str | None = call.body.get(field)
    if text is not None and len(text) > _MOST:
        raise errors.validation_failed(f"{field} is too long (maximum is {_MOST} characters)")
    return text


def _create(call: Call) -> Response:
    body = repository(call)
    if not call.body["title"].strip():
        raise errors.validation_failed({"resource": "Issue", "field": "title", "code": "missing_field"})
    number = pull_state.next_number(call.store, body)
    made = {
        "id": int(call.new_id("github.issue", f"{body['id']}/{number}")[:8], 16),
        "number": number,
        "title": call.body["title"],
        "body": _checked(call),
        "labels": call.body.get("labels") or [],
        "state": "open",
        "reason": None,
        "author": access.caller(call)["login"],
        "createdAt": call.now,
        "updatedAt": call.now,
        "closedAt": None,
    }
    call.store.put("github.issue", pull_state.key(body, number), made)
    return Response(201, _told(call, body, made, "opened"))


def _told(call: Call, body: Document, issue: Document, action: str) -> Document:
    """The issue as it is shown, after the workflows have heard of it."""
    shown = issue_views.shown(call, body, issue)
    if "pull_request" not in shown:
        triggers.discussed(call, body, "issues", action, issue=shown)
    return shown


def _found(call: Call, level: str) -> tuple[Document, Document]:
    """The issue or pull request that is meant. Raises ApiError where the caller has no right to that of the two."""
    body = repository(call)
    found = call.store.get("github.issue", f"{body['id']}/{call.params['number']:0>8}")
    if found is not None:
        access.require(call, body, "issues", level)
    found = found or pull_state.find(call.store, body, call.params["number"])
    if found is None:
        raise errors.not_found()
    return body, found


def _get(call: Call) -> Response:
    return Response(200, issue_views.shown(call, *_found(call, "read")))


def _edit(call: Call) -> Response:
    body, issue = _found(call, "write")
    access.require_own(call, body, issue["author"])
    if "headSha" in issue:
        raise ApiError(403, "Forbidden", "The sandbox changes a pull request by its own route alone.")
    asked = {name: call.body[name] for name in ("title", "body", "labels", "state") if call.body.get(name) is not None}
    _checked(call)
    state, reason = asked.get("state", issue["state"]), call.body.get("state_reason")
    if state not in ("open", "closed") or reason not in (None, *_REASONS):
        field = "state" if reason in (None, *_REASONS) else "state_reason"
        raise errors.validation_failed({"resource": "Issue", "field": field, "code": "invalid"})
    new = {**issue, **asked, "updatedAt": call.now}
    if state != issue["state"]:
        is_closed = state == "closed"
        new |= {"closedAt": call.now if is_closed else None, "reason": reason or _default_reason(is_closed)}
    call.store.put("github.issue", pull_state.key(body, issue["number"]), new)
    turned = {"closed": "closed", "open": "reopened"}[state] if state != issue["state"] else "edited"
    return Response(200, _told(call, body, new, turned))


def _default_reason(is_closed: bool) -> str:
    return "completed" if is_closed else "reopened"


# Comments.


def _of(call: Call, body: Document, issue: Document) -> list[Document]:
    return call.store.all("github.comment", f"{pull_state.key(body, issue['number'])}/")


def _comments(call: Call) -> Response:
    body, issue = _found(call, "read")
    found = _sorted(call, _of(call, body, issue), "asc")
    return page(call, [issue_views.comment(call, body, one) for one in found])


def _all_comments(call: Call) -> Response:
    body = repository(call)
    found = _sorted(call, call.store.all("github.comment", f"{body['id']}/"), "asc")
    return page(call, [issue_views.comment(call, body, one) for one in found])


def _comment(call: Call) -> Response:
    body, issue = _found(call, "write")
    if not (_checked(call) or "").strip():
        raise errors.validation_failed({"resource": "IssueComment", "field": "body", "code": "missing_field"})
    made = {
        "id": records.next_number(call.store, "comment"),
        "number": issue["number"],
        "isPull": "headSha" in issue,
        "body": call.body["body"],
        "author": access.caller(call)["login"],
        "createdAt": call.now,
        "updatedAt": call.now,
    }
    _keep(call, body, made)
    return Response(201, _said(call, body, made, "created"))


def _keep(call: Call, body: Document, made: Document) -> None:
    call.store.put("github.comment", _key(body, made), made)


def _key(body: Document, made: Document) -> str:
    return f"{pull_state.key(body, made['number'])}/{made['id']:012d}"


def _said(call: Call, body: Document, made: Document, action: str) -> Document:
    """The comment as it is shown, after the workflows have heard of it."""
    shown = issue_views.comment(call, body, made)
    key = pull_state.key(body, made["number"])
    issue = call.store.get("github.pull" if made["isPull"] else "github.issue", key) or {}
    told = {"issue": issue_views.shown(call, body, issue), "comment": shown}
    triggers.discussed(call, body, "issue_comment", action, **told)
    return shown


def _found_comment(call: Call, level: str) -> tuple[Document, Document]:
    body = repository(call)
    for made in call.store.all("github.comment", f"{body['id']}/"):
        if str(made["id"]) == call.params["comment"]:
            if not made["isPull"]:
                access.require(call, body, "issues", level)
            return body, made
    raise errors.not_found()


def _get_comment(call: Call) -> Response:
    return Response(200, issue_views.comment(call, *_found_comment(call, "read")))


def _edit_comment(call: Call) -> Response:
    body, made = _found_comment(call, "write")
    access.require_own(call, body, made["author"])
    new = {**made, "body": _checked(call), "updatedAt": call.now}
    _keep(call, body, new)
    return Response(200, _said(call, body, new, "edited"))


def _delete_comment(call: Call) -> Response:
    body, made = _found_comment(call, "write")
    access.require_own(call, body, made["author"])
    _said(call, body, made, "deleted")
    call.store.delete("github.comment", _key(body, made))
    return Response(204)
