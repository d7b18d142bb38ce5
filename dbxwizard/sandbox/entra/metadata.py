"""The documents by which a client finds Entra's endpoints and keys."""

from __future__ import annotations

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.entra import errors
from dbxwizard.sandbox.entra.directory import ANY_TENANT, is_tenant
from dbxwizard.sandbox.http import Call, Response, Service
from dbxwizard.sandbox.store import Document


def register(service: Service) -> None:
    service.route("GET", "/common/discovery/instance", public=True)(_instance)
    service.route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", public=True)(_configuration)
    service.route("GET", "/{tenant}/.well-known/openid-configuration", public=True)(_configuration_v1)
    service.route("GET", "/{tenant}/discovery/v2.0/keys", public=True)(_keys)
    service.route("GET", "/{tenant}/discovery/keys", public=True)(_keys)


def _configuration(call: Call) -> Response:
    tenant = _tenant(call)
    login = call.url("login")
    base, issuer = f"{login}/{tenant}", tenant if tenant == tokens.TENANT_ID else "{tenantid}"
    return Response(
        200,
        _common(call, base)
        | {
            "issuer": f"{login}/{issuer}/v2.0",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
        },
    )


def _configuration_v1(call: Call) -> Response:
    tenant = _tenant(call)
    base = f"{call.url('login')}/{tenant}"
    return Response(
        200,
        _common(call, base)
        | {
            "issuer": f"https://sts.windows.net/{tokens.TENANT_ID}/",
            "token_endpoint": f"{base}/oauth2/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/keys",
            "scopes_supported": ["openid"],
        },
    )


def _common(call: Call, base: str) -> Document:
    return {
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_modes_supported": ["query", "form_post"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver"],
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "tenant_region_scope": "EU",
        "msgraph_host": call.url("graph").removeprefix("https://"),
    }


def _tenant(call: Call) -> str:
    """The tenant in the form that Entra's endpoints have: its id, or the name for any organisation as it is."""
    name = call.params["tenant"].lower()
    if is_tenant(name):
        return tokens.TENANT_ID
    if name in ANY_TENANT:
        return name
    raise errors.unknown_tenant(call.params["tenant"], error="invalid_tenant")


def _keys(call: Call) -> Response:
    _tenant(call)
    return Response(200, tokens.public_keys(call.store, "entra"))


def _instance(call: Call) -> Response:
    """Which authorities belong together; a client asks before it trusts one (api-version 1.0 or 1.1)."""
    login = call.url("login")
    host = login.removeprefix("https://")
    return Response(
        200,
        {
            "tenant_discovery_endpoint": f"{login}/{tokens.TENANT_ID}/v2.0/.well-known/openid-configuration",
            "api-version": call.query.get("api-version", "1.1"),
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        },
    )
