"""What each service answers to a bad request, and which bad request does not apply to which route, and why."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

CASES = ("version", "no version", "field", "malformed", "no token", "audience", "right")


@dataclass(frozen=True, slots=True)
class Refusal:
    """`route`: a pattern of `METHOD /path`. `code`: how the error's code begins, or its words where it has none."""

    service: str
    case: str
    status: int
    code: str
    route: str = "*"


# The first that fits counts.
REFUSALS = (
    # learn.microsoft.com/entra/identity-platform/reference-error-codes. The version is part of the path.
    Refusal("login", "version", 404, "", "GET /{tenant}/oauth2/*"),  # a page for people, without a code
    Refusal("login", "version", 404, "not_found"),
    Refusal("login", "field", 400, "invalid_request"),
    # learn.microsoft.com/graph/errors, /graph/resolve-auth-errors. The version is part of the path.
    Refusal("graph", "version", 400, "BadRequest"),
    Refusal("graph", "field", 400, "Request_BadRequest"),
    Refusal("graph", "malformed", 400, "BadRequest"),
    Refusal("graph", "no token", 401, "InvalidAuthenticationToken"),
    Refusal("graph", "audience", 401, "InvalidAuthenticationToken"),
    # An application's token has nobody to be "me" (learn.microsoft.com/graph/api/user-get).
    Refusal("graph", "right", 400, "BadRequest", "GET /v1.0/me*"),
    Refusal("graph", "right", 403, "Authorization_RequestDenied"),
    # learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider: what the
    # provider does not have in that version; for the resource manager's own operations github.com/Azure/azure-cli/
    # issues/27239 quotes the answer.
    Refusal("arm", "version", 400, "InvalidApiVersionParameter", "* *providers/Microsoft.Resources/*"),
    Refusal("arm", "version", 400, "InvalidApiVersionParameter", "* /*/operationStatuses/{operation}"),
    Refusal("arm", "version", 400, "InvalidApiVersionParameter", "* /*/checkNameAvailability"),
    Refusal("arm", "version", 400, "InvalidApiVersionParameter", "* /*/deletedVaults*"),
    Refusal("arm", "version", 400, "InvalidApiVersionParameter", "* /*/deletedManagedHSMs*"),
    Refusal("arm", "version", 400, "InvalidApiVersionParameter", "* */locations/{location}/usages"),
    Refusal("arm", "version", 400, "InvalidApiVersionParameter", "* *Microsoft.Authorization/permissions"),
    Refusal(
        "arm", "version", 400, "InvalidApiVersionParameter", "* /subscriptions/{subscription}/providers/{namespace}*"
    ),
    Refusal("arm", "version", 400, "NoRegisteredProviderFound", "PUT /subscriptions/*/providers/*/{name1}"),
    Refusal("arm", "version", 400, "InvalidResourceType", "* *providers/Microsoft.*"),
    Refusal("arm", "version", 400, "InvalidApiVersionParameter"),
    Refusal("arm", "no version", 400, "MissingApiVersionParameter"),
    # learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-invalid-request-content; a provider that
    # checks the body itself has its own code.
    Refusal("arm", "field", 400, "BadRequest", "* *providers/Microsoft.KeyVault/vaults/{name1}"),
    Refusal("arm", "field", 400, "BadRequest", "* *providers/Microsoft.Insights/diagnosticSettings/{name}"),
    Refusal(
        "arm",
        "field",
        400,
        "InvalidValuesForRequestParameters",
        "* *providers/Microsoft.Storage/storageAccounts/{name1}",
    ),
    Refusal("arm", "field", 400, "InvalidRequestContent"),
    Refusal("arm", "malformed", 400, "InvalidRequestContent"),
    # learn.microsoft.com/rest/api/gettingstarted: without a token 401, with one for somebody else the audiences.
    Refusal("arm", "no token", 401, "AuthenticationFailed"),
    Refusal("arm", "audience", 401, "InvalidAuthenticationTokenAudience"),
    # learn.microsoft.com/azure/role-based-access-control/troubleshooting
    Refusal("arm", "right", 403, "AuthorizationFailed"),
    # learn.microsoft.com/azure/key-vault/general/rest-error-codes and /authentication-requests-and-responses
    Refusal("vault", "version", 400, "BadParameter"),
    Refusal("vault", "no version", 400, "BadParameter"),
    Refusal("vault", "field", 400, "BadParameter"),
    Refusal("vault", "malformed", 400, "BadParameter"),
    Refusal("vault", "no token", 401, "Unauthorized"),
    Refusal("vault", "audience", 401, "Unauthorized"),
    Refusal("vault", "right", 403, "Forbidden"),
    # docs.github.com/actions/reference/security/oidc names no codes: 401 and 403 as HTTP has them.
    Refusal("oidc", "no token", 401, "The request token is missing"),
    Refusal("oidc", "audience", 401, "The request token is missing"),
    Refusal("oidc", "right", 403, "The workflow lacks the permission id-token: write"),
    # git over HTTPS says it in plain text: git-scm.com/docs/http-protocol
    *(
        Refusal("github", case, status, "", f"* /{{owner}}/{{repo}}/{path}")
        for path in ("info/refs", "git-upload-pack", "git-receive-pack")
        for case, status in (("no token", 401), ("audience", 401), ("right", 403))
    ),
    # docs.github.com/rest/about-the-rest-api/api-versions: "you will receive a 400 error"
    Refusal("github", "version", 400, "API version 2020-01-01 is not supported"),
    # docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
    Refusal("github", "field", 422, 'Invalid request.\n\n"surprise" is not a permitted key.'),
    Refusal("github", "malformed", 400, "Problems parsing JSON"),
    Refusal("github", "no token", 401, "Requires authentication"),
    Refusal("github", "audience", 401, "Bad credentials"),
    # docs.github.com/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens: the right
    # `metadata` is in every token; these are refused to those who don't see the repository.
    Refusal("github", "right", 404, "Not Found", "GET /repos/{owner}/{repo}"),
    Refusal("github", "right", 404, "Not Found", "GET /repos/{owner}/{repo}/rulesets*"),
    Refusal("github", "right", 403, "Resource not accessible by personal access token"),
    # docs.databricks.com/api/azure/workspace: the version is part of the path; SCIM has errors of its own form.
    Refusal("workspace", "version", 404, "No API found for", "* /api/{version}/preview/scim/*"),
    Refusal("workspace", "version", 404, "ENDPOINT_NOT_FOUND"),
    Refusal("workspace", "malformed", 400, "Invalid JSON given", "* /api/{version}/preview/scim/*"),
    Refusal("workspace", "malformed", 400, "MALFORMED_REQUEST"),
    Refusal("workspace", "no token", 401, "401"),
    Refusal("workspace", "audience", 401, "401"),
    Refusal("workspace", "right", 403, "{nobody} is not an admin", "* /api/{version}/preview/scim/*"),
    # Somebody else's token and git credential are not there for others.
    Refusal("workspace", "right", 404, "RESOURCE_DOES_NOT_EXIST", "POST /api/{version}/token/delete"),
    Refusal("workspace", "right", 404, "RESOURCE_DOES_NOT_EXIST", "* /api/{version}/git-credentials/{credential_id}"),
    Refusal("workspace", "right", 403, "PERMISSION_DENIED"),
    # The version is part of the path; errors of the protocol have words and no code.
    Refusal("ingestion", "version", 404, ""),
    Refusal("ingestion", "malformed", 400, ""),
    # learn.microsoft.com/azure/azure-monitor/logs/api/errors
    Refusal("insights", "version", 404, "PathNotFoundError"),
    Refusal("insights", "field", 400, "BadArgumentError"),
    Refusal("insights", "malformed", 400, "BadArgumentError"),
    Refusal("insights", "no token", 401, "AuthorizationRequiredError"),
    Refusal("insights", "audience", 403, "InvalidTokenError"),
    Refusal("insights", "right", 403, "InsufficientAccessError"),
)


def refusal(service: str, case: str, route: str) -> Refusal:
    """The documented answer. Raises LookupError where nobody has documented one."""
    for one in REFUSALS:
        if (one.service, one.case) == (service, case) and fnmatchcase(route, one.route):
            return one
    raise LookupError(f"no documented refusal: {service} {case} {route}")


_FORM = "public; Entra ignores form fields that it does not know (MSAL's telemetry is made of them)"
_DISCOVERY = "public: how clients find endpoints and keys before they have a token"
_OWN = "about the caller itself: nothing beyond being signed in"
_FILTERED = "answers with what the caller may see"
_ITEMS = "an item that is not as it has to be is told by its place in the batch"
_KEYED = "the key is in each item: learn.microsoft.com/azure/azure-monitor/app/connection-strings"
_MEMBER = "every member of a workspace may: learn.microsoft.com/azure/databricks/security/auth/entitlements"
_NO_VERSION = "the address has no version"
_PUBLIC_INFO = "public on GitHub: docs.github.com/rest/authentication/authenticating-to-the-rest-api"

# Services that drop unknown fields: there the answer is the same with and without one.
IGNORING = {"workspace": "measured for jobs/create in github.com/apache/airflow/pull/72148"}

# By service and route: a case that does not apply, and why. A public route has none of the token's three.
EXEMPT: dict[str, dict[str, str]] = {
    "login GET /common/discovery/instance": {"public": _DISCOVERY, "version": "any; MSAL asks before it knows one"},
    "login GET /{tenant}/v2.0/.well-known/openid-configuration": {"public": _DISCOVERY},
    "login GET /{tenant}/.well-known/openid-configuration": {"public": _DISCOVERY, "version": _NO_VERSION},
    "login GET /{tenant}/discovery/v2.0/keys": {"public": _DISCOVERY},
    "login GET /{tenant}/discovery/keys": {"public": _DISCOVERY, "version": _NO_VERSION},
    "login POST /{tenant}/oauth2/v2.0/token": {"public": "where tokens come from", "field": _FORM},
    "login POST /{tenant}/oauth2/token": {"public": "where tokens come from", "field": _FORM, "version": _NO_VERSION},
    "login GET /{tenant}/oauth2/v2.0/authorize": {"public": "a person signs in here"},
    "login POST /{tenant}/oauth2/v2.0/authorize/approve": {"public": "a person signs in here", "field": _FORM},
    "login POST /{tenant}/oauth2/v2.0/devicecode": {"public": "where tokens come from", "field": _FORM},
    "login GET /{tenant}/oauth2/v2.0/deviceauth": {"public": "a person signs in here"},
    "login POST /{tenant}/oauth2/v2.0/deviceauth/approve": {"public": "a person signs in here"},
    "oidc GET /.well-known/openid-configuration": {"public": _DISCOVERY, "version": _NO_VERSION},
    "oidc GET /.well-known/jwks": {"public": _DISCOVERY, "version": _NO_VERSION},
    "oidc GET /token": {"version": "the runner gives the whole address; its version is not documented"},
    "oidc GET /logs/{ticket}": {
        "public": "the address of a log holds its own ticket: docs.github.com/rest/actions/workflow-jobs",
        "version": _NO_VERSION,
    },
    "arm GET /metadata/endpoints": {"public": "a cloud's endpoints, read before anybody can sign in"},
    "arm GET /tenants": {"right": _OWN},
    "arm GET /subscriptions": {"right": _FILTERED},
    "arm GET /providers/Microsoft.Authorization/permissions": {"right": _OWN},
    "arm GET /{scope...}/providers/Microsoft.Authorization/permissions": {"right": _OWN},
    "arm GET /providers/Microsoft.Authorization/roleDefinitions": {"right": _FILTERED},
    "arm GET /providers/Microsoft.Authorization/roleDefinitions/{name}": {"right": _FILTERED},
    "arm POST /providers/Microsoft.Resources/calculateTemplateHash": {
        "field": "the body is any template at all",
        "right": _OWN,
    },
    "arm GET /subscriptions/{subscription}/providers/{namespace}/locations/{location}/operationStatuses/{operation}": {
        "right": "the address is given to whoever began the operation"
    },
    "arm GET /subscriptions/{subscription}/operationresults/{operation}": {
        "right": "the address is given to whoever began the operation"
    },
    **{
        f"github {route}": {"version": "git's protocol has versions of its own"}
        for route in (
            "GET /{owner}/{repo}/info/refs",
            "POST /{owner}/{repo}/git-upload-pack",
            "POST /{owner}/{repo}/git-receive-pack",
        )
    },
    "github GET /": {"right": "the start of the API: any token may ask"},
    "github GET /rate_limit": {"right": _OWN},
    "github GET /user": {"right": _OWN},
    "github GET /user/repos": {"right": _FILTERED},
    "github GET /users/{login}": {"right": _PUBLIC_INFO},
    "github GET /orgs/{login}": {"right": _PUBLIC_INFO},
    "github GET /orgs/{login}/repos": {"right": _FILTERED},
    "workspace GET /.well-known/databricks-config": {"public": _DISCOVERY, "version": _NO_VERSION},
    "workspace GET /api/{version}/preview/scim/v2/Me": {"right": _OWN},
    **{
        f"workspace GET /api/{{version}}/preview/scim/v2/{kind}{one}": {"right": _MEMBER}
        for kind in ("ServicePrincipals", "Users", "Groups")
        for one in ("", "/{id}")
    },
    "workspace GET /api/{version}/clusters/list": {"right": _FILTERED},
    "workspace GET /api/{version}/clusters/list-node-types": {"right": _MEMBER},
    "workspace GET /api/{version}/clusters/spark-versions": {"right": _MEMBER},
    "workspace GET /api/{version}/libraries/all-cluster-statuses": {"right": _FILTERED},
    "workspace POST /api/{version}/secrets/scopes/create": {"right": _MEMBER},
    "workspace GET /api/{version}/secrets/scopes/list": {"right": _MEMBER},
    "workspace POST /api/{version}/git-credentials": {"right": _OWN},
    "workspace GET /api/{version}/git-credentials": {"right": _OWN},
    "workspace GET /api/{version}/repos": {"right": _FILTERED},
    "workspace POST /api/{version}/jobs/create": {"right": _MEMBER},
    "workspace GET /api/{version}/jobs/list": {"right": _FILTERED},
    "workspace POST /api/{version}/jobs/runs/submit": {"right": _MEMBER},
    "workspace GET /api/{version}/jobs/runs/list": {"right": _FILTERED},
    "workspace POST /api/{version}/token/create": {"right": _OWN},
    "workspace GET /api/{version}/token/list": {"right": _OWN},
    **{
        f"packages GET {path}": {"public": "an index of packages: peps.python.org/pep-0503", "version": _NO_VERSION}
        for path in ("/simple/", "/simple/{project}/", "/files/{sha}/{name}")
    },
    "ingestion POST /v2/track": {"public": _KEYED, "field": _ITEMS},
    "ingestion POST /v2.1/track": {"public": _KEYED, "field": _ITEMS},
}
