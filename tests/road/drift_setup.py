"""The fields that the steps of setup set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dbxwizard.steps.azure.custom_role import DEFAULT_NAME, role_guid
from dbxwizard.steps.azure.role_assignments import BUILT_IN_ROLES
from dbxwizard.steps.identity.applications import unique_name
from tests.road.drifting import Drift, at, fewer, put

ROLE = "PUT /{scope...}/providers/Microsoft.Authorization/roleDefinitions/{name} properties"
ASSIGNMENT = "PUT /{scope...}/providers/Microsoft.Authorization/roleAssignments/{name} properties"
APPLICATION = "PATCH /v1.0/applications/{key}"
TRUST = "POST /v1.0/applications/{key}/federatedIdentityCredentials"
PASSWORD = "POST /v1.0/applications/{key}/addPassword passwordCredential"
REPOSITORY = "/repos/{owner}/{repo}"
ENVIRONMENT = f"PUT {REPOSITORY}/environments/{{environment}}"
POLICIES = f"{REPOSITORY}/environments/{{environment}}/deployment-branch-policies"
RULESETS, CHECKS = f"{REPOSITORY}/rulesets", "required_status_checks"
VARIABLE = f"POST {REPOSITORY}/environments/{{environment}}/variables"
SECRET = f"PUT {REPOSITORY}/environments/{{environment}}/secrets/{{name}}"

_EXTRA = {"displayName": "other", "tags": [], "signInAudience": "AzureADMultipleOrgs"}
_TRUSTED = {"subject": "repo:contoso/other:ref:main", "issuer": "https://example.com", "audiences": ["api://other"]}


def _custom_role(name: str, path: str, value: Any) -> Drift:
    field = path.rsplit(".", 1)[-1]
    return Drift(
        f"role's {name}",
        "arm.roleDefinition",
        at(path, value),
        f"custom role {DEFAULT_NAME}",
        (field,),
        (f"{ROLE}.{path}",),
        where=(f"'{DEFAULT_NAME}'",),
    )


def _application(field: str, value: Any) -> Drift:
    return Drift(
        f"application's {field}",
        "directory.application",
        put(**{field: value}),
        "application dbxwizard-contoso-databricks-main",
        (field,),
        (f"{APPLICATION} {field}",),
        where=(unique_name("contoso/databricks", "main-spn"),),
    )


def _trust(field: str, value: Any) -> Drift:
    return Drift(
        f"trust's {field}",
        "directory.application",
        at(f"federatedIdentityCredentials.[].{field}", value),
        "trust of databricks-spn in GitHub environment Development",
        (field,),
        (f"{TRUST} {field}",),
        where=(unique_name("contoso/databricks", "databricks-spn"),),
    )


SETUP = [
    Drift(
        "provider",
        "arm.provider",
        put(registrationState="NotRegistered"),
        "subscription",
        ("Microsoft.KeyVault",),
        ("POST /subscriptions/{subscription}/providers/{namespace}/register ",),
        key="keyvault",
    ),
    _custom_role("description", "description", "?"),
    *(
        _custom_role(name, f"permissions.[].{name}", ["*/read"])
        for name in ("actions", "notActions", "dataActions", "notDataActions")
    ),
    # Here a role that can't be assigned is not there.
    replace(
        _custom_role("scopes", "assignableScopes", ["/subscriptions/11111111-0000-4000-8000-000000000000"]),
        named=("roleName", "actions", "assignableScopes"),
    ),
    Drift(
        "role assignment",
        "arm.roleAssignment",
        None,
        "role Contributor of main-spn",
        ("role", "principal", "scope"),
        (f"{ASSIGNMENT}.roleDefinitionId", f"{ASSIGNMENT}.principalId"),
        where=(f"roleDefinitions/{BUILT_IN_ROLES['Contributor']}'",),
    ),
    Drift(
        "condition",
        "arm.roleAssignment",
        put(condition=None, conditionVersion=None),
        "role Role Based Access Control Administrator of main-spn",
        ("condition",),
        (f"{ASSIGNMENT}.condition", f"{ASSIGNMENT}.conditionVersion"),
        where=("GuidEquals",),
    ),
    Drift(
        "assignment's description",
        "arm.roleAssignment",
        put(description="?"),
        "role custom role of databricks-spn",
        ("description",),
        (f"{ASSIGNMENT}.description",),
        where=(f"roleDefinitions/{role_guid(DEFAULT_NAME)}'",),
    ),
    *(_application(field, value) for field, value in _EXTRA.items()),
    Drift(
        "service principal",
        "directory.servicePrincipal",
        None,
        "application dbxwizard-contoso-databricks-main",
        ("servicePrincipal",),
        sets=("POST /v1.0/servicePrincipals appId",),
        where=("databricks-main'",),
        writes=4,
        steps=4,
        alone=True,
        anew=True,
    ),
    Drift(
        "trust",
        "directory.application",
        fewer("federatedIdentityCredentials", name="github-development"),
        "trust of main-spn in GitHub environment Development",
        ("issuer", "subject", "audiences"),
        (f"{TRUST} name",),
        where=(unique_name("contoso/databricks", "main-spn"),),
    ),
    *(_trust(field, value) for field, value in _TRUSTED.items()),
    Drift(
        "GitHub environment",
        "github.environment",
        None,
        "GitHub environment Development",
        ("deployment branches and tags",),
        key="/development",
        writes=3,
    ),
    Drift(
        "GitHub environment's limit",
        "github.environment",
        put(deployment_branch_policy=None, policies=[]),
        "GitHub environment Development",
        ("deployment branches and tags: all → branch main, tag v*",),
        tuple(
            f"{ENVIRONMENT} deployment_branch_policy.{one}" for one in ("protected_branches", "custom_branch_policies")
        ),
        key="/development",
        writes=3,
    ),
    Drift(
        "branch that may deploy",
        "github.environment",
        lambda body: {**body, "policies": body["policies"][1:]},
        "GitHub environment Development",
        ("deployment branches and tags: tag v* → branch main, tag v*",),
        (f"POST {POLICIES} name", f"POST {POLICIES} type"),
        key="/development",
    ),
    Drift(
        "branch that may not deploy",
        "github.environment",
        lambda body: {**body, "policies": [*body["policies"], {"id": 7, "name": "hotfix/*", "type": "branch"}]},
        "GitHub environment Development",
        ("deployment branches and tags: branch hotfix/*, branch main, tag v* → branch main, tag v*",),
        key="/development",
    ),
    Drift(
        "GitHub variable",
        "github.variable",
        put(value="other"),
        "GitHub variables of Development",
        ("AZURE_CLIENT_ID",),
        (f"{VARIABLE} value",),
        key="/development/AZURE_CLIENT_ID",
    ),
    Drift(
        "GitHub variable gone",
        "github.variable",
        None,
        "GitHub variables of Development",
        ("ARM_TENANT_ID",),
        (f"{VARIABLE} name",),
        key="/development/ARM_TENANT_ID",
    ),
    Drift(
        "branch release",
        "github.ref",
        None,
        "files in contoso/databricks",
        ("branch release",),
        (f"POST {REPOSITORY}/git/refs ref", f"POST {REPOSITORY}/git/refs sha"),
        key="refs/heads/release",
    ),
    Drift(
        "ruleset",
        "github.ruleset",
        None,
        "GitHub ruleset for release",
        ("enforcement", "branches", "rule deletion", "rule non_fast_forward", "rule pull_request", f"rule {CHECKS}"),
        tuple(f"POST {RULESETS} {one}" for one in ("name", "target")),
        where=("'dbxwizard: release'",),
    ),
    Drift(
        "ruleset's enforcement",
        "github.ruleset",
        put(enforcement="disabled"),
        "GitHub ruleset for main",
        ("enforcement: disabled → active",),
        (f"POST {RULESETS} enforcement",),
        where=("'dbxwizard: main'",),
    ),
    Drift(
        "ruleset's branch",
        "github.ruleset",
        at("conditions.ref_name", {"include": ["refs/heads/other"], "exclude": ["refs/heads/main"]}),
        "GitHub ruleset for main",
        ("branches: refs/heads/other, not refs/heads/main → refs/heads/main",),
        tuple(f"POST {RULESETS} conditions.ref_name.{one}" for one in ("include", "exclude")),
        where=("'dbxwizard: main'",),
    ),
    Drift(
        "ruleset's rules",
        "github.ruleset",
        lambda body: {**body, "rules": [one for one in body["rules"] if one["type"] != "deletion"]},
        "GitHub ruleset for main",
        ("rule deletion: absent → required",),
        (f"POST {RULESETS} rules.[].type",),
        where=("'dbxwizard: main'",),
    ),
    Drift(
        "ruleset's checks",
        "github.ruleset",
        at(f"rules.[-1].parameters.{CHECKS}", [{"context": "Plan", "integration_id": 15368}]),
        "GitHub ruleset for main",
        ("required checks: Plan → Code and parameters, Plan",),
        (f"POST {RULESETS} rules.[].parameters.{CHECKS}.[].context",),
        where=("'dbxwizard: main'",),
    ),
]
# With client secrets, a pair for each environment, and a pull request that waits.
SETUP_WITH_SECRETS = [
    Drift(
        "client secret",
        "directory.application",
        put(passwordCredentials=[]),
        "client secret of Development/main-spn",
        ("displayName", "lifetime"),
        where=(unique_name("contoso/databricks", "Development/main-spn"),),
        writes=3,
        steps=2,
        alone=True,
        anew=True,
    ),
    Drift(
        "client secret's name",
        "directory.application",
        at("passwordCredentials.[].displayName", "other"),
        "client secret of Development/main-spn",
        ("displayName", "lifetime"),
        (f"{PASSWORD}.displayName",),
        where=(unique_name("contoso/databricks", "Development/main-spn"),),
        writes=3,
        steps=2,
        alone=True,
        anew=True,
    ),
    Drift(
        "client secret's end",
        "directory.application",
        lambda body: at("passwordCredentials.[].endAt", body["createdAt"] + 86400)(body),
        "client secret of Development/databricks-spn",
        ("endDateTime",),
        (f"{PASSWORD}.endDateTime",),
        where=(unique_name("contoso/databricks", "Development/databricks-spn"),),
        writes=4,
        steps=3,
        alone=True,
        anew=True,
    ),
    Drift(
        "GitHub secret gone",
        "github.secret",
        None,
        "GitHub secrets of Development",
        ("ARM_TENANT_ID",),
        (f"{SECRET} key_id",),
        key="/development/ARM_TENANT_ID",
        writes=2,
        alone=True,
        anew=True,
    ),
    Drift(
        "GitHub secret written by somebody",
        "github.secret",
        lambda body: {**body, "updatedAt": body["updatedAt"] + 3600},
        "GitHub secrets of Development",
        ("PAT_GITHUB",),
        (f"{SECRET} encrypted_value",),
        key="/development/PAT_GITHUB",
        writes=2,
        alone=True,
        anew=True,
    ),
    Drift(
        "pull request",
        "github.pull",
        None,
        "files in contoso/databricks",
        ("",),
        tuple(f"POST {REPOSITORY}/pulls {field}" for field in ("head", "base", "title", "body")),
        alone=True,
        anew=True,
    ),
]
_COMMIT = "a commit never changes, and what branches hold is compared"
_GROUP = "PUT /subscriptions/{subscription}/resourcegroups/{group}"
NEVER = {
    f"{ROLE}.roleName": "its key: a role of another name is another role",
    f"{ROLE}.type": "always CustomRole, which nobody can change",
    f"{ASSIGNMENT}.principalType": "follows from the principal",
    f"POST {RULESETS} bypass_actors": "sent back as they are",
    f"POST {RULESETS} rules.[].parameters.{CHECKS}.[].integration_id": "sent back as it is",
    **{
        f"POST {RULESETS} rules.[].parameters.{one}": "how strict a rule is remains the people's decision"
        for one in (
            "required_approving_review_count",
            "dismiss_stale_reviews_on_push",
            "require_code_owner_review",
            "require_last_push_approval",
            "required_review_thread_resolution",
            "strict_required_status_checks_policy",
            "do_not_enforce_on_create",
        )
    },
    f"{_GROUP} location": "a group can't move; one elsewhere is refused (tests/arm)",
    **{f"{_GROUP} tags.{name}": "deploy's (tests/deployments)" for name in ("dbxwizard", "environment", "managed-by")},
    **dict.fromkeys(
        (
            *(f"POST {REPOSITORY}/git/trees {field}" for field in ("base_tree", "tree.[].path", "tree.[].mode")),
            *(f"POST {REPOSITORY}/git/trees {field}" for field in ("tree.[].type", "tree.[].content")),
            *(f"POST {REPOSITORY}/git/commits {field}" for field in ("message", "tree", "parents")),
            *(f"PATCH {REPOSITORY}/git/refs/{{ref...}} {field}" for field in ("sha", "force")),
            *(f"PUT {REPOSITORY}/contents/{{path...}} {field}" for field in ("message", "content", "branch")),
        ),
        _COMMIT,
    ),
}
