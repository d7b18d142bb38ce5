"""Deleted vaults, and whether names are free."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dbxwizard.sandbox.arm.locations import normal
from dbxwizard.sandbox.arm.queries import page
from dbxwizard.sandbox.arm.stored import holder_of
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.arm.types.keyvault import DELETED, VaultType, already_exists, find_deleted, name_taken, purge
from dbxwizard.sandbox.arm.types.storage import AccountType
from dbxwizard.sandbox.http import ApiError, Call, Response
from dbxwizard.sandbox.store import Document

if TYPE_CHECKING:
    from dbxwizard.sandbox.arm.service import ArmService

_PROVIDER = "/subscriptions/{subscription}/providers/Microsoft.KeyVault"
_ONE = f"{_PROVIDER}/locations/{{location}}/deletedVaults/{{name}}"
_STORAGE = "/subscriptions/{subscription}/providers/Microsoft.Storage"


def register(service: ArmService) -> None:
    route, versions = service.route, tuple(v for v in VaultType.api_versions if v >= "2016-10")
    read = "Microsoft.KeyVault/deletedVaults/read"
    route("GET", f"{_PROVIDER}/deletedVaults", api_versions=versions, query=("$top",), action=read)(_list)
    # az asks for deleted HSMs whenever it asks for deleted vaults.
    hsm = "Microsoft.KeyVault/deletedManagedHsms/read"
    since = tuple(v for v in versions if v >= "2020-04")
    route("GET", f"{_PROVIDER}/deletedManagedHSMs", api_versions=since, query=("$top",), action=hsm)(_no_hsm)
    route("GET", _ONE, api_versions=versions, action="Microsoft.KeyVault/locations/deletedVaults/read")(_get)
    right = "Microsoft.KeyVault/locations/deletedVaults/purge/action"
    route("POST", f"{_ONE}/purge", api_versions=versions, action=right)(_purge)
    body = {"name": str, "type": str}
    path, right = f"{_PROVIDER}/checkNameAvailability", "Microsoft.KeyVault/checkNameAvailability/read"
    route("POST", path, api_versions=versions, body=body, action=right)(_vault_name)
    path, right = f"{_STORAGE}/checkNameAvailability", "Microsoft.Storage/checknameavailability/read"
    route("POST", path, api_versions=AccountType.api_versions, body=body, action=right)(_account_name)


def _list(call: Call) -> Response:
    mine = [body for body in call.store.all(DELETED) if body["subscription"] == call.params["subscription"].lower()]
    return Response(200, page(call, [_rendered(body) for body in mine]))


def _no_hsm(call: Call) -> Response:
    """Managed HSMs can't be made here, so none was deleted."""
    return Response(200, page(call, []))


def _get(call: Call) -> Response:
    return Response(200, _rendered(_find(call)))


def _purge(call: Call) -> Response:
    deleted = _find(call)
    if deleted["vault"]["properties"].get("enablePurgeProtection"):
        raise ApiError(405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")
    purge(call, deleted["name"])
    return Response(200)


def _find(call: Call) -> Document:
    name, where = call.params["name"], normal(call.params["location"])
    found = find_deleted(call.store, name)
    if found is None or found["location"] != where or found["subscription"] != call.params["subscription"].lower():
        raise ApiError(404, "DeletedVaultNotFound", f"The specified deleted vault '{name}' does not exist.")
    return found


def _rendered(body: Document) -> Document:
    vault, base = body["vault"], f"/subscriptions/{body['subscription']}/providers/Microsoft.KeyVault"
    properties = {
        "vaultId": vault["id"],
        "location": body["location"],
        "deletionDate": iso(body["deletedAt"]),
        "scheduledPurgeDate": iso(body["purgeAt"]),
        "tags": vault.get("tags", {}),
    }
    if vault["properties"].get("enablePurgeProtection"):
        properties["purgeProtectionEnabled"] = True
    return {
        "id": f"{base}/locations/{body['location']}/deletedVaults/{body['name']}",
        "name": body["name"],
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": properties,
    }


def _vault_name(call: Call) -> Response:
    name = call.body["name"]
    if not re.fullmatch(VaultType.name_pattern, name):
        return _unavailable("AccountNameInvalid", VaultType().name_error(name).message)
    return _unavailable("AlreadyExists", already_exists(name).message) if name_taken(call.store, name) else _available()


def _account_name(call: Call) -> Response:
    name = call.body["name"]
    if not re.fullmatch(AccountType.name_pattern, name):
        return _unavailable("AccountNameInvalid", AccountType().name_error(name).message)
    if holder_of(call.store, AccountType.name, name):
        return _unavailable("AlreadyExists", f"The storage account named {name} is already taken.")
    return _available()


def _available() -> Response:
    return Response(200, {"nameAvailable": True})


def _unavailable(reason: str, message: str) -> Response:
    return Response(200, {"nameAvailable": False, "reason": reason, "message": message})
