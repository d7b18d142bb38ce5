"""The documents of one workspace, and who its principals are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from dbxwizard.sandbox.databricks import errors
from dbxwizard.sandbox.http import Call, Context
from dbxwizard.sandbox.store import Document, Store

ADMINS = "admins"
USERS = "users"
# What every member may do in a new workspace (learn.microsoft.com/azure/databricks/security/auth/entitlements).
_DEFAULT_ENTITLEMENTS = ("databricks-sql-access", "workspace-access")


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """Reads and writes documents of kind `databricks.<kind>`, keyed `<workspace id>/<key>`."""

    store: Store
    workspace_id: str

    @classmethod
    def of(cls, call: Call) -> WorkspaceState:
        return cls(call.store, call.request.host.split(":", 1)[1])

    def record(self) -> Document:
        """The workspace as Resource Manager made it."""
        found = self.store.get("databricks.workspace", self.workspace_id)
        if found is None:
            raise errors.not_found(f"Workspace {self.workspace_id} does not exist.")
        return found

    def get(self, kind: str, key: object) -> Document | None:
        return self.store.get(f"databricks.{kind}", f"{self.workspace_id}/{key}")

    def put(self, kind: str, key: object, body: Document) -> None:
        self.store.put(f"databricks.{kind}", f"{self.workspace_id}/{key}", body)

    def delete(self, kind: str, key: object) -> bool:
        return self.store.delete(f"databricks.{kind}", f"{self.workspace_id}/{key}")

    def find(self, kind: str, prefix: str = "") -> list[tuple[str, Document]]:
        """Key (without the workspace) and body of each document whose key starts with `prefix`."""
        skipped = len(self.workspace_id) + 1
        found = self.store.find(f"databricks.{kind}", f"{self.workspace_id}/{prefix}")
        return [(key[skipped:], body) for key, body in found]

    def all(self, kind: str, prefix: str = "") -> list[Document]:
        return [body for _, body in self.find(kind, prefix)]

    # Principals

    def principal(self, name: str) -> Document | None:
        """The user of that sign-in name (in any case) or the service principal of that application id."""
        wanted = name.lower()
        return next((body for body in self.all("principal") if body["name"].lower() == wanted), None)

    def group(self, name: str) -> Document | None:
        return next((body for body in self.all("group") if body["displayName"] == name), None)

    def groups_of(self, principal: Document) -> list[Document]:
        """The groups that hold the principal, directly or through other groups."""
        groups = self.all("group")
        held = {principal["id"]}
        found: list[Document] = []
        while fresh := [group for group in groups if group not in found and self._holds(group, held, principal)]:
            found += fresh
            held |= {group["id"] for group in fresh}
        return sorted(found, key=lambda group: str(group["displayName"]))

    def _holds(self, group: Document, held: set[str], principal: Document) -> bool:
        if group["displayName"] == USERS or held & set(group["members"]):
            return True
        entra = self.store.get("directory.group", str(group.get("externalId") or "").lower())
        return entra is not None and principal.get("objectId") in entra.get("members", [])

    def entitlements_of(self, principal: Document) -> frozenset[str]:
        """Its own and those of its groups."""
        return frozenset(principal["entitlements"]).union(*(g["entitlements"] for g in self.groups_of(principal)))

    def is_admin(self, principal: Document) -> bool:
        return any(group["displayName"] == ADMINS for group in self.groups_of(principal))

    def exists(self, kind: str, name: str) -> bool:
        """Whether there is such a principal; `kind`: user_name, service_principal_name or group_name."""
        if kind == "group_name":
            return self.group(name) is not None
        found = self.principal(name)
        return found is not None and found["kind"] == ("user" if kind == "user_name" else "servicePrincipal")

    def knows(self, name: str) -> bool:
        """Whether a user, service principal or group has that name."""
        return self.principal(name) is not None or self.group(name) is not None

    def enter(self, call: Call, kind: str, name: str, display_name: str, object_id: str | None) -> Document:
        """Adds a principal; the groups that every workspace has are made with the first one."""
        if self.group(ADMINS) is None:
            self.add_group(call, ADMINS, entitlements=[])
            self.add_group(call, USERS, entitlements=list(_DEFAULT_ENTITLEMENTS))
            for folder in ("/", "/Repos", "/Shared", "/Users"):
                self.add_folder(call, folder)
        body: Document = {
            "id": numeric_id(call, "principal", f"{self.workspace_id}/{name.lower()}"),
            "kind": kind,
            "name": name,
            "displayName": display_name,
            "objectId": object_id,
            "externalId": None,
            "active": True,
            "entitlements": [],
        }
        self.put("principal", body["id"], body)
        home = self.add_folder(call, f"/Users/{name}")
        holder = "user_name" if kind == "user" else "service_principal_name"
        entry = {"kind": holder, "name": name, "level": "CAN_MANAGE"}
        self.put("acl", f"directories/{home}", {"entries": [entry]})
        return body

    def add_folder(self, call: Call, path: str) -> str:
        number = numeric_id(call, "object", f"{self.workspace_id}{path}")
        self.put("object", path, {"object_id": number, "path": path, "object_type": "DIRECTORY"})
        return number

    def add_group(self, call: Call, name: str, *, entitlements: list[str], external_id: str | None = None) -> Document:
        body: Document = {
            "id": numeric_id(call, "group", f"{self.workspace_id}/{name}"),
            "displayName": name,
            "externalId": external_id,
            "entitlements": sorted(entitlements),
            "members": [],
        }
        self.put("group", body["id"], body)
        return body

    def join(self, group_name: str, member_id: str) -> None:
        group = self.group(group_name)
        assert group is not None  # noqa: S101  made with the first principal
        members = sorted({*group["members"], member_id})
        self.put("group", group["id"], {**group, "members": members})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the workspace knows it."""

    principal: Document
    admin: bool

    @classmethod
    def of(cls, call: Call) -> Self:
        """Who `call` comes from, on any route but a public one."""
        assert isinstance(call.principal, cls)  # noqa: S101  WorkspaceService.authenticate gives nothing else
        return call.principal

    @property
    def id(self) -> str:
        return str(self.principal["id"])

    @property
    def name(self) -> str:
        return str(self.principal["name"])


def numeric_id(context: Context, kind: str, hint: str) -> str:
    """Fifteen digits, the same for the same hint."""
    return str(10**14 + int(context.new_id(f"databricks.{kind}", hint).replace("-", ""), 16) % (9 * 10**14))


def milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def workspace_ids(store: Store) -> Iterator[str]:
    for _, body in store.find("databricks.workspace"):
        yield str(body["workspaceId"])


def page(items: list[Any], size: int, token: str) -> tuple[list[Any], str]:
    """The items of one page and the token of the next ("" for none). Raises ApiError for a token we did not give."""
    start = 0
    if token:
        if not (token.isascii() and token.isdigit()) or int(token) > len(items):
            raise errors.invalid("Invalid page token.")
        start = int(token)
    end = start + size
    return items[start:end], str(end) if end < len(items) else ""


def query_int(call: Call, name: str, default: int, least: int, most: int) -> int:
    text = call.query.get(name, "")
    try:
        value = int(text) if text else default
    except ValueError as error:
        raise errors.invalid(f"Invalid value for {name}: {text}.") from error
    if not least <= value <= most:
        raise errors.invalid(f"{name} must be between {least} and {most}.")
    return value


def required(call: Call, name: str) -> str:
    """A query parameter that must be there."""
    value = call.query.get(name, "")
    if not value:
        raise errors.invalid(f"Missing required field: {name}")
    return value
