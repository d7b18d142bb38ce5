"""A sandbox with one of everything, and principals who may do nothing with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import quote, urlencode

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.databricks.rule_sets import ACCOUNT_ID
from dbxwizard.sandbox.entra.directory import ADA, DATA_SCIENTISTS_ID
from dbxwizard.sandbox.fields import Spec, check
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.oidc import Job, job_token_request
from dbxwizard.sandbox.github.seed import REPOSITORY, SANDBOX_TOKEN
from dbxwizard.sandbox.http import Route
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.tokens import DATABRICKS_APP_ID, TENANT_ID
from tests.sandbox.wire import Wire

SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-strict"
VAULT = "kv-strict"
WORKSPACE = f"{GROUP}/providers/Microsoft.Databricks/workspaces/dbx-strict"
AUDIENCES = {
    "graph": "https://graph.microsoft.com",
    "arm": "https://management.core.windows.net/",
    "vault": "https://vault.azure.net",
    "workspace": DATABRICKS_APP_ID,
    "insights": "https://api.applicationinsights.io",
}
# What GitHub shows to nobody: a token without permissions, and one of somebody who is no collaborator.
POWERLESS, OUTSIDER = "github_pat_strict_powerless", "ghp_strict_outsider"
CLUSTER = {
    "cluster_name": "strict",
    "spark_version": "17.3.x-scala2.13",
    "node_type_id": "Standard_DS3_v2",
    "num_workers": 1,
    "data_security_mode": "USER_ISOLATION",
}


class StrictWorld:
    """`owner`: tokens of who owns everything, by service; `nobody`: of an application without any right.

    `params` and `values`: by service, what to put into paths, and into bodies and queries, to name things that exist.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.wire = Wire(sandbox.state)
        self.owner = {name: self.wire.person_token(ADA, audience) for name, audience in AUDIENCES.items()}
        self.params: dict[str, dict[str, str]] = {}
        self.values: dict[str, dict[str, Any]] = {}
        self._make_application()
        self._make_azure()
        self._make_github()
        self._make_workspace()
        self._make_secret()
        self._make_component()

    def ask(self, service: str, method: str, path: str, body: object = None, **headers: str) -> Any:
        """A request of the owner's, which works."""
        token = self.owner.get(service, SANDBOX_TOKEN)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.wire.send(method, self.host(service), path, token=token, json_body=body, headers=names)
        assert answer.status < 300, (method, path, answer.status, answer.body)
        return answer.json if answer.body else {}

    def host(self, service: str) -> str:
        return {"vault": f"vault:{VAULT}", "workspace": self._workspace_host()}.get(service, service)

    def _workspace_host(self) -> str:
        return next((name for name in Ports(self.wire.store).known() if name.startswith("workspace:")), "workspace")

    def path(self, service: str, route: Route) -> str:
        """The route's path, and what its query may say, for things that are there."""
        path = route.path
        for name, value in self.params[service].items():
            path = path.replace(f"{{{name}}}", quote(value, safe="/"))
        assert "{" not in path, path
        known = self.values.get(service, {})
        query = {name: known[name] for name in sorted(route.query) if name in known}
        return f"{path}?{urlencode(query)}" if query else path

    def token(self, service: str) -> str:
        """One that may do everything."""
        return {"github": SANDBOX_TOKEN, "oidc": self.job_token, "login": ""}.get(service) or self.owner.get(
            service, ""
        )

    def foreign_token(self, service: str) -> str:
        """The owner's, for another service."""
        return self.owner["graph" if service == "arm" else "arm"]

    def powerless_token(self, service: str) -> str:
        """Of somebody who is known and may do nothing."""
        return {"github": POWERLESS, "oidc": self.silent_job_token}.get(service) or self.nobody[service]

    # What there is.

    def _make_application(self) -> None:
        made = self.ask("graph", "POST", "/v1.0/applications", {"displayName": "nobody"})
        self.ask("graph", "POST", "/v1.0/servicePrincipals", {"appId": made["appId"]})
        self.nobody_app = made["appId"]
        secret = self.ask("graph", "POST", f"/v1.0/applications/{made['id']}/addPassword", {})["secretText"]
        self.nobody = {
            name: self.wire.application_token(made["appId"], secret, audience) for name, audience in AUDIENCES.items()
        }
        trust = {"name": "strict", "issuer": "https://issuer.example", "subject": "s", "audiences": ["a"]}
        self.ask("graph", "POST", f"/v1.0/applications/{made['id']}/federatedIdentityCredentials", trust)
        deleted = self.ask("graph", "POST", "/v1.0/applications", {"displayName": "gone"})
        self.ask("graph", "DELETE", f"/v1.0/applications/{deleted['id']}")
        self.params["login"] = {"tenant": TENANT_ID}
        self.params["graph"] = {"key": made["id"], "id": DATA_SCIENTISTS_ID, "credential": "strict"}

    def _make_azure(self) -> None:
        for name in ("KeyVault", "Databricks", "Compute", "Network", "Storage", "ManagedIdentity"):
            self.ask("arm", "POST", f"{SUBSCRIPTION}/providers/Microsoft.{name}/register?api-version=2022-09-01")
        here = {"location": "westeurope"}
        self.ask("arm", "PUT", f"{GROUP}?api-version=2022-09-01", here)
        vault = {"tenantId": TENANT_ID, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True}
        path = f"{GROUP}/providers/Microsoft.KeyVault/vaults/{VAULT}"
        self.ask("arm", "PUT", f"{path}?api-version=2023-07-01", {**here, "properties": vault})
        managed = {"managedResourceGroupId": f"{SUBSCRIPTION}/resourceGroups/rg-strict-managed"}
        body = {**here, "sku": {"name": "premium"}, "properties": managed}
        self.ask("arm", "PUT", f"{WORKSPACE}?api-version=2024-05-01", body)
        self._assign("00482a5a-887f-4fb3-b363-3b7fe8e74483")  # Key Vault Administrator
        self.params["arm"] = {
            "subscription": SUBSCRIPTION_ID,
            "group": "rg-strict",
            "management": TENANT_ID,
            "namespace": "Microsoft.KeyVault",
            "location": "westeurope",
            "operation": str(uuid.UUID(int=1)),
            "scope...": GROUP.lstrip("/"),
            "name": str(uuid.UUID(int=2)),
            "name1": "strict1",
            "name2": "default",
            "name3": "strict3",
        }

    def _assign(self, role: str) -> None:
        me = self.ask("graph", "GET", "/v1.0/me")["id"]
        definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        path = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid5(uuid.UUID(role), me)}"
        body = {"properties": {"principalId": me, "principalType": "User", "roleDefinitionId": definition}}
        self.ask("arm", "PUT", f"{path}?api-version=2022-04-01", body)

    def _make_github(self) -> None:
        store = self.wire.store
        with store.transaction():
            access.add_token(store, POWERLESS, "ada", kind="fine-grained", repositories=[REPOSITORY])
            access.add_token(store, OUTSIDER, "grace", scopes=("repo", "workflow"))
            _, self.job_token = job_token_request(store, Ports(store), Job(REPOSITORY))
            _, self.silent_job_token = job_token_request(store, Ports(store), Job(REPOSITORY, may_ask=False))
        root = f"/repos/{REPOSITORY}"
        self.ask("github", "PATCH", root, {"private": True})
        file = {"message": "strict", "content": "c3RyaWN0"}
        sha = self.ask("github", "PUT", f"{root}/contents/README.md", file)["commit"]["sha"]
        self.ask("github", "PUT", f"{root}/environments/strict", {})
        owner, name = REPOSITORY.split("/")
        self.values["github"] = {"service": "git-upload-pack"}
        self.params["oidc"] = {"ticket": "x"}
        self.params["github"] = {
            "owner": owner,
            "repo": name,
            "login": owner,
            "environment": "strict",
            "policy": "1",
            "name": "STRICT",
            "sha": sha,
            "sha...": sha,
            "ref...": "heads/main",
            "path...": "README.md",
            "branch...": "main",
            "range...": "main...main",
            "number": "1",
            "comment": "1",
            "ruleset": "1",
            "workflow": "strict.yml",
            "run": "1",
            "attempt": "1",
            "job": "1",
            "deployment": "1",
            "status": "1",
            "check": "1",
            "suite": "1",
            "slug": "platform",
        }

    def _make_workspace(self) -> None:
        entering = {
            "X_Databricks_Azure_Workspace_Resource_Id": WORKSPACE,
            "X_Databricks_Azure_SP_Management_Token": self.owner["arm"],
        }
        ask = self.ask
        me = ask("workspace", "GET", "/api/2.0/preview/scim/v2/Me", **entering)
        body = {"applicationId": self.nobody_app, "displayName": "nobody"}
        ask("workspace", "POST", "/api/2.0/preview/scim/v2/ServicePrincipals", body)
        cluster = ask("workspace", "POST", "/api/2.0/clusters/create", CLUSTER)["cluster_id"]
        ask("workspace", "POST", "/api/2.0/secrets/scopes/create", {"scope": "strict"})
        ask("workspace", "POST", "/api/2.0/secrets/put", {"scope": "strict", "key": "strict", "string_value": "hidden"})
        task = {"task_key": "t", "existing_cluster_id": cluster, "spark_python_task": {"python_file": "/x.py"}}
        job = ask("workspace", "POST", "/api/2.1/jobs/create", {"name": "strict", "tasks": [task]})["job_id"]
        run = ask("workspace", "POST", "/api/2.1/jobs/run-now", {"job_id": job})["run_id"]
        token = ask("workspace", "POST", "/api/2.0/token/create", {"comment": "strict"})["token_info"]["token_id"]
        given = {"git_provider": "gitHub", "git_username": "ada", "personal_access_token": SANDBOX_TOKEN}
        credential = ask("workspace", "POST", "/api/2.0/git-credentials", given)["credential_id"]
        folder = {"url": f"https://github.com/{REPOSITORY}", "provider": "gitHub", "path": f"/Users/{ADA}/strict"}
        repo = ask("workspace", "POST", "/api/2.0/repos", folder)["id"]
        self.params["workspace"] = {
            "version": "2.0",
            "id": me["id"],
            "object_type": "clusters",
            "object_id": cluster,
            "credential_id": str(credential),
            "repo_id": str(repo),
            "path...": f"Users/{ADA}/strict.txt",
            "token_id": token,
        }
        self.values["workspace"] = {
            **folder,
            "scope": "strict",
            "key": "strict",
            "principal": ADA,
            "permission": "READ",
            "cluster_id": cluster,
            "job_id": job,
            "run_id": run,
            "token_id": token,
            "git_provider": "gitHub",
            "language": "PYTHON",
            "name": f"accounts/{ACCOUNT_ID}/servicePrincipals/{self.nobody_app}/ruleSets/default",
        }

    def _make_secret(self) -> None:
        self.ask("vault", "PUT", "/secrets/strict?api-version=7.4", {"value": "hidden"})
        self.params["vault"] = {"name": "strict", "version": "1"}

    def _make_component(self) -> None:
        self.ask("arm", "POST", f"{SUBSCRIPTION}/providers/Microsoft.Insights/register?api-version=2022-09-01")
        path = f"{GROUP}/providers/Microsoft.Insights/components/appi-strict?api-version=2020-02-02"
        body = {"location": "westeurope", "kind": "web", "properties": {"Application_Type": "web"}}
        made = self.ask("arm", "PUT", path, body)["properties"]
        self.params["ingestion"] = {}
        self.params["packages"] = {"project": "dbxwizard", "sha": "0" * 64, "name": "dbxwizard-0-py3-none-any.whl"}
        self.params["insights"] = {"application": made["AppId"]}
        self.values["insights"] = {"query": "traces | take 1", "timespan": "PT1H"}


def minimal(spec: Spec, values: Mapping[str, Any] | None = None) -> Any:
    """The smallest value that a description of fields allows, with those of `values` that fit."""
    if isinstance(spec, tuple):
        return minimal(spec[0])
    if isinstance(spec, Mapping):
        known = {name.rstrip("?"): inner for name, inner in spec.items() if name != "*"}
        given = {
            name: value for name, value in (values or {}).items() if name in known and not check(value, known[name])
        }
        wanted = [name for name in known if name in spec or name in given]
        return {name: given.get(name, minimal(known[name])) for name in wanted}
    if isinstance(spec, frozenset):
        return min(spec)
    if isinstance(spec, list):
        return []
    simple: dict[Any, Any] = {str: "x", int: 1, float: 1.0, bool: True, dict: {}, list: [], object: "x"}
    return simple[spec]


def is_open(spec: Spec) -> bool:
    """Whether any field at all is allowed at this place."""
    return spec in (dict, object) or (isinstance(spec, Mapping) and "*" in spec)


def with_a_field_too_much(spec: Spec) -> Iterator[Any]:
    """Minimal bodies with a field that nobody knows, once at each place where fields are known."""
    for body, place in _places(spec):
        place["surprise"] = 1
        yield deepcopy(body)


def with_a_field_too_little(spec: Spec) -> Iterator[Any]:
    """Minimal bodies without one of their required fields, at any place."""
    for body, place in _places(spec):
        for name in list(place):
            value = place.pop(name)
            yield deepcopy(body)
            place[name] = value


def with_a_wrong_type(spec: Spec) -> Iterator[Any]:
    """Minimal bodies in which one field, at any place, has a type that it can't have."""
    if isinstance(spec, Mapping):
        yield from ([], "x", 1, True)
    for body, place, known in known_places(spec):
        for name, inner in known.items():
            had = dict(place)
            for wrong in _wrong(inner) if name != "*" else ():
                place[name.rstrip("?")] = wrong
                yield deepcopy(body)
            place.clear()
            place.update(had)


def _wrong(spec: Spec) -> list[Any]:
    if isinstance(spec, tuple):
        return [] if object in spec else [[[]]]
    if isinstance(spec, frozenset):
        return ["surprise", 1]
    if isinstance(spec, Mapping) or spec is dict:
        return ["x", 1, [1]]
    if isinstance(spec, list):
        return ["x", {"surprise": 1}, *([one] for one in _wrong(spec[0]))]
    kinds: dict[Any, list[Any]] = {
        str: [1, True, ["x"], {"x": 1}],
        int: ["1", 1.5, True, []],
        float: ["1", True, []],
        bool: ["true", 1, []],
        list: ["x", {}],
        object: [],
    }
    return kinds[spec]


def _places(spec: Spec) -> Iterator[tuple[Any, dict[str, Any]]]:
    return ((body, place) for body, place, _ in known_places(spec))


def known_places(spec: Spec) -> Iterator[tuple[Any, dict[str, Any], Mapping[str, Spec]]]:
    """Minimal bodies, each with one of the objects in it and the fields known there; open places are left out."""
    if isinstance(spec, list):
        for body, place, known in known_places(spec[0]):
            yield [body], place, known
    # Of alternatives only the first is looked into: what is wrong for one may be right for another.
    if not isinstance(spec, Mapping) or is_open(spec):
        return
    own = minimal(spec)
    yield own, own, spec
    for name, inner in spec.items():
        for deeper, place, known in known_places(inner):
            yield {**minimal(spec), name.rstrip("?"): deeper}, place, known
