"""Deployment environments and their branch policies.

docs.github.com/rest/deployments/environments; plans: docs.github.com/actions/reference/environments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from dbxwizard.sandbox.github import access, errors, teams, views
from dbxwizard.sandbox.github.objects import utc
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.github.repositories import repository
from dbxwizard.sandbox.http import Call, Context, Response, Service
from dbxwizard.sandbox.store import Document

_LONGEST_NAME = 255  # docs.github.com/actions/reference/environments
_LONGEST_WAIT = 43_200  # minutes: 30 days
_ENVIRONMENT_BODY = {
    "wait_timer?": int,
    "prevent_self_review?": bool,
    "reviewers?": [{"type?": str, "id?": int}],
    "deployment_branch_policy?": {"protected_branches": bool, "custom_branch_policies": bool},
}
NO_RULES: Document = {
    "wait_timer": 0,
    "prevent_self_review": False,
    "reviewers": [],
    "deployment_branch_policy": None,
    "policies": [],
}
_RULE_PLAN = (
    "Failed to create the environment protection rule. Please ensure the billing plan supports the {} protection rule."
)
_NO_CUSTOM_POLICIES = (
    "Not Found or `deployment_branch_policy.custom_branch_policies` property for the environment is set to false"
)


def register(service: Service) -> None:
    every = "/repos/{owner}/{repo}/environments"
    one = every + "/{environment}"
    service.route("GET", every, action="actions:read")(_list)
    service.route("GET", one, action="actions:read")(_get)
    service.route("PUT", one, action="administration:write", body=_ENVIRONMENT_BODY)(_put)
    service.route("DELETE", one, action="administration:write")(_delete)
    policies = one + "/deployment-branch-policies"
    policy = policies + "/{policy}"
    service.route("GET", policies, action="actions:read")(_list_policies)
    body = {"name": str, "type?": str}
    service.route("POST", policies, action="administration:write", body=body)(_add_policy)
    service.route("GET", policy, action="actions:read")(_get_policy)
    service.route("PUT", policy, action="administration:write", body={"name": str})(_put_policy)
    service.route("DELETE", policy, action="administration:write")(_delete_policy)


def key(body: Document, name: str) -> str:
    """An environment's key; its name is not case sensitive."""
    return f"{body['id']}/{name.lower()}"


def environment(call: Call) -> Document:
    """The environment in the path; ApiError 404 when there is none."""
    found = call.store.get("github.environment", key(repository(call), call.params["environment"]))
    if found is None:
        raise errors.not_found()
    return found


def ensure(context: Context, body: Document, name: str) -> Document | None:
    """The environment that a job names, which is made where there is none; None where the plan has no environments."""
    found = context.store.get("github.environment", key(body, name))
    if found or not supports(context, body, "pro", "team", "enterprise"):
        return found
    number = int(context.new_id("github.environment", f"{body['id']}/{name}")[:8], 16)
    made = {"name": name, "id": number, "createdAt": context.now, "updatedAt": context.now, **NO_RULES}
    context.store.put("github.environment", key(body, name), made)
    return made


def supports(call: Context, body: Document, *plans: str) -> bool:
    """Whether the repository is public or its owner is on one of `plans`."""
    return not body["private"] or access.account(call.store, body["owner"])["plan"] in plans


def _list(call: Call) -> Response:
    body = repository(call)
    found = call.store.all("github.environment", f"{body['id']}/")
    return page(call, [_shown(call, body, each) for each in found], wrap="environments")


def _get(call: Call) -> Response:
    return Response(200, _shown(call, repository(call), environment(call)))


def _put(call: Call) -> Response:
    """Replaces the whole environment: what the body leaves out is gone."""
    body, name = repository(call), call.params["environment"]
    _check_plan(call, body)
    if len(name) > _LONGEST_NAME:
        raise errors.unprocessable(f"The name of an environment has at most {_LONGEST_NAME} characters.")
    _check_rules(call)
    reviewers = _kept_reviewers(call, body)
    old = call.store.get("github.environment", key(body, name))
    found = old or {
        "name": name,
        "id": _number(call, "environment", name),
        "createdAt": call.now,
        "updatedAt": call.now,
    }
    rules = NO_RULES | {field: value for field, value in call.body.items() if value is not None}
    rules["reviewers"] = reviewers
    if (rules["deployment_branch_policy"] or {}).get("custom_branch_policies"):
        rules["policies"] = found.get("policies", [])
    new = {**found, **rules}
    if new != found:
        new["updatedAt"] = call.now
    call.store.put("github.environment", key(body, name), new)
    return Response(200, _shown(call, body, new))


def _check_plan(call: Call, body: Document) -> None:
    """Where the plan has no reviewers and timers, naming them is refused even with their defaults
    (github.com/alchemy-run/alchemy/pull/1373)."""
    if not supports(call, body, "pro", "team", "enterprise"):
        raise errors.not_found()
    gated = {"wait_timer": "wait timer", "reviewers": "required reviewers", "prevent_self_review": "required reviewers"}
    named = next((rule for field, rule in gated.items() if field in call.body), None)
    if named and not supports(call, body, "enterprise"):
        raise errors.unprocessable(_RULE_PLAN.format(named))


def _check_rules(call: Call) -> None:
    wait, reviewers = call.body.get("wait_timer") or 0, call.body.get("reviewers") or []
    policy = call.body.get("deployment_branch_policy")
    if not 0 <= wait <= _LONGEST_WAIT:
        raise errors.unprocessable(f"Wait timer must be between 0 and {_LONGEST_WAIT} minutes.")
    if len(reviewers) > 6:
        raise errors.unprocessable("An environment has at most 6 reviewers.")
    if policy and policy["protected_branches"] == policy["custom_branch_policies"]:
        text = "`protected_branches` and `custom_branch_policies` cannot have the same value."
        raise errors.unprocessable(text)
    for each in reviewers:
        errors.check_member(str(each.get("type")), ("User", "Team"))
        if _reviewer(call, each) is None:
            raise errors.unprocessable(f"Reviewer {each.get('id')} could not be found.")


def _kept_reviewers(call: Call, body: Document) -> list[dict[str, Any]]:
    """Those of the body that may read the repository. Others are left out without a word
    (github.com/integrations/terraform-provider-github/issues/1166): a team has to be given it, public or not."""
    return [each for each in call.body.get("reviewers") or [] if _may_read(call, body, each)]


def _may_read(call: Call, body: Document, named: dict[str, Any]) -> bool:
    found = _reviewer(call, named)
    if found is None:
        return False
    if named["type"] == "Team":
        return teams.has_access(found, body)
    return access.role(call.store, body, found["login"]) != "none"


def _reviewer(call: Call, named: dict[str, Any]) -> Document | None:
    """The team or the person that a reviewer names."""
    if named["type"] == "Team":
        return teams.by_id(call.store, named["id"])
    return next((body for body in call.store.all("github.account") if body["id"] == named.get("id")), None)


def shown_reviewers(call: Call, found: Document) -> list[dict[str, Any]]:
    """Those of an environment, without who is there no longer."""
    people = [(each["type"], _reviewer(call, each)) for each in found["reviewers"]]
    shown: dict[str, Callable[[Call, Document], dict[str, Any]]] = {"User": views.account, "Team": teams.shown}
    return [{"type": kind, "reviewer": shown[kind](call, one)} for kind, one in people if one]


def is_reviewer(call: Call, found: Document, login: str) -> bool:
    """Whether somebody is named, or is in a team that is."""
    people = [(each["type"], _reviewer(call, each)) for each in found["reviewers"]]
    return any(login in one["members"] if kind == "Team" else one["login"] == login for kind, one in people if one)


def _delete(call: Call) -> Response:
    body, found = repository(call), environment(call)
    call.store.delete("github.environment", key(body, found["name"]))
    for kind in ("github.variable", "github.secret"):
        for name, _ in call.store.find(kind, key(body, found["name"]) + "/"):
            call.store.delete(kind, name)
    return Response(204)


def short(call: Call, body: Document, found: Document) -> dict[str, Any]:
    """The form that stands where runs name an environment."""
    quoted = quote(found["name"], safe="")
    return {
        "id": found["id"],
        "node_id": views.node_id("Environment", found["id"]),
        "name": found["name"],
        "url": f"{views.api(call, body)}/environments/{quoted}",
        "html_url": f"{views.web(call, body)}/deployments/activity_log?environments_filter={quoted}",
    }


def _shown(call: Call, body: Document, found: Document) -> dict[str, Any]:
    return {
        **short(call, body, found),
        "created_at": utc(found["createdAt"]),
        "updated_at": utc(found["updatedAt"]),
        "protection_rules": [_rule(found, index, rule) for index, rule in enumerate(_rules(call, found))],
        "deployment_branch_policy": found["deployment_branch_policy"],
    }


def _rule(found: Document, index: int, rule: dict[str, Any]) -> dict[str, Any]:
    number = found["id"] * 10 + index
    return {"id": number, "node_id": views.node_id("Gate", number), **rule}


def _rules(call: Call, found: Document) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    if found["wait_timer"]:
        rules.append({"type": "wait_timer", "wait_timer": found["wait_timer"]})
    if found["reviewers"]:
        review = {
            "prevent_self_review": found["prevent_self_review"],
            "reviewers": shown_reviewers(call, found),
        }
        rules.append({"type": "required_reviewers", **review})
    if found["deployment_branch_policy"]:
        rules.append({"type": "branch_policy"})
    return rules


def _number(call: Call, kind: str, hint: str) -> int:
    """A number as GitHub gives to everything that it makes."""
    return int(call.new_id(f"github.{kind}", f"{repository(call)['id']}/{hint}")[:8], 16)


# Branch policies.


def _with_policies(call: Call) -> Document:
    found = environment(call)
    if not (found["deployment_branch_policy"] or {}).get("custom_branch_policies"):
        raise errors.not_found(_NO_CUSTOM_POLICIES)
    return found


def _save_policies(call: Call, found: Document, policies: list[dict[str, Any]]) -> None:
    call.store.put("github.environment", key(repository(call), found["name"]), {**found, "policies": policies})


def _list_policies(call: Call) -> Response:
    return page(call, environment(call)["policies"], wrap="branch_policies")


def _add_policy(call: Call) -> Response:
    found, kind = _with_policies(call), call.body.get("type") or "branch"
    errors.check_member(kind, ("branch", "tag"))
    same = [each for each in found["policies"] if (each["name"], each["type"]) == (call.body["name"], kind)]
    if same:
        return Response(303, same[0])
    number = _number(call, "policy", f"{found['name']}/{kind}/{call.body['name']}")
    made = {"id": number, "node_id": views.node_id("GateRule", number), "name": call.body["name"], "type": kind}
    _save_policies(call, found, [*found["policies"], made])
    return Response(200, made)


def _policy(call: Call) -> dict[str, Any]:
    for each in environment(call)["policies"]:
        if str(each["id"]) == call.params["policy"]:
            return dict(each)
    raise errors.not_found()


def _get_policy(call: Call) -> Response:
    return Response(200, _policy(call))


def _put_policy(call: Call) -> Response:
    found, old = _with_policies(call), _policy(call)
    new = {**old, "name": call.body["name"]}
    _save_policies(call, found, [new if each == old else each for each in found["policies"]])
    return Response(200, new)


def _delete_policy(call: Call) -> Response:
    found, old = environment(call), _policy(call)
    _save_policies(call, found, [each for each in found["policies"] if each != old])
    return Response(204)
