"""Who the names in an environment file are: `databricks-spn`, `main-spn`, `group:NAME`, or an object id."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.identity.applications import unique_name
from dbxwizard.steps.readings import Readings

Kind = Literal["User", "Group", "ServicePrincipal"]
SERVICE_PRINCIPALS = ("main-spn", "databricks-spn")


@dataclass(frozen=True, slots=True)
class Principal:
    """`object_id` in Entra; `name` is what Databricks knows: sign-in name, group name, application id ("" unknown).

    `display_name`: of a service principal, as Entra has it.
    """

    object_id: str
    kind: Kind | Literal[""]
    name: str = ""
    display_name: str = ""


class Directory:
    """What all environments ask of the directory, each thing once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._readings = Readings()

    async def service_principal(self, unique: str) -> Principal | None:
        """That of the application with this unique name; None when there is none."""
        return await self._readings.once(unique, lambda: self._service_principal(unique), lasting=True)

    async def _service_principal(self, unique: str) -> Principal | None:
        graph = self._connection.graph()
        application = await graph.application_of_name(unique)
        found = await graph.principal_of_client(application["appId"]) if application else None
        if application is None or found is None:
            return None
        return Principal(found["id"], "ServicePrincipal", application["appId"], application["displayName"])


class Principals:
    """Resolves the names of one environment; each is looked up once.

    A person looks service principals up in the directory, by the name that setup gave them: those of the environment
    alone before those of all. A service principal may not: it knows itself and the other one, because it signed in as
    both.
    """

    def __init__(self, connection: Connection, environment: Environment, repository: str, directory: Directory) -> None:
        self._connection, self._directory = connection, directory
        self._environment = environment
        self._repository = repository or repository_of(environment)
        self._known: dict[str, Principal] = {}
        self._prefixes: tuple[str, ...] = (f"{environment.name}/", "")  # of the keys that setup may have made

    async def resolve(self, written: str, kind: str = "", name: str = "") -> Principal:
        """`kind` and `name` as the file has them beside an object id. Raises OperationError for nobody."""
        if written == "me" or written.startswith("user:"):
            raise _unresolved(written, self._environment)
        if written not in SERVICE_PRINCIPALS and not written.startswith("group:"):
            return Principal(written, kind or "", name)  # type: ignore[arg-type]  # the schema has just these kinds
        if written not in self._known:
            self._known[written] = await self._find(written)
        return self._known[written]

    async def planning(self) -> Principal | None:
        """The service principal that only looks; None where setup made none, or this job was not told."""
        await self.resolve("databricks-spn")  # whose name tells where this one is
        return await self._service_principal_of("plan-spn")

    async def _find(self, written: str) -> Principal:
        if written in SERVICE_PRINCIPALS:
            return await self._service_principal(written)
        name = written.removeprefix("group:")
        return Principal(await group_id(self._connection, name, str(self._environment.file)), "Group", name)

    async def _service_principal_of(self, key: str) -> Principal | None:
        ours = self._connection.service_principal(key)
        if ours is not None:
            return Principal(ours.object_id, "ServicePrincipal", ours.client_id)
        if self._connection.signed_in.kind != "user":
            return None
        names = [unique_name(self._repository, f"{prefix}{key}") for prefix in self._prefixes]
        found = await asyncio.gather(*map(self._directory.service_principal, names))
        for prefix, principal in zip(self._prefixes, found, strict=True):
            if principal is not None:
                self._prefixes = (prefix,)
                return principal
        return None

    async def _service_principal(self, key: str) -> Principal:
        found = await self._service_principal_of(key)
        if found is not None:
            return found
        raise OperationError(
            "service-principal-missing",
            f"the tenant has no {key} for {self._repository or 'this repository'}",
            resource=str(self._environment.file),
            fix="Run `dbxwizard setup` first.",
        )


async def group_id(connection: Connection, name: str, resource: str) -> str:
    """The object id of the group of that display name. Raises OperationError where there is none, or several."""
    found = await connection.graph().groups_named(name)
    if len(found) != 1:
        raise OperationError(
            "group-not-found" if not found else "group-ambiguous",
            f"the directory has {len(found) or 'no'} group{'' if len(found) < 2 else 's'} named {name}",
            resource=resource,
            fix="Write the group's object id.",
        )
    return str(found[0]["id"])


def repository_of(environment: Environment) -> str:
    """OWNER/NAME of the file's own repository: the first one in Repo_Configuration; "" when it names none."""
    for folder in environment.git_folders:
        path = urlsplit(folder.url).path.strip("/").removesuffix(".git")
        if path.count("/") == 1:
            return path
    return ""


def _unresolved(written: str, environment: Environment) -> OperationError:
    return OperationError(
        "identity-unresolved",
        f"{written!r} is still to be replaced by an object id",
        resource=str(environment.file),
        fix="Run `dbxwizard setup`, which resolves people once.",
    )
