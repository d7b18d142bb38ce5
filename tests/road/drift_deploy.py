"""The fields that the steps of deploy set; those of the template are in tests/deployments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dbxwizard.sandbox.store import Document, Store
from dbxwizard.steps.azure.role_assignments import BUILT_IN_ROLES
from tests.road.drifting import GONE, Drift, at, fewer, level, put

SCIM = "/api/{version}/preview/scim/v2"
PERMISSION = "permissions/{object_type}/{object_id} access_control_list.[]"
CLUSTER, JOB = "POST /api/{version}/clusters/create", "POST /api/{version}/jobs/create"
SCOPE, CREDENTIAL = "POST /api/{version}/secrets", "POST /api/{version}/git-credentials"
RULES = "PUT /api/{version}/preview/accounts/access-control/rule-sets"
TOKEN, VAULT = "POST /api/{version}/token/create", "PUT /secrets/{name}"

_OURS = "service principal dbxwizard-contoso-databricks-databricks"
_ADA = "access of ada@contoso.example"
_OWNER_OF_DATABRICKS = "The service principal that owns what lives in Databricks"
_CREDENTIALS, _SECRETS = "secret scope DBX_SP_Credentials", "secret scope AzureResourceSecrets"


@dataclass(frozen=True)
class NoAdmin(Drift):
    """The service principal is no longer in the group admins."""

    def happen(self, store: Store) -> None:
        found = [body for _, body in store.find("databricks.principal") if body["kind"] == "servicePrincipal"]
        ours = next(body["id"] for body in found if "allow-cluster-create" in body["entitlements"])
        key, admins = next((key, body) for key, body in store.find(self.kind) if body["displayName"] == "admins")
        store.put(self.kind, key, {**admins, "members": [one for one in admins["members"] if one != ours]})


def _entitlements(kind: str, step: str, missing: str, left: Iterable[str], route: str) -> Drift:
    return Drift(
        f"entitlements of the {kind}",
        "databricks.principal",
        put(entitlements=sorted(left)),
        step,
        (f"entitlements[{missing}]",),
        (f"PATCH {SCIM}/{route}/{{id}} Operations.[].value.[].value", f"POST {SCIM}/{route} entitlements.[].value"),
        where=(f"'{kind}'", f"'{missing}'"),
    )


def _right(kind: str, held: str, other: str, named: str) -> Drift:
    return Drift(
        f"person's right on {kind}",
        "databricks.acl",
        level("user_name", other),
        _ADA,
        (named,),
        (f"PATCH /api/{{version}}/{PERMISSION}.permission_level",),
        where=(held,),
    )


def _manager(step: str, held: str) -> Drift:
    return Drift(
        f"manager of the {step}",
        "databricks.acl",
        fewer("entries", kind="service_principal_name", level="CAN_MANAGE"),
        step,
        ("manager",),
        (f"PUT /api/{{version}}/{PERMISSION}.permission_level",),
        where=(held,),
    )


def _without_library(kind: str) -> Callable[[Document], Document]:
    """A cluster whose libraries of this kind are gone."""
    return lambda body: {**body, "libraries": [one for one in body["libraries"] if kind not in one["library"]]}


DEPLOY = [
    Drift(
        "role assignment",
        "arm.roleAssignment",
        None,
        "role Key Vault Administrator of databricks-spn",
        ("role", "principal", "scope"),
        where=(f"roleDefinitions/{BUILT_IN_ROLES['Key Vault Administrator']}'", _OWNER_OF_DATABRICKS),
    ),
    Drift(
        "role assignment's description",
        "arm.roleAssignment",
        put(description="?"),
        "role Key Vault Administrator of ada@contoso.example",
        ("description",),
        where=("'You'",),
    ),
    _entitlements(
        "servicePrincipal",
        _OURS,
        "allow-cluster-create",
        ("workspace-access", "databricks-sql-access"),
        "ServicePrincipals",
    ),
    NoAdmin(
        "service principal among the admins",
        "databricks.group",
        None,
        _OURS,
        ("groups[admins]",),
        (f"PATCH {SCIM}/Groups/{{id}} Operations.[].value.[].value",),
    ),
    _entitlements("user", _ADA, "databricks-sql-access", ("workspace-access",), "Users"),
    _right("a cluster", "CAN_RESTART", "CAN_ATTACH_TO", "clusters[dbx-sp-cluster]"),
    _right("a job", "CAN_MANAGE_RUN", "CAN_VIEW", "jobs[job_remote_analysis]"),
    _right("a folder", "CAN_READ", "CAN_RUN", "folders["),
    _manager("cluster dbx-sp-cluster in", "CAN_RESTART"),
    _manager("Git folder DevelopmentFolder", "CAN_READ"),
    Drift(
        "job's owner",
        "databricks.acl",
        fewer("entries", level="IS_OWNER"),
        "job job_remote_analysis",
        ("owner",),
        (f"{JOB} access_control_list.[].permission_level",),
        where=("IS_OWNER",),
    ),
    Drift("folder's branch", "databricks.repo", put(branch="release"), "Git folder DevelopmentFolder", ("branch",)),
    Drift(
        "folder's commit",
        "databricks.repo",
        put(head_commit_id="0" * 40),
        "Git folder DevelopmentFolder",
        ("head_commit_id",),
    ),
    Drift(
        "right to run as the service principal",
        "databricks.ruleSet",
        fewer("grant_rules", role="roles/servicePrincipal.user"),
        "of the Databricks account",
        ("roles/servicePrincipal.user",),
        where=("'roles/servicePrincipal.user'",),
        sets=(f"{RULES} rule_set.grant_rules.[].principals", f"{RULES} rule_set.grant_rules.[].role"),
    ),
    Drift(
        "secret's value",
        "databricks.secret",
        put(value="b3RoZXI="),
        _CREDENTIALS,
        ("secrets[DBX_SP_ClientID]",),
        (f"{SCOPE}/put string_value",),
        key="DBX_SP_ClientID",
    ),
    Drift(
        "secret",
        "databricks.secret",
        None,
        _SECRETS,
        ("secrets[appi_ik]",),
        (f"{SCOPE}/put key", f"{SCOPE}/put scope"),
        key="appi_ik",
    ),
    Drift(
        "scope's right",
        "databricks.scope",
        lambda body: {**body, "acls": {**body["acls"], "ada@contoso.example": "WRITE"}},
        _SECRETS,
        ("acls[ada@contoso.example]",),
        tuple(f"{SCOPE}/acls/put {field}" for field in ("permission", "principal", "scope")),
        key="AzureResourceSecrets",
    ),
    Drift(
        "somebody's right on a scope",
        "databricks.scope",
        lambda body: {**body, "acls": {**body["acls"], "grace@contoso.example": "READ"}},
        _SECRETS,
        ("acls[grace@contoso.example]",),
        tuple(f"{SCOPE}/acls/delete {field}" for field in ("principal", "scope")),
        key="AzureResourceSecrets",
    ),
    Drift(
        "wheel's bytes",
        "databricks.object",
        lambda body: {**body, "content": "", "size": 0},
        "wheel framework",
        ("content",),
        ("POST /api/{version}/workspace/import ",),
        key=".whl",
    ),
    Drift(
        "wheel on a cluster",
        "databricks.library",
        _without_library("whl"),
        "wheel framework",
        ("clusters[dbx-sp-cluster]",),
        tuple(f"POST /api/{{version}}/libraries/install {field}" for field in ("cluster_id", "libraries.[].whl")),
    ),
    Drift(
        "library of a cluster",
        "databricks.library",
        _without_library("pypi"),
        "cluster dbx-sp-cluster in",
        ("libraries[",),
        ("POST /api/{version}/libraries/install libraries.[].pypi.package",),
    ),
]
DEPLOY_WITH_SECRETS = [
    Drift(
        "Git credential's user",
        "databricks.gitCredential",
        put(git_username="other"),
        "Git credential for gitHub",
        ("git_username",),
        (f"{CREDENTIAL} git_username",),
    ),
    Drift(
        "Git credential's token",
        "databricks.gitCredential",
        put(name="another token"),
        "Git credential for gitHub",
        ("personal_access_token",),
        (f"{CREDENTIAL} personal_access_token", f"{CREDENTIAL} name"),
    ),
    Drift(
        "Git credential",
        "databricks.gitCredential",
        None,
        "Git credential for gitHub",
        ("git_provider", "git_username"),
        (f"{CREDENTIAL} git_provider",),
    ),
    Drift(
        "access token",
        "databricks.token",
        None,
        "secret dbkstoken of Development",
        ("token",),
        writes=3,
        steps=2,
        alone=True,
        anew=True,
    ),
    Drift(
        "access token's comment",
        "databricks.token",
        put(comment="another"),
        "secret dbkstoken of Development",
        ("token",),
        (f"{TOKEN} comment",),
        writes=3,
        steps=2,
        alone=True,
        anew=True,
    ),
    Drift(
        "vault's token id",
        "vault.secret",
        at("versions.[-1].tags.token_id", "another"),
        "secret dbkstoken of Development",
        ("token",),
        (f"{VAULT} tags.token_id", f"{VAULT} value"),
        writes=4,
        steps=2,
        alone=True,
        anew=True,
    ),
    Drift(
        "vault's end",
        "vault.secret",
        at("versions.[-1].attributes.exp", 1),
        "secret dbkstoken of Development",
        ("expires",),
        (f"{VAULT} attributes.exp", f"{TOKEN} lifetime_seconds"),
        writes=4,
        steps=2,
        alone=True,
        anew=True,
    ),
]
# Other values for what is sent for a cluster and a job, where the service knows some words only.
_OTHERS: Mapping[str, Any] = {
    "spark_version": "16.4.x-scala2.12",
    "node_type_id": "Standard_D8ds_v5",
    "data_security_mode": "SINGLE_USER",
    "runtime_engine": "PHOTON",
    "spark_conf": {"spark.speculation": "true"},
    "custom_tags.dbxwizard": GONE,
    "tags.dbxwizard": GONE,
    "tasks.[].notebook_task.source": "WORKSPACE",
    "git_source.git_provider": "gitLab",
}


def of_cluster(sent: Mapping[str, Any]) -> list[Drift]:
    """A row for each field that was sent for a cluster."""
    return [_sent(CLUSTER, "cluster", "cluster dbx-sp-cluster2", "spec", path, value) for path, value in sent.items()]


def of_job(sent: Mapping[str, Any]) -> list[Drift]:
    own = {path: value for path, value in sent.items() if not path.startswith("access_control_list")}
    return [_sent(JOB, "job", "job job_remote_analysis", "settings", path, value) for path, value in own.items()]


def _sent(route: str, kind: str, step: str, held: str, path: str, value: Any) -> Drift:
    other = _OTHERS.get(path, value + 1 if isinstance(value, int) else f"{value}-other")
    return Drift(
        f"{kind}'s {path}",
        f"databricks.{kind}",
        at(f"{held}.{path}", other),
        step,
        (path.split(".", maxsplit=1)[0],),
        (f"{route} {path}",),
        where=(f"'{step.split(' ')[1]}'",),
    )


_KEY = "its key"
_DIRECTORY = "the account takes it from the directory (docs.databricks.com/api/iam/v2)"
_FORM = "the form of the request"
NEVER = {
    **{f"PATCH {SCIM}/{kind}/{{id}} {field}": _FORM for kind in ("Users", "Groups", "ServicePrincipals")
       for field in ("schemas", "Operations.[].op", "Operations.[].path")},
    **{f"POST {SCIM}/{kind} schemas": _FORM for kind in ("Users", "ServicePrincipals")},
    f"POST {SCIM}/ServicePrincipals applicationId": _KEY,
    f"POST {SCIM}/ServicePrincipals displayName": _DIRECTORY,
    f"POST {SCIM}/ServicePrincipals externalId": _DIRECTORY,
    f"POST {SCIM}/Users userName": _KEY,
    f"POST {SCIM}/Users externalId": _DIRECTORY,
    f"PATCH /api/{{version}}/{PERMISSION}.user_name": _KEY,
    f"PUT /api/{{version}}/{PERMISSION}.service_principal_name": _KEY,
    f"PATCH /api/{{version}}/{PERMISSION}.service_principal_name": _KEY,
    f"{JOB} access_control_list.[].service_principal_name": _KEY,
    f"{RULES} name": _KEY,
    f"{RULES} rule_set.name": _KEY,
    f"{RULES} rule_set.etag": "what the answer is to",
    f"{SCOPE}/scopes/create scope": _KEY,
    "POST /api/{version}/repos url": "a folder of another repository is refused (tests/databricks)",
    "POST /api/{version}/repos provider": "follows from the address",
    "POST /api/{version}/repos path": _KEY,
    "POST /api/{version}/workspace/mkdirs path": _KEY,
}  # fmt: skip
