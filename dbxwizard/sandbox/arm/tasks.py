"""What happens when a time has come: resources become ready or are gone, providers are registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbxwizard.sandbox.arm import operations, providers
from dbxwizard.sandbox.arm.groups import KIND as GROUP
from dbxwizard.sandbox.arm.groups import ResourceGroupType
from dbxwizard.sandbox.arm.registry import find_type, types
from dbxwizard.sandbox.arm.stored import KIND, StoredType
from dbxwizard.sandbox.arm.types.keyvault import find_deleted, purge
from dbxwizard.sandbox.http import TaskContext

if TYPE_CHECKING:
    from dbxwizard.sandbox.arm.service import ArmService

_STATUS = "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/operationStatuses/{operation}"


def register(service: ArmService) -> None:
    service.task("arm.resource.ready")(_ready)
    service.task("arm.resource.gone")(_gone)
    service.task("arm.group.gone")(_group_gone)
    service.task("arm.provider.settle")(_provider)
    service.task("arm.vault.purge")(_purge)
    # An operation is asked after with the version that its type was written with.
    versions = {version for kind in types().values() for version in kind.api_versions}
    service.route("GET", _STATUS, api_versions=versions)(operations.status)
    path = "/subscriptions/{subscription}/operationresults/{operation}"
    service.route("GET", path, api_versions=versions)(operations.result)


def _ready(context: TaskContext, body: dict[str, Any]) -> None:
    stored = context.store.get(KIND, body["id"].lower())
    kind = find_type(stored["type"]) if stored else None
    if stored is not None and isinstance(kind, StoredType):
        kind.finish(context, stored)


def _gone(context: TaskContext, body: dict[str, Any]) -> None:
    stored = context.store.get(KIND, body["id"].lower())
    kind = find_type(stored["type"]) if stored else None
    if stored is not None and isinstance(kind, StoredType):
        kind.gone(context, stored)


def _group_gone(context: TaskContext, body: dict[str, Any]) -> None:
    stored = context.store.get(GROUP, body["id"].lower())
    if stored is not None:
        ResourceGroupType().gone(context, stored)


def _provider(context: TaskContext, body: dict[str, Any]) -> None:
    providers.settle(context.store, body["subscription"], body["namespace"], body["moving"], body["reached"])


def _purge(context: TaskContext, body: dict[str, Any]) -> None:
    """The end of a deleted vault's retention, unless it was recovered (and maybe deleted anew) meanwhile."""
    deleted = find_deleted(context.store, body["name"])
    if deleted is not None and deleted["purgeAt"] == body["ends"]:
        purge(context, body["name"])
