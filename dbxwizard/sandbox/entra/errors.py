"""Entra's errors: a number (AADSTS…), an OAuth error name, and words.

Numbers and names: learn.microsoft.com/entra/identity-platform/reference-error-codes; words as people quote them.
"""

from __future__ import annotations

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.entra.directory import TENANT_DISPLAY_NAME
from dbxwizard.sandbox.http import ApiError

_FEDERATION_HINT = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)


def aadsts(number: int, message: str, *, error: str = "invalid_request", status: int = 400) -> ApiError:
    return ApiError(status, error, f"AADSTS{number}: {message}", number=number)


def missing_parameter(name: str) -> ApiError:
    return aadsts(900144, f"The request body must contain the following parameter: '{name}'.")


def unknown_tenant(name: str, *, error: str = "invalid_request") -> ApiError:
    return aadsts(
        90002,
        f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
        error=error,
    )


def unknown_client(client_id: str) -> ApiError:
    return aadsts(
        700016,
        f"Application with identifier '{client_id}' was not found in the directory '{TENANT_DISPLAY_NAME}'. This can "
        "happen if the application has not been installed by the administrator of the tenant or consented to by any "
        "user in the tenant. You may have sent your authentication request to the wrong tenant.",
        error="unauthorized_client",
    )


def no_principal(client_id: str) -> ApiError:
    return aadsts(
        7000229,
        f"The client application {client_id} is missing service principal in the tenant {tokens.TENANT_ID}. "
        "See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
        error="invalid_client",
        status=401,
    )


def unknown_resource(name: str) -> ApiError:
    return aadsts(
        500011,
        f"The resource principal named {name} was not found in the tenant named {TENANT_DISPLAY_NAME}. This can happen "
        "if the application has not been installed by the administrator of the tenant or consented to by any user in "
        "the tenant. You might have sent your authentication request to the wrong tenant.",
        error="invalid_resource",
    )


def wrong_secret(client_id: str) -> ApiError:
    return aadsts(
        7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        f"the client secret ID, for a secret added to app '{client_id}'.",
        error="invalid_client",
        status=401,
    )


def expired_secret(client_id: str) -> ApiError:
    return aadsts(
        7000222,
        f"The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds.",
        error="invalid_client",
        status=401,
    )


def no_credential() -> ApiError:
    return aadsts(
        7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        error="invalid_client",
        status=401,
    )


def no_match(number: int, what: str, value: str) -> ApiError:
    """`what`: issuer (700211), audience (700212) or subject (700213)."""
    message = f"No matching federated identity record found for presented assertion {what} '{value}'."
    return aadsts(number, f"{message} {_FEDERATION_HINT}", error="invalid_client", status=401)


def case_differs(subject: str) -> ApiError:
    return aadsts(
        7002138,
        f"No matching federated identity record found for presented assertion subject '{subject}'. The subject matches "
        f"with case-insensitive comparison, but not with case-sensitive comparison. {_FEDERATION_HINT}",
        error="invalid_client",
        status=401,
    )


def no_federation(client_id: str, name: str) -> ApiError:
    return aadsts(
        70025,
        f"The client '{client_id}'({name}) has no configured federated identity credentials.",
        error="invalid_client",
        status=401,
    )


def no_consent(client_id: str, name: str) -> ApiError:
    return aadsts(
        65001,
        f"The user or administrator has not consented to use the application with ID '{client_id}' named '{name}'. "
        "Send an interactive authorization request for this user and resource.",
        error="invalid_grant",
    )


def blocked_by_policy() -> ApiError:
    return aadsts(
        53003,
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        error="invalid_grant",
    )
