"""The workspaces as `sandbox show` lists them: without ids of runs, times, tokens, secret values, and who made what."""

from __future__ import annotations

import hashlib
from typing import Any

from dbxwizard.sandbox.databricks import acls
from dbxwizard.sandbox.databricks.state import WorkspaceState, workspace_ids
from dbxwizard.sandbox.store import Document, Store


def workspaces(store: Store) -> list[dict[str, Any]]:
    return [_workspace(WorkspaceState(store, one)) for one in sorted(workspace_ids(store))]


def _workspace(state: WorkspaceState) -> dict[str, Any]:
    return {
        "id": state.workspace_id,
        "resource_id": state.record()["resourceId"],
        "principals": [_principal(state, body) for body in state.all("principal")],
        "groups": [_only(body, "displayName", "entitlements") for body in state.all("group")],
        "secret_scopes": [_scope(state, body) for body in state.all("scope")],
        "clusters": [_cluster(state, body) for body in state.all("cluster")],
        "git_credentials": [_git_credential(state, body) for body in state.all("gitCredential")],
        "git_folders": [_repo(state, body) for body in state.all("repo")],
        "files": [_file(body) for body in state.all("object") if body["object_type"] in ("FILE", "NOTEBOOK")],
        "folder_permissions": _folders(state),
        "jobs": [_job(state, body) for body in state.all("job")],
        "tokens": sorted(f"{_owner(state, body)}: {body['comment']}" for body in state.all("token")),
    }


def _only(body: Document, *names: str) -> Document:
    return {name: body[name] for name in names if name in body}


def _principal(state: WorkspaceState, body: Document) -> Document:
    groups = [group["displayName"] for group in state.groups_of(body)]
    return {**_only(body, "kind", "name", "displayName", "active", "entitlements"), "groups": groups}


def _owner(state: WorkspaceState, body: Document) -> str:
    return str((state.get("principal", body["owner"]) or {}).get("name", ""))


def _scope(state: WorkspaceState, body: Document) -> Document:
    skipped = len(body["name"]) + 1
    keys = [key[skipped:] for key, _ in state.find("secret", f"{body['name']}/")]
    return {**_only(body, "name", "backend_type", "acls", "keyvault_metadata"), "keys": keys}


def _permissions(state: WorkspaceState, kind: str, object_id: object) -> dict[str, str]:
    return {entry["name"]: entry["level"] for entry in acls.entries(state, kind, str(object_id))}


def _cluster(state: WorkspaceState, body: Document) -> Document:
    """In whichever order its libraries were installed."""
    held = state.get("library", body["cluster_id"]) or {"libraries": []}
    libraries = sorted(held["libraries"], key=lambda one: str(one["library"]))
    return {
        **_only(body, "cluster_id", "spec", "state", "pinned"),
        "libraries": [_only(one, "library", "status") for one in libraries],
        "permissions": _permissions(state, "clusters", body["cluster_id"]),
    }


def _git_credential(state: WorkspaceState, body: Document) -> Document:
    owner = state.get("principal", body["principal"]) or {}
    return {**_only(body, "git_provider", "git_username"), "principal": owner.get("name")}


def _repo(state: WorkspaceState, body: Document) -> Document:
    shown = _only(body, "id", "path", "url", "provider", "branch", "head_commit_id")
    return {**shown, "permissions": _permissions(state, "repos", body["id"])}


def _file(body: Document) -> Document:
    digest = hashlib.sha256(body["content"].encode()).hexdigest()
    return {**_only(body, "path", "object_type", "language", "size"), "sha256": digest}


def _folders(state: WorkspaceState) -> list[Document]:
    folders = [body for body in state.all("object") if body["object_type"] == "DIRECTORY"]
    given = [(body["path"], _permissions(state, "directories", body["object_id"])) for body in folders]
    return [{"path": path, "permissions": permissions} for path, permissions in given if permissions]


def _job(state: WorkspaceState, body: Document) -> Document:
    permissions = _permissions(state, "jobs", body["job_id"])
    return {**_only(body, "job_id", "settings"), "permissions": permissions}
