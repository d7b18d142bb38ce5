"""The writes to a workspace that several steps foretell. `optional` as in core.requests."""

from __future__ import annotations

from collections.abc import Iterable

from dbxwizard.core.requests import Host, Request

_SCIM = "/api/2.0/preview/scim/v2"
_NAMES = {"ServicePrincipals": "service principal", "Users": "person", "Groups": "group"}


def to_workspace(method: str, path: str, purpose: str, *, optional: bool = False) -> Request:
    return Request(method, Host.WORKSPACE, path, purpose, optional)


def enter() -> Request:
    """A reading, which lets a Contributor in and makes them an admin when it is their first."""
    return to_workspace("GET", f"{_SCIM}/Me", "enters the workspace, for the first time", optional=True)


def add_principal(kind: str, name: str, *, optional: bool = False) -> Request:
    return to_workspace("POST", f"{_SCIM}/{kind}", f"adds the {_NAMES[kind]} {name}", optional=optional)


def change_principal(kind: str, principal_id: str, purpose: str, *, optional: bool = False) -> Request:
    return to_workspace("PATCH", f"{_SCIM}/{kind}/{principal_id}", purpose, optional=optional)


def grant(kind: str, object_id: str, purpose: str, *, optional: bool = False) -> Request:
    return to_workspace("PATCH", f"/api/2.0/permissions/{kind}/{object_id}", purpose, optional=optional)


def hand_over(kind: str, object_id: str, *, optional: bool = False) -> Request:
    purpose = "hands it over to the service principal"
    return to_workspace("PUT", f"/api/2.0/permissions/{kind}/{object_id}", purpose, optional=optional)


def make_folder(path: str, *, optional: bool = False) -> Request:
    return to_workspace("POST", "/api/2.0/workspace/mkdirs", f"makes the folder {path}", optional=optional)


def delete_clusters(cluster_ids: Iterable[str]) -> list[Request]:
    path = "/api/2.1/clusters/permanent-delete"
    return [to_workspace("POST", path, f"removes the duplicate {one}") for one in cluster_ids]


def install_libraries(cluster: str) -> Request:
    return to_workspace("POST", "/api/2.0/libraries/install", f"installs libraries on cluster {cluster}")
