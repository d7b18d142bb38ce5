"""Who may do what with a service principal: rule sets of the account, as its workspaces show them.

Whoever makes a service principal manages it; to run jobs as it takes the user's role, which managers and workspace
admins do not have by themselves (learn.microsoft.com/azure/databricks/security/auth/access-control/
service-principal-acl, …/admin/workspace-settings/restrict-workspace-admins). Paths and fields: docs.databricks.com/api/
azure/workspace/accountaccesscontrolproxy.
"""

from __future__ import annotations

import re
import uuid

from dbxwizard.sandbox.databricks import errors
from dbxwizard.sandbox.databricks.state import Caller, WorkspaceState
from dbxwizard.sandbox.http import WORLD, ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document, Store

VERSIONS = ("2.0",)
ACCOUNT_ID = str(uuid.uuid5(WORLD, "databricks account"))
MANAGER, USER = "roles/servicePrincipal.manager", "roles/servicePrincipal.user"
_KIND = "databricks.ruleSet"
_PATH = "/api/{version}/preview/accounts/access-control/rule-sets"
_RULES = {"name": str, "etag": str, "grant_rules?": [{"principals?": [str], "role": str}]}
_NAME = re.compile(r"accounts/([^/]+)/servicePrincipals/([^/]+)/ruleSets/default")


def register(service: Service) -> None:
    service.route("GET", _PATH, api_versions=VERSIONS, query=("name", "etag"))(_get)
    service.route("PUT", _PATH, api_versions=VERSIONS, body={"name": str, "rule_set": _RULES})(_put)


def made(store: Store, application_id: str, maker: str = "") -> None:
    """Notes who made a service principal; in an account that knows it already nothing changes."""
    if store.get(_KIND, application_id.lower()) is None:
        rules = [{"role": MANAGER, "principals": [_principal(maker)]}] if maker else []
        store.put(_KIND, application_id.lower(), {"version": 1, "grant_rules": rules})


def holds(state: WorkspaceState, caller: Caller, application_id: str, role: str) -> bool:
    found = state.store.get(_KIND, application_id.lower()) or {"grant_rules": []}
    groups = {f"groups/{group['displayName']}" for group in state.groups_of(caller.principal)}
    names = {_principal(caller.name).lower(), *(name.lower() for name in groups)}
    given = [rule for rule in found["grant_rules"] if rule["role"] == role]
    return any(name.lower() in names for rule in given for name in rule.get("principals", []))


def _principal(name: str) -> str:
    return f"users/{name}" if "@" in name else f"servicePrincipals/{name}"


def _own(call: Call, name: str) -> tuple[str, Document]:
    """The application id and the rule set; for its managers only."""
    state, caller = WorkspaceState.of(call), Caller.of(call)
    found = _NAME.fullmatch(name)
    if found is None:
        raise errors.invalid(f"Invalid rule set name: {name}.")
    account, application_id = found[1], found[2].lower()
    rules = call.store.get(_KIND, application_id) if account == ACCOUNT_ID else None
    if rules is None or not holds(state, caller, application_id, MANAGER):
        raise errors.denied(f"{caller.name} is not authorized to access the rule set {name}.")
    return application_id, rules


def _shown(name: str, rules: Document) -> Document:
    body: Document = {"name": name, "etag": _etag(rules)}
    return {**body, "grant_rules": rules["grant_rules"]} if rules["grant_rules"] else body


def _etag(rules: Document) -> str:
    return f"RENUAAABgAAA{rules['version']:06}"


def _get(call: Call) -> Response:
    name = call.query.get("name", "")
    return Response(200, _shown(name, _own(call, name)[1]))


def _put(call: Call) -> Response:
    name, wanted = call.body["name"], call.body["rule_set"]
    application_id, rules = _own(call, name)
    if wanted["etag"] != _etag(rules):
        raise ApiError(409, "RESOURCE_CONFLICT", f"The rule set {name} was changed meanwhile: read it again.")
    known = {name for rule in rules["grant_rules"] for name in rule.get("principals", [])}
    for rule in wanted.get("grant_rules", []):
        _check(WorkspaceState.of(call), rule, known)
    changed = {"version": rules["version"] + 1, "grant_rules": wanted.get("grant_rules", [])}
    call.store.put(_KIND, application_id, changed)
    return Response(200, _shown(name, changed))


def _check(state: WorkspaceState, rule: Document, known: set[str]) -> None:
    """`known`: principals of the account, who need not be in this workspace."""
    if rule["role"] not in (MANAGER, USER):
        raise errors.invalid(f"Invalid role: {rule['role']}.")
    kinds = {"users": "user_name", "servicePrincipals": "service_principal_name", "groups": "group_name"}
    for principal in set(rule.get("principals", [])) - known:
        kind, _, name = principal.partition("/")
        if kind not in kinds or not state.exists(kinds[kind], name):
            raise errors.invalid(f"Principal {principal} does not exist.")
