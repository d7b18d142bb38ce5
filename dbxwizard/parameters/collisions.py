"""What only several files together can show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dbxwizard.parameters.credentials import show
from dbxwizard.parameters.model import Environment
from dbxwizard.parameters.nodes import Object
from dbxwizard.parameters.problems import Problem

if TYPE_CHECKING:
    from dbxwizard.parameters.loading import Loaded

# What two environments can't share: (the word for it, where it stands in a file, the environment's value for it).
_SHARED = ("resource group", "managed resource group", "Key Vault", "storage account")
_PATHS = {
    "resource group": ("Resources", "ResourceGroup"),
    "managed resource group": ("Resources", "Workspace", "ManagedResourceGroup"),
    "Key Vault": ("Resources", "KeyVault", "Name"),
    "storage account": ("Resources", "Storage", "Name"),
}


def collisions(files: Iterable[Loaded]) -> Iterator[Problem]:
    """Reported in the later file, with the name of the earlier one."""
    seen: dict[tuple[str, str], Loaded] = {}
    for file in files:
        environment = file.environment or file.draft
        if environment is None:
            continue
        first = seen.setdefault(("environment", environment.name.casefold()), file)
        if first is not file:
            yield _problem(
                file, first, ("Environment",), "duplicate-environment", f"environment {show(environment.name)}"
            )
            continue
        for kind, value in _claims(environment):
            first = seen.setdefault((kind, value.casefold()), file)
            if first is not file:
                what = f"{kind} {show(value.split(' ')[-1])}"
                yield _problem(file, first, _PATHS[kind], "environments-collide", what)


def _claims(environment: Environment) -> Iterator[tuple[str, str]]:
    """(kind, value): what is unique in a subscription comes with the subscription before it."""
    resources, subscription = environment.resources, environment.subscription_id
    yield "resource group", f"{subscription} {resources.resource_group}"
    managed = resources.workspace.managed_resource_group
    if managed:
        yield "managed resource group", f"{subscription} {managed}"
    if resources.key_vault.name:
        yield "Key Vault", resources.key_vault.name
    if resources.storage.name:
        yield "storage account", resources.storage.name


def _problem(file: Loaded, first: Loaded, path: tuple[str, ...], code: str, what: str) -> Problem:
    message = f"{first.document.name} has {what} already"
    return Problem(file.location(_offset(file, path)), "error", code, message, "give each environment its own")


def _offset(file: Loaded, path: tuple[str, ...]) -> int:
    """Of the value at a path, or of the nearest object on the way to it."""
    node = file.rewritten.parsed.root if file.rewritten else None
    offset = 0
    for name in path:
        node = node.get(name) if isinstance(node, Object) else None
        offset = node.start if node else offset
    return offset
