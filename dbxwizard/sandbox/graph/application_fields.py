"""The properties of an application that a body may write, in Graph's own types.

Source: learn.microsoft.com/graph/api/resources/application and the types that it names.
"""

from __future__ import annotations

from typing import Any

_CLAIM = {"name": str, "source?": str, "essential?": bool, "additionalProperties?": [str]}
_SCOPE = {
    "id": str,
    "value?": str,
    "type?": str,
    "isEnabled?": bool,
    "origin?": str,
    "adminConsentDescription?": str,
    "adminConsentDisplayName?": str,
    "userConsentDescription?": str,
    "userConsentDisplayName?": str,
}
_ROLE = {
    "id": str,
    "allowedMemberTypes": [str],
    "displayName": str,
    "description": str,
    "isEnabled?": bool,
    "origin?": str,
    "value?": str,
}
_KEY = {
    "customKeyIdentifier?": str,
    "displayName?": str,
    "endDateTime?": str,
    "key?": str,
    "keyId?": str,
    "startDateTime?": str,
    "type": str,
    "usage": str,
}
_REDIRECTS = {"redirectUris?": [str]}
_API = {
    "acceptMappedClaims?": bool,
    "knownClientApplications?": [str],
    "oauth2PermissionScopes?": [_SCOPE],
    "preAuthorizedApplications?": [{"appId": str, "delegatedPermissionIds?": [str], "permissionIds?": [str]}],
    "requestedAccessTokenVersion?": int,
}
_WEB = {
    **_REDIRECTS,
    "homePageUrl?": str,
    "implicitGrantSettings?": {"enableAccessTokenIssuance?": bool, "enableIdTokenIssuance?": bool},
    "logoutUrl?": str,
    "redirectUriSettings?": [{"uri?": str, "index?": int}],
}
_INFO = {
    "logoUrl?": str,
    "marketingUrl?": str,
    "privacyStatementUrl?": str,
    "supportUrl?": str,
    "termsOfServiceUrl?": str,
}
_LOCK = {
    "isEnabled": bool,
    "allProperties?": bool,
    "credentialsWithUsageVerify?": bool,
    "credentialsWithUsageSign?": bool,
    "tokenEncryptionKeyId?": bool,
}
# Kept as they are given, and nothing else.
KEPT: dict[str, Any] = {
    "description?": str,
    "identifierUris?": [str],
    "isDeviceOnlyAuthSupported?": bool,
    "isFallbackPublicClient?": bool,
    "notes?": str,
    "addIns?": [{"id?": str, "type": str, "properties": [{"key": str, "value": str}]}],
    "api?": _API,
    "appRoles?": [_ROLE],
    "groupMembershipClaims?": str,
    "info?": _INFO,
    "keyCredentials?": [_KEY],
    "oauth2RequirePostResponse?": bool,
    "optionalClaims?": {"idToken?": [_CLAIM], "accessToken?": [_CLAIM], "saml2Token?": [_CLAIM]},
    "parentalControlSettings?": {"countriesBlockedForMinors?": [str], "legalAgeGroupRule?": str},
    "publicClient?": _REDIRECTS,
    "requiredResourceAccess?": [{"resourceAppId": str, "resourceAccess": [{"id": str, "type": str}]}],
    "samlMetadataUrl?": str,
    "serviceManagementReference?": str,
    "servicePrincipalLockConfiguration?": _LOCK,
    "spa?": _REDIRECTS,
    "tokenEncryptionKeyId?": str,
    "web?": _WEB,
}
CHANGES = {"displayName?": str, "signInAudience?": str, "tags?": [str], "passwordCredentials?": list, **KEPT}
NEW = {name: spec for name, spec in CHANGES.items() if name != "displayName?"} | {"displayName": str}
