"""The Git Credentials API. A service principal has one credential a provider; who manages it may set it too."""

from __future__ import annotations

from dbxwizard.sandbox.databricks import errors, rule_sets
from dbxwizard.sandbox.databricks.state import Caller, WorkspaceState, numeric_id
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

VERSIONS = ("2.0",)
PROVIDERS = (
    "gitHub",
    "gitHubEnterprise",
    "gitHubOAuth",
    "bitbucketCloud",
    "bitbucketServer",
    "azureDevOpsServices",
    "azureDevOpsServicesAad",
    "gitLab",
    "gitLabEnterpriseEdition",
    "awsCodeCommit",
)
_BODY = {
    "git_provider": str,
    "git_username?": str,
    "git_email?": str,
    "personal_access_token?": str,
    "is_default_for_provider?": bool,
    "name?": str,
    "principal_id?": (int, str),
}
_SHOWN = ("credential_id", "git_provider", "git_username", "git_email", "is_default_for_provider", "name")


def register(service: Service) -> None:
    prefix = "/api/{version}/git-credentials"
    one = f"{prefix}/{{credential_id}}"
    service.route("POST", prefix, api_versions=VERSIONS, body=_BODY)(_create)
    service.route("GET", prefix, api_versions=VERSIONS, query=("principal_id",))(_list)
    service.route("GET", one, api_versions=VERSIONS, query=("principal_id",))(_get)
    service.route("PATCH", one, api_versions=VERSIONS, body=_BODY)(_update)
    service.route("DELETE", one, api_versions=VERSIONS, query=("principal_id",))(_delete)


def provider_of(name: str) -> str:
    """The provider as the service spells it; any case is taken."""
    found = next((one for one in PROVIDERS if one.lower() == name.lower()), None)
    if found is None:
        raise errors.invalid(f"Invalid Git provider {name}: one of {', '.join(PROVIDERS)}.")
    return found


def credential_for(state: WorkspaceState, principal: Document, provider: str) -> Document | None:
    mine = [body for body in state.all("gitCredential") if body["principal"] == principal["id"]]
    fitting = [body for body in mine if body["git_provider"] == provider]
    return next(iter(sorted(fitting, key=lambda body: not body["is_default_for_provider"])), None)


def _owner(call: Call, principal_id: object) -> tuple[WorkspaceState, Document]:
    """Whose credentials the call is about: the caller's, or those of a service principal that the caller manages."""
    state, caller = WorkspaceState.of(call), Caller.of(call)
    if principal_id in (None, "") or str(principal_id) == caller.id:
        return state, caller.principal
    owner = state.get("principal", str(principal_id))
    if owner is None or owner["kind"] != "servicePrincipal":
        raise errors.not_found(f"Service principal {principal_id} does not exist.")
    if not rule_sets.holds(state, caller, owner["name"], rule_sets.MANAGER):
        raise errors.denied(f"{caller.name} is not a manager of service principal {principal_id}.")
    return state, owner


def _own(call: Call, principal_id: object) -> tuple[WorkspaceState, Document]:
    state, owner = _owner(call, principal_id)
    body = state.get("gitCredential", call.params["credential_id"])
    if body is None or body["principal"] != owner["id"]:
        message = f"Git credential with ID {call.params['credential_id']} could not be found."
        raise errors.not_found(message)
    return state, body


def _shown(body: Document) -> Document:
    return {key: body[key] for key in _SHOWN if body.get(key) is not None}


def _create(call: Call) -> Response:
    state, owner = _owner(call, call.body.get("principal_id"))
    provider = provider_of(call.body["git_provider"])
    if owner["kind"] == "servicePrincipal" and credential_for(state, owner, provider):
        message = (
            f"A Git credential already exists for provider {provider}. "
            "Only one credential per provider is allowed for service principals."
        )
        raise ApiError(409, "RESOURCE_ALREADY_EXISTS", message)
    number = numeric_id(call, "gitCredential", f"{state.workspace_id}/{owner['name']}/{provider}")
    body: Document = {"credential_id": int(number), "principal": owner["id"], "is_default_for_provider": True}
    body |= _given(call, provider)
    if "token_hash" not in body:
        raise errors.invalid("Missing required field: personal_access_token")
    state.put("gitCredential", number, body)
    return Response(200, _shown(body))


def _given(call: Call, provider: str) -> Document:
    names = ("git_username", "git_email", "is_default_for_provider", "name")
    given = {key: call.body[key] for key in names if key in call.body}
    token = call.body.get("personal_access_token")
    return {**given, "git_provider": provider, **({"token_hash": access.token_hash(token)} if token else {})}


def _list(call: Call) -> Response:
    state, owner = _owner(call, call.query.get("principal_id"))
    mine = [_shown(body) for body in state.all("gitCredential") if body["principal"] == owner["id"]]
    return Response(200, {"credentials": mine} if mine else {})


def _get(call: Call) -> Response:
    _, body = _own(call, call.query.get("principal_id"))
    return Response(200, _shown(body))


def _update(call: Call) -> Response:
    state, body = _own(call, call.body.get("principal_id"))
    provider = provider_of(call.body["git_provider"])
    if provider != body["git_provider"]:
        raise errors.invalid("The Git provider of a credential can't be changed.")
    state.put("gitCredential", call.params["credential_id"], {**body, **_given(call, provider)})
    return Response(200, {})


def _delete(call: Call) -> Response:
    state, _ = _own(call, call.query.get("principal_id"))
    state.delete("gitCredential", call.params["credential_id"])
    return Response(200, {})
