"""One Databricks workspace, through databricks-sdk.

Bodies and answers are plain dicts as the API has them: the SDK's models would drop every field that is newer than they
are, and its SCIM lists ask once more than they need. The paths and versions are those of databricks-sdk 0.156.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from dbxwizard.clients.client import Client
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.errors import NotAllowedYet
from dbxwizard.clients.threads import Threads
from dbxwizard.clients.timeouts import request_timeout
from dbxwizard.core.errors import NotChecked, NotFound, Transient, UsageError
from dbxwizard.core.secret import Secret

if TYPE_CHECKING:
    from dbxwizard.clients.databricks_connection import Connection
    from dbxwizard.clients.identity import SignedIn

Json = dict[str, Any]
_SCIM = "/api/2.0/preview/scim/v2"
_PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_CREATE_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:"
_CLUSTERS, _LIBRARIES = "/api/2.1/clusters", "/api/2.0/libraries"
_SECRETS, _JOBS, _WORKSPACE = "/api/2.0/secrets", "/api/2.2/jobs", "/api/2.0/workspace"
_CREDENTIALS, _REPOS = "/api/2.0/git-credentials", "/api/2.0/repos"
_TOKENS = "/api/2.0/token"
_RULES = "/api/2.0/preview/accounts/access-control/rule-sets"
_AT_ONCE = 8  # requests under way; learn.microsoft.com/azure/databricks/resources/limits allows tens of them a second
_PATIENCE = 1200.0  # seconds a cluster may take to settle


class WorkspaceClient(Client):
    """An asynchronous context manager. Nothing is sent before the first method is awaited.

    Raises the core's errors: NotAllowedYet for every 403 (NotChecked with `refusals_are_final`: for a caller that gets
    no more rights), Conflict also for INVALID_STATE (it changed meanwhile). `timeout` in seconds, of one request.
    """

    def __init__(
        self,
        cloud: Cloud,
        signed_in: SignedIn,
        workspace_url: str,
        workspace_resource_id: str,
        *,
        timeout: float = 60.0,
        refusals_are_final: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if not workspace_url.startswith("https://"):
            raise UsageError("workspace-url", f"{workspace_url} is no https address", resource=workspace_url)
        self._open = partial(_connect, cloud, signed_in, workspace_url, workspace_resource_id, timeout)
        self._connection: Connection | None = None
        self._opening = threading.Lock()
        self._threads = Threads(_AT_ONCE, "dbxwizard-databricks")
        self._sleep, self._final = sleep, refusals_are_final
        self.url = workspace_url

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._connection is not None:
            self._connection.close()

    async def _do(self, method: str, path: str, resource: str = "", **more: Any) -> Json:
        send = partial(self._send, method, path, resource=resource or f"{self.url}{path}", **more)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, send)
        except NotAllowedYet as refused:
            if not self._final:
                raise
            raise NotChecked(refused.message, resource=refused.resource) from refused

    def _send(self, method: str, path: str, **more: Any) -> Json:
        with self._opening:
            connection = self._connection = self._connection or self._open()
        return connection.do(method, path, **more)

    async def _get(self, path: str, resource: str = "", /, **query: Any) -> Json:
        return await self._do("GET", path, resource, query=query)

    async def _post(self, path: str, resource: str = "", /, **body: Any) -> Json:
        return await self._do("POST", path, resource, body=body)

    async def _pages(self, path: str, field: str, following: str = "page_token", **query: Any) -> list[Json]:
        """All items of a list that comes in pages."""
        found: list[Json] = []
        while True:
            answer = await self._get(path, **query)
            found += answer.get(field, [])
            if not answer.get("next_page_token"):
                return found
            query[following] = answer["next_page_token"]

    # Principals (SCIM). `kind`: ServicePrincipals, Users or Groups.

    async def me(self) -> Json:
        """Who we are here; the first call of a Contributor makes it an admin of the workspace."""
        return await self._get(f"{_SCIM}/Me")

    async def find_principal(self, kind: str, name: str) -> Json | None:
        """The service principal of an application id, the user of a sign-in name or the group of a name."""
        attribute = {"ServicePrincipals": "applicationId", "Users": "userName", "Groups": "displayName"}[kind]
        answer = await self._get(f"{_SCIM}/{kind}", name, filter=f"{attribute} eq {json.dumps(name)}")
        found: list[Json] = answer.get("Resources", [])
        return found[0] if found else None

    async def add_principal(self, kind: str, entitlements: Collection[str] = (), **attributes: str) -> Json:
        """Adds it with its attributes (applicationId, userName, displayName, externalId); returns it."""
        body = {
            "schemas": [_CREATE_SCHEMA + kind.removesuffix("s")],
            "entitlements": _values(entitlements),
            **attributes,
        }
        return await self._do("POST", f"{_SCIM}/{kind}", body=body)

    async def add_entitlements(self, kind: str, principal_id: str, names: Collection[str]) -> None:
        await self._patch(kind, principal_id, {"op": "add", "path": "entitlements", "value": _values(names)})

    async def add_member(self, group_id: str, member_id: str) -> None:
        await self._patch("Groups", group_id, {"op": "add", "path": "members", "value": _values([member_id])})

    async def _patch(self, kind: str, principal_id: str, operation: Json) -> None:
        body = {"schemas": [_PATCH_SCHEMA], "Operations": [operation]}
        await self._do("PATCH", f"{_SCIM}/{kind}/{principal_id}", body=body)

    # Roles on a service principal of the account, which all its workspaces share.

    async def account_id(self) -> str:
        """The account of the workspace; "" where it does not say."""
        return str((await self._get("/.well-known/databricks-config")).get("account_id") or "")

    async def service_principal_rules(self, account_id: str, application_id: str) -> Json:
        """{"etag", "grant_rules": [{"role", "principals"}]}; for those who manage the service principal."""
        name = _rule_set(account_id, application_id)
        return await self._get(_RULES, f"roles on {application_id}", name=name, etag="")

    async def set_service_principal_rules(
        self, account_id: str, application_id: str, rules: Sequence[Mapping[str, Any]], etag: str
    ) -> None:
        """Replaces all rules. Conflict: they are no longer those that came with `etag`."""
        name = _rule_set(account_id, application_id)
        rule_set = {"name": name, "etag": etag, "grant_rules": [dict(rule) for rule in rules]}
        await self._do("PUT", _RULES, f"roles on {application_id}", body={"name": name, "rule_set": rule_set})

    # Rights on objects. `kind`: clusters, jobs, directories, repos …; an entry as the API has it.

    async def permissions(self, kind: str, object_id: object) -> list[Json]:
        answer = await self._get(f"/api/2.0/permissions/{kind}/{object_id}")
        return list(answer.get("access_control_list", []))

    async def grant(self, kind: str, object_id: object, entries: Sequence[Mapping[str, str]]) -> None:
        """Sets the level of the principals named; others keep theirs."""
        body = {"access_control_list": [dict(entry) for entry in entries]}
        await self._do("PATCH", f"/api/2.0/permissions/{kind}/{object_id}", body=body)

    async def set_permissions(self, kind: str, object_id: object, entries: Sequence[Mapping[str, str]]) -> None:
        """Sets who has which level; whoever is not named loses theirs, what is inherited apart."""
        body = {"access_control_list": [dict(entry) for entry in entries]}
        await self._do("PUT", f"/api/2.0/permissions/{kind}/{object_id}", body=body)

    # Secrets

    async def secret_scopes(self) -> list[Json]:
        return list((await self._get(f"{_SECRETS}/scopes/list")).get("scopes", []))

    async def create_scope(self, name: str) -> None:
        await self._post(f"{_SECRETS}/scopes/create", f"secret scope {name}", scope=name)

    async def secret_value(self, scope: str, key: str) -> Secret | None:
        """None when there is no such secret."""
        try:
            answer = await self._get(f"{_SECRETS}/get", f"secret {scope}/{key}", scope=scope, key=key)
        except NotFound:
            return None
        return Secret(base64.b64decode(answer["value"]).decode("utf-8", "replace"))

    async def put_secret(self, scope: str, key: str, value: Secret) -> None:
        await self._post(f"{_SECRETS}/put", f"secret {scope}/{key}", scope=scope, key=key, string_value=value.reveal())

    async def scope_acls(self, scope: str) -> dict[str, str]:
        """Principal → READ, WRITE or MANAGE."""
        answer = await self._get(f"{_SECRETS}/acls/list", f"secret scope {scope}", scope=scope)
        return {item["principal"]: item["permission"] for item in answer.get("items", [])}

    async def put_scope_acl(self, scope: str, principal: str, permission: str) -> None:
        await self._post(
            f"{_SECRETS}/acls/put", f"secret scope {scope}", scope=scope, principal=principal, permission=permission
        )

    async def delete_scope_acl(self, scope: str, principal: str) -> None:
        await self._post(f"{_SECRETS}/acls/delete", f"secret scope {scope}", scope=scope, principal=principal)

    # Clusters and their libraries

    async def clusters(self) -> list[Json]:
        return await self._pages(f"{_CLUSTERS}/list", "clusters", page_size=100)

    async def cluster(self, cluster_id: str) -> Json:
        return await self._get(f"{_CLUSTERS}/get", f"cluster {cluster_id}", cluster_id=cluster_id)

    async def node_types(self) -> list[Json]:
        """{"node_type_id", "num_cores", "memory_mb", "num_gpus", "is_deprecated", "node_info": {"status": [...]}}."""
        return list((await self._get(f"{_CLUSTERS}/list-node-types")).get("node_types", []))

    async def spark_versions(self) -> list[Json]:
        """{"key", "name"} of each runtime."""
        return list((await self._get(f"{_CLUSTERS}/spark-versions")).get("versions", []))

    async def create_cluster(self, settings: Mapping[str, Any]) -> str:
        """Makes and starts a cluster; returns its id."""
        name = settings.get("cluster_name", "")
        answer = await self._do("POST", f"{_CLUSTERS}/create", f"cluster {name}", body=dict(settings))
        return str(answer["cluster_id"])

    async def edit_cluster(self, cluster_id: str, settings: Mapping[str, Any]) -> None:
        """Replaces all settings; a running cluster restarts."""
        body = {**settings, "cluster_id": cluster_id}
        await self._do("POST", f"{_CLUSTERS}/edit", f"cluster {settings.get('cluster_name', cluster_id)}", body=body)

    async def start_cluster(self, cluster_id: str) -> None:
        await self._post(f"{_CLUSTERS}/start", f"cluster {cluster_id}", cluster_id=cluster_id)

    async def restart_cluster(self, cluster_id: str) -> None:
        await self._post(f"{_CLUSTERS}/restart", f"cluster {cluster_id}", cluster_id=cluster_id)

    async def terminate_cluster(self, cluster_id: str) -> None:
        await self._post(f"{_CLUSTERS}/delete", f"cluster {cluster_id}", cluster_id=cluster_id)

    async def delete_cluster(self, cluster_id: str) -> None:
        """For good."""
        await self._post(f"{_CLUSTERS}/permanent-delete", f"cluster {cluster_id}", cluster_id=cluster_id)

    async def settled_cluster(self, cluster_id: str) -> Json:
        """The cluster once it neither starts, restarts, resizes nor ends. Raises Transient after 20 minutes."""
        waited = 0.0
        while True:
            found = await self.cluster(cluster_id)
            if found["state"] in ("RUNNING", "TERMINATED", "ERROR", "UNKNOWN"):
                return found
            if waited > _PATIENCE:
                raise Transient("cluster-unsettled", f"it is still {found['state']}", resource=f"cluster {cluster_id}")
            waited += await self._pause(waited)

    async def _pause(self, waited: float) -> float:
        """Waits a tenth of what was waited already, from 0.1 to 5 s: five minutes cost 100 requests."""
        seconds = min(max(waited / 10, 0.1), 5.0)
        await self._sleep(seconds)
        return seconds

    async def library_statuses(self) -> dict[str, list[Json]]:
        """For each cluster id: {"library", "status", "messages"}."""
        answer = await self._get(f"{_LIBRARIES}/all-cluster-statuses")
        return {one["cluster_id"]: one.get("library_statuses", []) for one in answer.get("statuses", [])}

    async def cluster_libraries(self, cluster_id: str) -> list[Json]:
        answer = await self._get(f"{_LIBRARIES}/cluster-status", f"cluster {cluster_id}", cluster_id=cluster_id)
        return list(answer.get("library_statuses", []))

    async def settled_libraries(self, cluster_id: str) -> list[Json]:
        """The libraries once none is being installed; those of a cluster that does not run stay PENDING."""
        waited = 0.0
        while True:
            found = await self.cluster_libraries(cluster_id)
            busy = [one for one in found if one["status"] in ("PENDING", "RESOLVING", "INSTALLING")]
            if not busy or (await self.cluster(cluster_id))["state"] != "RUNNING":
                return found
            if waited > _PATIENCE:
                raise Transient("library-unsettled", f"still {busy[0]['status']}", resource=f"cluster {cluster_id}")
            waited += await self._pause(waited)

    async def install_libraries(self, cluster_id: str, libraries: Sequence[Mapping[str, Any]]) -> None:
        await self._post(
            f"{_LIBRARIES}/install", f"cluster {cluster_id}", cluster_id=cluster_id, libraries=list(libraries)
        )

    async def uninstall_libraries(self, cluster_id: str, libraries: Sequence[Mapping[str, Any]]) -> None:
        """Takes effect when the cluster restarts."""
        await self._post(
            f"{_LIBRARIES}/uninstall", f"cluster {cluster_id}", cluster_id=cluster_id, libraries=list(libraries)
        )

    # Git. `principal_id`: the SCIM id of a service principal, "" for ourselves.

    async def git_credentials(self, principal_id: str = "") -> list[Json]:
        query = {"principal_id": principal_id} if principal_id else {}
        return list((await self._get(_CREDENTIALS, **query)).get("credentials", []))

    async def create_git_credential(
        self, provider: str, username: str, token: Secret, name: str, principal_id: str = ""
    ) -> None:
        body = _git(provider, username, token, name, principal_id)
        await self._do("POST", _CREDENTIALS, f"Git credential {provider}", body=body)

    async def update_git_credential(
        self, credential_id: int, provider: str, username: str, token: Secret, name: str, principal_id: str = ""
    ) -> None:
        body = _git(provider, username, token, name, principal_id)
        await self._do("PATCH", f"{_CREDENTIALS}/{credential_id}", f"Git credential {provider}", body=body)

    async def repos(self, path_prefix: str) -> list[Json]:
        """Git folders below a path: {"id", "path", "url", "provider", "branch", "head_commit_id"}."""
        return await self._pages(_REPOS, "repos", "next_page_token", path_prefix=path_prefix)

    async def create_repo(self, url: str, provider: str, path: str) -> Json:
        return await self._post(_REPOS, f"Git folder {path}", url=url, provider=provider, path=path)

    async def set_repo(self, repo_id: int, *, branch: str = "", tag: str = "") -> None:
        """Sets the Git folder to the newest commit of a branch, or to a tag."""
        body = {"branch": branch} if branch else {"tag": tag}
        await self._do("PATCH", f"{_REPOS}/{repo_id}", f"Git folder {repo_id}", body=body)

    async def delete_repo(self, repo_id: int) -> None:
        await self._do("DELETE", f"{_REPOS}/{repo_id}", f"Git folder {repo_id}")

    # Workspace files

    async def object_at(self, path: str) -> Json | None:
        """{"object_id", "object_type", "path" …}; None when there is nothing at the path."""
        try:
            return await self._get(f"{_WORKSPACE}/get-status", path, path=path)
        except NotFound:
            return None

    async def list_folder(self, path: str) -> list[Json]:
        """What lies directly in a folder; nothing when there is no such folder."""
        try:
            return list((await self._get(f"{_WORKSPACE}/list", path, path=path)).get("objects", []))
        except NotFound:
            return []

    async def make_folder(self, path: str) -> None:
        await self._post(f"{_WORKSPACE}/mkdirs", path, path=path)

    async def upload(self, path: str, content: bytes) -> None:
        """Writes a workspace file of at most 10 MB, over what is there."""
        await self.write_object(path, content, "AUTO")

    async def write_object(
        self, path: str, content: bytes, form: str, *, language: str = "", overwrite: bool = True
    ) -> None:
        """As `upload`, in a format of workspace/import (SOURCE with a language, JUPYTER, RAW, AUTO)."""
        fields = {"path": path, "format": form, "overwrite": str(overwrite).lower()}
        fields |= {"language": language} if language else {}
        await self._do("POST", f"{_WORKSPACE}/import", path, form=fields, files={"content": content})

    async def object_content(self, path: str, form: str = "AUTO") -> bytes:
        """A file or notebook of at most 10 MB, in a format of workspace/export."""
        answer = await self._get(f"{_WORKSPACE}/export", path, path=path, format=form)
        return base64.b64decode(answer.get("content", ""))

    async def delete_object(self, path: str, *, recursive: bool = False) -> None:
        """Nothing, where there is nothing."""
        with suppress(NotFound):
            await self._post(f"{_WORKSPACE}/delete", path, path=path, recursive=recursive)

    # Jobs and runs

    async def jobs(self) -> list[Json]:
        """All jobs with their whole settings, the newest first."""
        listed = await self._pages(f"{_JOBS}/list", "jobs", limit=100, expand_tasks="true")
        return [await self.job(one["job_id"]) if one.get("has_more") else one for one in listed]

    async def job(self, job_id: int) -> Json:
        """A job with all its tasks, of which one answer holds at most 100."""
        found = await self._get(f"{_JOBS}/get", f"job {job_id}", job_id=job_id)
        settings, following = found["settings"], found.get("next_page_token")
        while following:
            more = await self._get(f"{_JOBS}/get", f"job {job_id}", job_id=job_id, page_token=following)
            for field in ("tasks", "job_clusters", "parameters", "environments"):
                if more["settings"].get(field):
                    settings[field] = [*settings.get(field, []), *more["settings"][field]]
            following = more.get("next_page_token")
        return found

    async def create_job(self, settings: Mapping[str, Any], access: Sequence[Mapping[str, str]]) -> int:
        """Makes a job with these rights (see grant); returns its id."""
        body = {**settings, "access_control_list": [dict(entry) for entry in access]}
        return int((await self._do("POST", f"{_JOBS}/create", f"job {settings.get('name')}", body=body))["job_id"])

    async def reset_job(self, job_id: int, settings: Mapping[str, Any]) -> None:
        """Replaces all settings."""
        await self._post(f"{_JOBS}/reset", f"job {settings.get('name')}", job_id=job_id, new_settings=dict(settings))

    async def delete_job(self, job_id: int) -> None:
        await self._post(f"{_JOBS}/delete", f"job {job_id}", job_id=job_id)

    async def run_job(self, job_id: int, idempotency_token: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Starts a run, once for each token; `parameters` as jobs/run-now has them. Returns the run's id."""
        body = {**(parameters or {}), "job_id": job_id, "idempotency_token": idempotency_token}
        return int((await self._do("POST", f"{_JOBS}/run-now", f"job {job_id}", body=body))["run_id"])

    async def run(self, run_id: int) -> Json:
        return await self._get(f"{_JOBS}/runs/get", f"run {run_id}", run_id=run_id)

    async def runs(self, job_id: int, *, newest: int = 20) -> list[Json]:
        """The newest runs of a job, at most 25."""
        return list((await self._get(f"{_JOBS}/runs/list", job_id=job_id, limit=newest)).get("runs", []))

    async def run_output(self, task_run_id: int) -> Json:
        return await self._get(f"{_JOBS}/runs/get-output", f"run {task_run_id}", run_id=task_run_id)

    async def run_pages(self, task_run_id: int) -> list[Json]:
        """{"content" (HTML), "name", "type"} of a notebook's run."""
        answer = await self._get(
            f"{_JOBS}/runs/export", f"run {task_run_id}", run_id=task_run_id, views_to_export="CODE"
        )
        return list(answer.get("views", []))

    async def submit_run(self, name: str, tasks: Sequence[Mapping[str, Any]], idempotency_token: str) -> int:
        """Starts a run that belongs to no job, once for each token; returns its id."""
        body = {"run_name": name, "tasks": [dict(task) for task in tasks], "idempotency_token": idempotency_token}
        return int((await self._do("POST", f"{_JOBS}/runs/submit", f"run {name}", body=body))["run_id"])

    async def cancel_run(self, run_id: int) -> None:
        await self._post(f"{_JOBS}/runs/cancel", f"run {run_id}", run_id=run_id)

    # Our own access tokens; there are none on behalf of an Entra service principal.

    async def tokens(self) -> list[Json]:
        """{"token_id", "comment", "creation_time", "expiry_time"} (milliseconds)."""
        return list((await self._get(f"{_TOKENS}/list")).get("token_infos", []))

    async def create_token(self, comment: str, lifetime_seconds: int) -> tuple[str, Secret]:
        """The new token's id and its value."""
        answer = await self._post(f"{_TOKENS}/create", comment=comment, lifetime_seconds=lifetime_seconds)
        return str(answer["token_info"]["token_id"]), Secret(answer["token_value"])

    async def delete_token(self, token_id: str) -> None:
        await self._post(f"{_TOKENS}/delete", f"token {token_id}", token_id=token_id)


def _connect(cloud: Cloud, signed_in: SignedIn, url: str, resource_id: str, timeout: float) -> Connection:
    # Importing the SDK takes 1.8 s, so it happens in the thread of the first request.
    from dbxwizard.clients.databricks_connection import Connection

    return Connection(cloud, signed_in.credential, url, resource_id, timeout=min(timeout, request_timeout()[1]))


def _rule_set(account_id: str, application_id: str) -> str:
    return f"accounts/{account_id}/servicePrincipals/{application_id}/ruleSets/default"


def _values(names: Collection[str]) -> list[Json]:
    return [{"value": name} for name in names]


def _git(provider: str, username: str, token: Secret, name: str, principal_id: str) -> Json:
    body = {"git_provider": provider, "git_username": username, "personal_access_token": token.reveal(), "name": name}
    return {**body, "principal_id": int(principal_id)} if principal_id else body
