"""Key Vault's data plane: how it knows its callers and words its errors.

Source: learn.microsoft.com/rest/api/keyvault/secrets and /azure/key-vault/general/rest-error-codes.
"""

from __future__ import annotations

import uuid
from typing import Any

from dbxwizard.sandbox import rbac, tokens
from dbxwizard.sandbox.http import ApiError, Call, Request, Response, Service
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.tokens import Identity
from dbxwizard.sandbox.vault import deleted, secrets
from dbxwizard.sandbox.vault.resource import vault_of

AUDIENCE = "https://vault.azure.net"


class VaultService(Service):
    """One vault for each host `vault:NAME`."""

    name = "vault"
    always_open = False

    def __init__(self) -> None:
        super().__init__()
        secrets.register(self)
        deleted.register(self)

    def authenticate(self, call: Call) -> Identity:
        token = tokens.bearer(call.request.headers.get("authorization", ""))
        # Fixed by the service: where to sign in, and for which resource (the SDK asks without a token first).
        challenge = {
            "WWW-Authenticate": f'Bearer authorization="{call.url("login")}/{tokens.TENANT_ID}", resource="{AUDIENCE}"'
        }
        if not token:
            raise ApiError(
                401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", headers=challenge
            )
        try:
            return tokens.verify(call.store, call.now, token, frozenset({AUDIENCE}))
        except ApiError as error:
            raise ApiError(401, "Unauthorized", f"AKV10022: {error.message}", headers=challenge) from error

    def authorize(self, call: Call) -> None:
        vault = vault_of(call)
        identity: Identity = call.principal
        resource = f"{vault['id'].lower()}/secrets/{call.params.get('name', '')}".rstrip("/")
        action = call.route.action
        if not rbac.allowed(call.store, identity.object_id, action, resource, call.now, data=True):
            raise _forbidden(identity, action, resource, vault)

    def check_version(self, call: Call) -> None:
        version = call.query.get("api-version", "")
        if not version:
            raise ApiError(400, "BadParameter", "AKV10100: api-version must be specified")
        if version not in call.route.api_versions:
            message = f"Method {call.request.method} does not allow the api-version '{version}'"
            raise ApiError(400, "BadParameter", message)

    def unknown_field(self, call: Call, problem: str, path: str) -> ApiError:
        return ApiError(400, "BadParameter", f"Property  has invalid value ({path}: {problem})\r\n")

    def malformed(self, call: Call) -> ApiError:
        return ApiError(400, "BadParameter", "Request body is not valid JSON")

    def no_route(self, request: Request) -> ApiError:
        return ApiError(404, "NotFound", f"No operation for {request.method} {request.path}")

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        body: Document = {"code": error.code, "message": error.message}
        if error.extra:
            body["innererror"] = {"code": error.extra["inner"]}
        return Response(error.status, {"error": body})

    def decorate(self, call: Call | None, request: Request, response: Response) -> None:
        response.headers["x-ms-request-id"] = str(uuid.uuid4())
        response.headers["x-ms-keyvault-service-version"] = "1.9.0"

    def show(self, store: Store) -> dict[str, list[Any]]:
        """Names and their attributes that somebody chose; never a value."""
        listed = [
            {"vault": key.split("/")[0], "name": body["name"], "contentType": body.get("contentType", "")}
            for key, body in store.find("vault.secret")
            if not body.get("deletedAt")
        ]
        return {"vaultSecrets": listed}


def _forbidden(identity: Identity, action: str, resource: str, vault: Document) -> ApiError:
    return ApiError(
        403,
        "Forbidden",
        "Caller is not authorized to perform action on resource.\r\n"
        "If role assignments, deny assignments or role definitions were changed recently, "
        "please observe propagation time.\r\n"
        f"Caller: appid={identity.app_id};oid={identity.object_id};"
        f"iss=https://sts.windows.net/{identity.tenant_id}/\r\n"
        f"Action: '{action}'\r\nResource: '{resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n"
        f"DecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: {vault['name']};location={vault['location']}\r\n",
        inner="ForbiddenByRbac",
    )
