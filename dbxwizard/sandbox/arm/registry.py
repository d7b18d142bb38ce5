"""Every resource type that the resource manager knows, by name in lower case."""

from __future__ import annotations

from functools import cache

from dbxwizard.sandbox.arm.model import ResourceType


@cache
def types() -> dict[str, ResourceType]:
    from dbxwizard.sandbox.arm.types import all_types

    return {kind.name.lower(): kind for kind in all_types()}


def find_type(name: str) -> ResourceType | None:
    return types().get(name.lower())
