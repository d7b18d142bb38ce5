"""Rulesets of a repository, and what they forbid: docs.github.com/rest/repos/rules."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from dbxwizard.sandbox.fields import check
from dbxwizard.sandbox.github import access, environments, errors, views
from dbxwizard.sandbox.github.objects import GitObjects, utc
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import repository
from dbxwizard.sandbox.github.runs import records
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
    "required_status_checks": "",  # the checks themselves say it
    "update": "Cannot update this protected ref.",
}
_CHECKS = "required_status_checks"
_NO_CREATION = "do_not_enforce_on_create"
_PARAMETERS = {
    "pull_request": {
        "required_approving_review_count": int,
        "dismiss_stale_reviews_on_push": bool,
        "require_code_owner_review": bool,
        "require_last_push_approval": bool,
        "required_review_thread_resolution": bool,
        "allowed_merge_methods?": [str],
    },
    _CHECKS: {
        _CHECKS: [{"context": str, "integration_id?": int}],
        "strict_required_status_checks_policy": bool,
        f"{_NO_CREATION}?": bool,
    },
}
_PASSED = ("success", "skipped", "neutral")


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


def _refuse(call: Call, body: Document, ref: str, kinds: set[str], sha: str = "") -> None:
    """Raises ApiError where a rule of one of `kinds` holds for the ref and the caller can't bypass it."""
    broken: list[str] = []
    for ruleset in in_force(call.store, body, ref):
        if _bypasses(call, body, ruleset):
            continue
        for rule in ruleset["rules"]:
            if rule["type"] in kinds and not ("creation" in kinds and _spares_creation(rule)):
                broken += _failing(call, body, rule, sha) if rule["type"] == _CHECKS else [_RULES[rule["type"]]]
    if broken:
        # The contents API says 409, the git data API 422.
        raise _violation(409 if "/contents/" in call.route.path else 422, broken)


def _spares_creation(rule: Document) -> bool:
    return bool((rule.get("parameters") or {}).get(_NO_CREATION))


def _violation(status: int, broken: list[str]) -> ApiError:
    text = "Repository rule violations found\n\n" + "\n\n".join(broken) + "\n\n"
    return ApiError(status, "RuleViolation", text)


def _bypasses(call: Call, body: Document, ruleset: Document, *modes: str) -> bool:
    """Whether the caller need not obey; `modes` are those of an actor that count beside `always`."""
    is_admin = access.role(call.store, body, call.principal.login) == "admin"
    actors = [one for one in ruleset["bypass_actors"] if one.get("bypass_mode", "always") in ("always", *modes)]
    return is_admin and call.principal.kind != "job" and any(one["actor_type"] == "OrganizationAdmin" for one in actors)


def _failing(call: Call, body: Document, rule: Document, sha: str) -> list[str]:
    """The required checks that have not passed for a commit; one that was skipped has."""
    ended = records.checks(call.store, body, sha)
    wanted = [one["context"] for one in (rule.get("parameters") or {}).get("required_status_checks", ())]
    states = {name: _state(ended.get(name, "")) for name in wanted}
    problems = [f'Required status check "{name}" is {state}.' for name, state in states.items() if state]
    if len(problems) < 2:
        return problems
    return [f"{len(problems)} of {len(wanted)} required status checks are expected."]


def _state(conclusion: str | None) -> str:
    """ "" for one that passed; None: it is still under way."""
    if conclusion is None:
        return "in progress"
    return "" if conclusion in _PASSED else "failing" if conclusion else "expected"


def unmet(call: Call, body: Document, pull: Document) -> list[str]:
    """What keeps the caller from merging a pull request."""
    found: list[str] = []
    for ruleset in in_force(call.store, body, f"refs/heads/{pull['base']}"):
        if not _bypasses(call, body, ruleset, "pull_request"):
            found += [problem for rule in ruleset["rules"] for problem in _unmet(call, body, rule, pull)]
    return found


def _unmet(call: Call, body: Document, rule: Document, pull: Document) -> list[str]:
    parameters = rule.get("parameters") or {}
    if rule["type"] == "update":
        return [_RULES["update"]]
    if rule["type"] == "pull_request" and (count := parameters.get("required_approving_review_count", 0)):
        # The sandbox plays no reviews.
        return [f"At least {count} approving review is required by reviewers with write access."]
    if rule["type"] != _CHECKS:
        return []
    failing = _failing(call, body, rule, pull["headSha"])
    objects = GitObjects(call.store, body["id"])
    is_behind = not objects.contains(pull["headSha"], pull["baseSha"])
    if parameters.get("strict_required_status_checks_policy") and is_behind:
        failing.append("Head branch is out of date with the base branch.")
    return failing


def check_merge(call: Call, body: Document, pull: Document) -> None:
    """Raises ApiError when a rule keeps the caller from merging."""
    broken = unmet(call, body, pull)
    if broken:
        raise _violation(405, broken)


def check_update(call: Call, body: Document, objects: GitObjects, ref: str, sha: str, *, force: bool) -> None:
    """Raises ApiError when a rule forbids to point `ref` at `sha`."""
    created = objects.ref(ref) is None
    kinds = {"creation"} if created else {"update"}
    if force:
        kinds.add("non_fast_forward")
    # A new branch on a commit that another branch has brings no change that a pull request could show.
    known = created and any(
        objects.contains(head, objects.peeled(sha)) for head in objects.refs("refs/heads/").values()
    )
    _refuse(call, body, ref, kinds if known else {*kinds, "pull_request", _CHECKS}, sha)


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
    for rule in asked.get("rules", []):
        problem = _invalid(rule)
        if problem is not None:
            raise errors.validation_failed(f"Invalid rule '{rule['type']}': {problem}")
    return asked


def _invalid(rule: Document) -> str | None:
    """What is wrong with a rule; None for one that is right."""
    if rule["type"] not in _RULES:
        return ""
    given, spec = rule.get("parameters"), _PARAMETERS.get(rule["type"], {})
    if given is None:
        return "Parameters are required" if rule["type"] == _CHECKS else None
    problem = check(given, spec)
    return f"{problem.path}: {problem.message}" if problem else None


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
