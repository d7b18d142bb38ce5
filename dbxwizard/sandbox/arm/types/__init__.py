"""The resource types, one module for each provider."""

from __future__ import annotations

from dbxwizard.sandbox.arm.model import ResourceType


def all_types() -> tuple[ResourceType, ...]:
    """One of each, in the order in which they are listed."""
    return ()
