"""Rulesets of a repository, and what they forbid: docs.github.com/rest/repos/rules."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from dbxwizard.sandbox.github import access, environments, errors, views
from dbxwizard.sandbox.github.objects import GitObjects, utc
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import repository
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document, Store

_RULESET_BODY = {
    "name": str,
    "target?": str,
    "enforcement": str,
    "bypass_actors?": [{"actor_id?": int, "actor_type": str, "bypass_mode?": str}],
    "conditions?": {"ref_name?": {"include?": [str], "exclude?": [str]}},
    "rules?": [{"type": str, "parameters?": dict}],
}
# The rules that the sandbox enforces; the others would be kept without effect, so they are refused.
_RULES = {
    "creation": "Cannot create ref due to creations being restricted.",
    "deletion": "Cannot delete this branch",
    "non_fast_forward": "Cannot force-push to this branch",
    "pull_request": "Changes must be made through a pull request.",
    "update": "Cannot update this protected ref.",
}


def register(service: Service) -> None:
    every = "/repos/{owner}/{repo}/rulesets"
    one = every + "/{ruleset}"
    service.route("GET", every, action="metadata:read")(_list)
    service.route("POST", every, action="administration:write", body=_RULESET_BODY)(_create)
    service.route("GET", one, action="metadata:read")(_get)
    service.route("PUT", one, action="administration:write", body={**_RULESET_BODY, "name?": str})(_update)
    service.route("DELETE", one, action="administration:write")(_delete)


def in_force(store: Store, body: Document, ref: str) -> list[Document]:
    """The active rulesets whose conditions a ref fits."""
    found = store.all("github.ruleset", f"{body['id']}/")
    return [ruleset for ruleset in found if ruleset["enforcement"] == "active" and _fits(body, ruleset, ref)]


def _fits(body: Document, ruleset: Document, ref: str) -> bool:
    if not ref.startswith("refs/tags/" if ruleset["target"] == "tag" else "refs/heads/"):
        return False
    names = (ruleset["conditions"] or {}).get("ref_name") or {}
    special = {"~ALL": "*", "~DEFAULT_BRANCH": f"refs/heads/{body['defaultBranch']}"}

    def among(patterns: list[str]) -> bool:
        return any(fnmatchcase(ref, special.get(pattern, pattern)) for pattern in patterns)

    return among(names.get("include") or []) and not among(names.get("exclude") or [])


def _refuse(call: Call, body: Document, ref: str, kinds: set[str]) -> None:
    """Raises ApiError where a rule of one of `kinds` holds for the ref and the caller can't bypass it."""
    for ruleset in in_force(call.store, body, ref):
        if _bypasses(call, body, ruleset):
            continue
        broken = [_RULES[rule["type"]] for rule in ruleset["rules"] if rule["type"] in kinds]
        if broken:
            text = "Repository rule violations found\n\n" + "\n\n".join(broken) + "\n\n"
            # The contents API says 409, the git data API 422.
            raise ApiError(409 if "/contents/" in call.route.path else 422, "RuleViolation", text)


def _bypasses(call: Call, body: Document, ruleset: Document) -> bool:
    is_admin = access.role(call.store, body, call.principal.login) == "admin"
    kinds = {actor["actor_type"] for actor in ruleset["bypass_actors"] if actor.get("bypass_mode") != "pull_request"}
    return is_admin and call.principal.kind != "job" and "OrganizationAdmin" in kinds


def check_update(call: Call, body: Document, objects: GitObjects, ref: str, sha: str, *, force: bool) -> None:
    """Raises ApiError when a rule forbids to point `ref` at `sha`."""
    created = objects.ref(ref) is None
    kinds = {"creation"} if created else {"update"}
    if force:
        kinds.add("non_fast_forward")
    # A new branch on a commit that another branch has brings no change that a pull request could show.
    known = created and any(objects.contains(head, sha) for head in objects.refs("refs/heads/").values())
    _refuse(call, body, ref, kinds if known else {*kinds, "pull_request"})


def check_deletion(call: Call, body: Document, ref: str) -> None:
    _refuse(call, body, ref, {"deletion"})


def _list(call: Call) -> Response:
    body = _planned(call)
    return page(call, [_shown(call, body, each) for each in call.store.all("github.ruleset", f"{body['id']}/")])


def _planned(call: Call) -> Document:
    """The repository; ApiError 403 where the owner's plan has no rulesets for it."""
    body = repository(call)
    if not environments.supports(call, body, "pro", "team", "enterprise"):
        raise ApiError(403, "Forbidden", "Upgrade to GitHub Pro or make this repository public to enable this feature.")
    return body


def _shown(call: Call, body: Document, ruleset: Document) -> dict[str, Any]:
    return {
        "id": ruleset["id"],
        "name": ruleset["name"],
        "target": ruleset["target"],
        "source_type": "Repository",
        "source": access.full_name(body),
        "enforcement": ruleset["enforcement"],
        "node_id": views.node_id("RepositoryRuleset", ruleset["id"]),
        "_links": {"self": {"href": f"{views.api(call, body)}/rulesets/{ruleset['id']}"}},
        "created_at": utc(ruleset["createdAt"]),
        "updated_at": utc(ruleset["updatedAt"]),
    }


def _whole(call: Call, body: Document, ruleset: Document) -> dict[str, Any]:
    parts = {name: ruleset[name] for name in ("bypass_actors", "conditions", "rules")}
    bypass = "always" if _bypasses(call, body, ruleset) else "never"
    return {**_shown(call, body, ruleset), **parts, "current_user_can_bypass": bypass}


def _checked(call: Call) -> Document:
    """The asked ruleset's own fields."""
    asked = {name: value for name, value in call.body.items() if value is not None}
    if asked["enforcement"] not in ("disabled", "active", "evaluate"):
        raise errors.validation_failed(f"{asked['enforcement']} is not a member of ['disabled', 'active', 'evaluate'].")
    if asked.get("target", "branch") not in ("branch", "tag"):
        raise errors.validation_failed(f"{asked['target']} is not a member of ['branch', 'tag'].")
    unknown = [rule["type"] for rule in asked.get("rules", []) if rule["type"] not in _RULES]
    if unknown:
        raise errors.validation_failed(f"Invalid rule '{unknown[0]}': ")
    return asked


def _create(call: Call) -> Response:
    body, asked = _planned(call), _checked(call)
    if any(each["name"] == asked["name"] for each in call.store.all("github.ruleset", f"{body['id']}/")):
        raise errors.validation_failed("Name must be unique")
    number = int(call.new_id("github.ruleset", f"{body['id']}/{asked['name']}")[:7], 16)
    made = {"target": "branch", "bypass_actors": [], "conditions": None, "rules": [], **asked}
    made |= {"id": number, "createdAt": call.now, "updatedAt": call.now}
    call.store.put("github.ruleset", f"{body['id']}/{number}", made)
    return Response(201, _whole(call, body, made))


def _found(call: Call) -> tuple[Document, Document]:
    body = _planned(call)
    found = call.store.get("github.ruleset", f"{body['id']}/{call.params['ruleset']}")
    if found is None:
        raise errors.not_found()
    return body, found


def _get(call: Call) -> Response:
    return Response(200, _whole(call, *_found(call)))


def _update(call: Call) -> Response:
    body, found = _found(call)
    new = {**found, **_checked(call), "updatedAt": call.now}
    call.store.put("github.ruleset", f"{body['id']}/{found['id']}", new)
    return Response(200, _whole(call, body, new))


def _delete(call: Call) -> Response:
    body, found = _found(call)
    call.store.delete("github.ruleset", f"{body['id']}/{found['id']}")
    return Response(204)
