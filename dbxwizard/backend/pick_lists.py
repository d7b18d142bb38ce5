"""The lists of the parameter editor as the services have them now; where that can't be had, the bundled ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import OperationError
from dbxwizard.deployed import Deployed
from dbxwizard.parameters import catalog, roles_in_use
from dbxwizard.parameters.editing.choices import NAMED_PRINCIPALS, Choice, LiveList, bundled, runtime_note

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient
    from dbxwizard.parameters.model import Environment
    from dbxwizard.steps.connection import Connection

_ASKED = 200  # principals of each kind that one list holds


@dataclass(frozen=True, slots=True)
class PickList:
    """`live`: it was read just now. `source` says so, or why it is the bundled list. `whole`: there are no more."""

    kind: str
    choices: tuple[Choice, ...]
    live: bool
    source: str
    whole: bool = True

    @property
    def as_live(self) -> LiveList | None:
        return LiveList(self.choices, self.whole) if self.live else None


class PickLists:
    """A LiveLists of the editor (parameters.editing.choices) for `environments`."""

    def __init__(self, connection: Connection | None, environments: Sequence[Environment]) -> None:
        self._connection = connection
        self._environments = {environment.name: environment for environment in environments}

    async def fetch(self, kind: str, environment: str, text: str = "") -> LiveList | None:
        """None where the bundled list is all there is."""
        return (await self.read(kind, environment, text)).as_live

    async def read(self, kind: str, environment: str, text: str = "") -> PickList:
        """One of LIVE_KINDS. `text`: how the names of principals begin (`user:` and `group:` aside), where there are
        many."""
        text = text.rpartition(":")[2].strip()
        known = self._environments.get(environment)
        if self._connection is None:
            return _bundled(kind, "nobody is signed in")
        if known is None or not known.subscription_id:
            return _bundled(kind, f"{environment or 'the environment'} has no subscription yet")
        try:
            return await self._live(_Asking(self._connection, known, tuple(self._environments.values()), text), kind)
        except OperationError as error:
            return _bundled(kind, error.message)

    async def _live(self, asking: _Asking, kind: str) -> PickList:
        choices, whole = await _READERS[kind](asking)
        return PickList(kind, tuple(choices), live=True, source="as the service has it now", whole=whole)


def _bundled(kind: str, why: str) -> PickList:
    return PickList(kind, bundled(kind), live=False, source=f"from the bundled list: {why}")


@dataclass(frozen=True, slots=True)
class _Asking:
    connection: Connection
    environment: Environment
    environments: tuple[Environment, ...]
    text: str

    async def workspace(self) -> WorkspaceClient:
        return await Deployed(self.environment, self.connection).require_workspace()


Found = tuple[Iterable[Choice], bool]  # and whether that is all


async def _regions(asking: _Asking) -> Found:
    """Those of the subscription that have Databricks."""
    arm = asking.connection.arm(asking.environment.subscription_id)
    names, offered = await asyncio.gather(arm.locations(), arm.regions_of("Microsoft.Databricks", "workspaces"))
    return [Choice(name, display) for name, display in sorted(names.items()) if display in offered], True


async def _node_types(asking: _Asking) -> Found:
    """Those that can be had here first, from small to large."""
    found = await (await asking.workspace()).node_types()
    made = sorted(found, key=lambda one: (bool(_obstacle(one)), one.get("num_cores", 0), one["node_type_id"]))
    return [Choice(str(one["node_type_id"]), _size(one)) for one in made], True


def _size(node_type: Mapping[str, Any]) -> str:
    gpus = int(node_type.get("num_gpus") or 0)
    parts = [
        f"{node_type.get('num_cores', 0):g} cores",
        f"{int(node_type.get('memory_mb') or 0) // 1024} GB",
        *([f"{gpus} GPU{'s' if gpus > 1 else ''}"] if gpus else []),
        *([_obstacle(node_type)] if _obstacle(node_type) else []),
    ]
    return ", ".join(parts)


def _obstacle(node_type: Mapping[str, Any]) -> str:
    """Why it will not do (docs.databricks.com/api/azure/workspace/clusters/listnodetypes); "" where it will."""
    words = {
        "NotAvailableInRegion": "not in this region",
        "NotEnabledOnSubscription": "not enabled for this subscription",
    }
    status = (node_type.get("node_info") or {}).get("status") or []
    found = [words.get(str(one), str(one)) for one in status]
    return ", ".join([*found, *(["deprecated"] if node_type.get("is_deprecated") else [])])


async def _runtimes(asking: _Asking) -> Found:
    """The recommended one, then from new to old, those without support last; what we know of each from the catalog."""
    found = {str(one["key"]): str(one.get("name", "")) for one in await (await asking.workspace()).spark_versions()}
    recommended = catalog.recommended_runtime()

    def order(key: str) -> tuple[bool, bool, list[int], str]:
        version = catalog.runtime_version(key)
        ended = catalog.support_ended(version)
        return ended, key != recommended, [-int(part) for part in version.split(".") if part.isdecimal()], key

    return [Choice(key, runtime_note(key) or found[key]) for key in sorted(found, key=order)], True


async def _roles(asking: _Asking) -> Found:
    """Those that the deployer may give by now first: it knows the standard ones and those of the files."""
    subscription = asking.environment.subscription_id
    names = await asking.connection.authorization(subscription).role_names(f"/subscriptions/{subscription}")
    given = {name.casefold() for name in (*catalog.standard_roles(), *roles_in_use(asking.environments))}
    made = sorted(names, key=lambda name: (name.casefold() not in given, name.casefold()))
    return [Choice(name, _MAY if name.casefold() in given else _NOT_YET) for name in made], True


_MAY = "the deployer may give it"
_NOT_YET = "run setup again before you deploy: the deployer may not give it yet"


async def _principals(asking: _Asking) -> Found:
    """The service principals of setup, then people, groups and service principals by name."""
    graph = asking.connection.graph()
    people, groups, applications = await asyncio.gather(
        graph.beginning("users", asking.text, _ASKED),
        graph.beginning("groups", asking.text, _ASKED),
        graph.beginning("servicePrincipals", asking.text, _ASKED),
    )
    named = [Choice(name, note) for name, note in NAMED_PRINCIPALS if name.startswith(asking.text)]
    found = [
        *(Choice(f"user:{one['userPrincipalName']}", str(one.get("displayName") or "")) for one in people),
        *(Choice(f"group:{one['displayName']}", "a group") for one in groups),
        *(Choice(str(one["id"]), f"the service principal {one['displayName']}") for one in applications),
    ]
    whole = all(len(one) < _ASKED for one in (people, groups, applications))
    return [*named, *found], whole


_READERS: Mapping[str, Callable[[_Asking], Awaitable[Found]]] = {
    "region": _regions,
    "node-type": _node_types,
    "runtime": _runtimes,
    "role": _roles,
    "principal": _principals,
}
