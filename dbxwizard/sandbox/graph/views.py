"""Directory objects in the form that Graph gives them."""

from __future__ import annotations

import time

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.entra.assertions import issuer_url
from dbxwizard.sandbox.entra.directory import TENANT_NAME
from dbxwizard.sandbox.graph.odata import Entity
from dbxwizard.sandbox.http import Call
from dbxwizard.sandbox.store import Document

_TEXT = frozenset({"eq", "startswith", "in"})
_MANY = frozenset({"any"})
APPLICATION = Entity(
    "application",
    "applications",
    {"id": _TEXT, "appId": _TEXT, "displayName": _TEXT, "uniqueName": _TEXT, "tags": _MANY, "identifierUris": _MANY},
)
PRINCIPAL = Entity(
    "servicePrincipal",
    "servicePrincipals",
    {
        "id": _TEXT,
        "appId": _TEXT,
        "displayName": _TEXT,
        "servicePrincipalType": _TEXT,
        "tags": _MANY,
        "servicePrincipalNames": _MANY,
    },
)
USER = Entity("user", "users", {"id": _TEXT, "userPrincipalName": _TEXT, "displayName": _TEXT, "mail": _TEXT})
GROUP = Entity("group", "groups", {"id": _TEXT, "displayName": _TEXT, "mailNickname": _TEXT})
CREDENTIAL = Entity("federatedIdentityCredential", "applications/federatedIdentityCredentials", {"name": _TEXT})
OBJECT = Entity("directoryObject", "directoryObjects", {})
# Properties of an application that may be written and that the sandbox only keeps, with what they are at first.
APPLICATION_DEFAULTS: Document = {
    "description": None,
    "identifierUris": [],
    "isDeviceOnlyAuthSupported": None,
    "isFallbackPublicClient": None,
    "notes": None,
    "addIns": [],
    "api": {"requestedAccessTokenVersion": None, "oauth2PermissionScopes": [], "preAuthorizedApplications": []},
    "appRoles": [],
    "groupMembershipClaims": None,
    "info": {"logoUrl": None, "marketingUrl": None, "supportUrl": None},
    "keyCredentials": [],
    "oauth2RequirePostResponse": False,
    "optionalClaims": None,
    "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
    "publicClient": {"redirectUris": []},
    "requiredResourceAccess": [],
    "samlMetadataUrl": None,
    "serviceManagementReference": None,
    "servicePrincipalLockConfiguration": None,
    "spa": {"redirectUris": []},
    "tokenEncryptionKeyId": None,
    "web": {"homePageUrl": None, "logoutUrl": None, "redirectUris": []},
}


def application(call: Call, body: Document) -> Document:
    """federatedIdentityCredentials are a relation of their own and not shown here."""
    return {
        "id": body["id"],
        "deletedDateTime": stamp(body["deletedAt"]) if body.get("deletedAt") else None,
        "appId": body["appId"],
        "applicationTemplateId": None,
        "createdDateTime": stamp(body["createdAt"]),
        "displayName": body["displayName"],
        "disabledByMicrosoftStatus": None,
        "publisherDomain": TENANT_NAME,
        "signInAudience": body["signInAudience"],
        "tags": body["tags"],
        "uniqueName": body.get("uniqueName"),
        **APPLICATION_DEFAULTS,
        **body.get("more", {}),
        "passwordCredentials": [password(one) for one in body["passwordCredentials"]],
    }


def password(body: Document) -> Document:
    return {
        "customKeyIdentifier": None,
        "displayName": body["displayName"],
        "endDateTime": _exact(body["endAt"]),
        "hint": body["hint"],
        "keyId": body["keyId"],
        "secretText": None,
        "startDateTime": _exact(body["startAt"]),
    }


def federated_credential(call: Call, body: Document) -> Document:
    names = ("id", "name", "subject", "audiences", "description")
    return {name: body[name] for name in names} | {"issuer": issuer_url(call, body["issuer"])}


def principal(call: Call, body: Document) -> Document:
    return {
        "id": body["id"],
        "deletedDateTime": None,
        "accountEnabled": body.get("accountEnabled", True),
        "alternativeNames": [],
        "appDisplayName": body["displayName"],
        "appId": body["appId"],
        "appOwnerOrganizationId": tokens.TENANT_ID,
        "appRoleAssignmentRequired": body.get("appRoleAssignmentRequired", False),
        "createdDateTime": stamp(body["createdAt"]),
        "description": body.get("description"),
        "displayName": body["displayName"],
        "notes": body.get("notes"),
        "servicePrincipalNames": [body["appId"]],
        "servicePrincipalType": body["servicePrincipalType"],
        "signInAudience": "AzureADMyOrg",
        "tags": body.get("tags", []),
        "appRoles": [],
        "keyCredentials": [],
        "passwordCredentials": [],
    }


def user(_call: Call, body: Document) -> Document:
    given, _, family = str(body["displayName"]).partition(" ")
    return {
        "businessPhones": [],
        "displayName": body["displayName"],
        "givenName": given,
        "id": body["id"],
        "jobTitle": None,
        "mail": body["mail"],
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": family,
        "userPrincipalName": body["userPrincipalName"],
    }


def group(_call: Call, body: Document) -> Document:
    return {
        "id": body["id"],
        "deletedDateTime": None,
        "description": body.get("description"),
        "displayName": body["displayName"],
        "groupTypes": [],
        "mail": None,
        "mailEnabled": False,
        "mailNickname": body["displayName"],
        "securityEnabled": True,
        "visibility": None,
    }


def typed(kind: str, body: Document) -> Document:
    return {"@odata.type": f"#microsoft.graph.{kind}"} | body


def _exact(at: float) -> str:
    """Times of a password have seven digits behind the point (learn.microsoft.com/graph/api/application-addpassword);
    one that was sent in whole seconds is answered so."""
    ticks = round(at % 1 * 10_000_000)
    return stamp(at).replace("Z", f".{ticks:07}Z") if 0 < ticks < 10_000_000 else stamp(at)


def stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
