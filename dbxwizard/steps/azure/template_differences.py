"""What a template wants, held against what is there: every field that it sets, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dbxwizard.arm_template import DeploymentScope, Expansion, Expected, TemplateError, Unknown, expand
from dbxwizard.core.errors import OperationError
from dbxwizard.core.plan import Reason

Json = Mapping[str, Any]
ROLE_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
# Sent, and never answered: how to make a vault says nothing of what it is.
_WRITE_ONLY = frozenset({"properties.createMode"})
# What a field that is not answered means (docs in github.com/Azure/azure-rest-api-specs; the published answer of a
# Databricks workspace lacks these).
_DEFAULTS: Mapping[str, object] = {
    "properties.computeMode": "Hybrid",
    "properties.parameters.enableNoPublicIp.value": True,
    "properties.publicNetworkAccess": "Enabled",
    "properties.requiredNsgRules": "AllRules",
}
_ADDRESS = re.compile(r"properties\.networkAcls\.ipRules\[\d*\]\.value")
_MISSING = "created"
_SETTLED = "Succeeded"


class Wanted:
    """A template with its parameters, for one scope. `file` names it in errors."""

    def __init__(self, template: Json, parameters: Json, scope: DeploymentScope, file: str) -> None:
        self._template, self._parameters, self._scope, self._file = template, parameters, scope, file
        self.names = self._expanded(None)

    @property
    def resources(self) -> tuple[Expected, ...]:
        """What is wanted, with the ids; values that only live resources can tell are Unknown."""
        return self.names.resources

    def output(self, name: str) -> str:
        return str(self.names.outputs[name].value)

    def beside(self, live: Mapping[str, Json]) -> Expansion:
        """As `resources`, with what the resources in `live` (by id in lower case) tell of each other."""
        if not live:
            return self.names
        try:
            return self._expanded(_LiveValues(live))
        except OperationError:  # something is there without what the template asks of it: then nobody can tell
            return self.names

    def _expanded(self, live: _LiveValues | None) -> Expansion:
        try:
            return expand(self._template, self._parameters, self._scope, runtime=live)
        except TemplateError as error:
            raise OperationError(error.code, error.message, resource=self._file) from error


class _LiveValues:
    """Answers reference() from resources that were read already, and asks nobody."""

    def __init__(self, live: Mapping[str, Json]) -> None:
        self._live = live

    def reference(self, resource_id: str, api_version: str, full: bool) -> object:
        found = self._live.get(resource_id.lower())
        if found is None:
            return Unknown(f"reference('{resource_id}')")
        return dict(found) if full else found.get("properties", {})

    def list(self, resource_id: str, function: str, api_version: str, value: object) -> object:
        return Unknown(f"{function}('{resource_id}')")

    def secret(self, vault_id: str, name: str, version: str) -> object:
        return Unknown(f"{vault_id}/secrets/{name}")


def differences(wanted: Expansion, live: Mapping[str, Json]) -> Iterator[Reason]:
    """A reason for each resource that is missing or not ready, and for each field that differs."""
    for item in wanted.resources:
        found = live.get(item.id.lower())
        label = _label(item)
        if found is None:
            yield Reason(label, None, _MISSING)
        elif not item.existing:
            yield from _readiness(found, label)
            yield from _fields(item.body, found, label, "")


def _label(item: Expected) -> str:
    """`vaults kv-one`; of what is attached to a resource, `locks keep on vaults kv-one` too."""
    label = f"{item.type.rsplit('/', 1)[-1]} {item.name}"
    holder = item.scope.split("/providers/")
    return f"{label} on {' '.join(holder[-1].split('/')[-2:])}" if len(holder) > 1 else label


def stale_assignments(wanted: Expansion, live: Mapping[str, Json]) -> tuple[Expected, ...]:
    """Role assignments whose principal or role is another, or is gone: they can't be changed, only made anew.

    Resource Manager answers RoleAssignmentUpdateNotPermitted to a PUT. So it is with the assignment of an identity
    that was deleted with its resource and that the deployment brings back.
    """
    return tuple(
        item
        for item in wanted.resources
        if item.type.lower() == ROLE_ASSIGNMENT.lower()
        and item.id.lower() in live
        and not _is_held_by(item.body["properties"], live[item.id.lower()]["properties"])
    )


def _is_held_by(wanted: Json, found: Json) -> bool:
    return all(
        isinstance(wanted.get(name), str) and str(wanted[name]).lower() == str(found.get(name)).lower()
        for name in ("principalId", "roleDefinitionId")
    )


def is_not_there(reason: Reason) -> bool:
    """Whether it says that a resource is missing or not ready, not that one of its fields differs."""
    return reason.after == _MISSING or reason.field.endswith(": provisioningState")


def _readiness(found: Json, label: str) -> Iterator[Reason]:
    state = found.get("properties", {}).get("provisioningState", _SETTLED)
    if state != _SETTLED:
        yield Reason(f"{label}: provisioningState", state, _SETTLED)


def _fields(wanted: object, found: object, label: str, path: str) -> Iterator[Reason]:
    """Only what the template names is looked at; null means that it leaves the field out."""
    if path in _WRITE_ONLY or isinstance(wanted, Unknown) or wanted is None:
        return
    if isinstance(wanted, Mapping):
        inside = found if isinstance(found, Mapping) else {}
        known = {name.lower(): value for name, value in inside.items()}
        for name, value in wanted.items():
            yield from _fields(value, known.get(name.lower()), label, f"{path}.{name}" if path else name)
    elif isinstance(wanted, list) and isinstance(found, list):
        yield from _items(wanted, found, label, path)
    elif not _same(wanted, _DEFAULTS.get(path) if found is None else found, path):
        yield Reason(f"{label}: {path}", found, wanted)


def _items(wanted: list[Any], found: list[Any], label: str, path: str) -> Iterator[Reason]:
    """Lists are answered in any order, and those of categories with the ones that are off."""
    entries = list(found)
    for off in [one for one in reversed(found) if _is_off(one, wanted)][: max(0, len(found) - len(wanted))]:
        entries.remove(off)
    if len(entries) != len(wanted):
        yield Reason(f"{label}: {path}", found, wanted)
        return
    placed = [_taken(entries, one, path) for one in wanted]
    left = iter(entries)
    for index, (one, other) in enumerate(zip(wanted, placed, strict=True)):
        yield from _fields(one, next(left) if other is None else other, label, f"{path}[{index}]")


def _is_off(entry: Any, wanted: list[Any]) -> bool:
    """A category of a diagnostic setting that nobody asked for and that sends nothing."""
    if not isinstance(entry, Mapping) or entry.get("enabled") is not False:
        return False
    return all(one.get("category") != entry.get("category") for one in wanted if isinstance(one, Mapping))


def _taken(entries: list[Any], wanted: Any, path: str) -> Any:
    """Takes what equals `wanted` out of `entries`; None when nothing does."""
    found = next((one for one in entries if not any(_fields(wanted, one, "", f"{path}[]"))), None)
    if found is not None:
        entries.remove(found)
    return found


def _same(wanted: object, found: object, path: str) -> bool:
    """Ids, locations and enums are answered in a case of the service's own, the values of tags as they were written."""
    if isinstance(wanted, str) and isinstance(found, str) and not path.startswith("tags."):
        if path == "location":
            wanted, found = wanted.replace(" ", ""), found.replace(" ", "")
        if _ADDRESS.fullmatch(path):  # a vault answers 192.0.2.1 as 192.0.2.1/32
            wanted, found = wanted.removesuffix("/32"), found.removesuffix("/32")
        return wanted.lower() == found.lower()
    if wanted == [] and found is None:  # an empty list may be left out
        return True
    return wanted == found and isinstance(wanted, bool) == isinstance(found, bool)


def shown(reasons: Sequence[Reason], most: int = 5) -> str:
    """The first of `reasons`, for a message."""
    return "; ".join(map(str, reasons[:most]))
