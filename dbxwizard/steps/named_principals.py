"""Service principals that a job knows though it does not sign in as them, from the variables that setup wrote.

A job may not ask the directory. So one that only looks is told who deploys, and one that deploys whom it lets look.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from dbxwizard.core.errors import UsageError

KEYS = ("main-spn", "databricks-spn", "plan-spn")


@dataclass(frozen=True, slots=True)
class NamedPrincipal:
    """`client_id` of the application, `object_id` of its service principal."""

    client_id: str
    object_id: str


def variable_of(key: str) -> str:
    """The variable that says who `databricks-spn` or `Development/databricks-spn` is: CLIENT_ID/OBJECT_ID."""
    kind = key.rpartition("/")[2].upper().replace("-", "_")
    return f"DBXWIZARD_{kind}"


def named_principals(environ: Mapping[str, str]) -> dict[str, NamedPrincipal]:
    """By key; a variable that is not set, or empty, names nobody. Raises UsageError for another form."""
    given = {key: environ.get(variable_of(key), "") for key in KEYS}
    return {key: _read(variable_of(key), text) for key, text in given.items() if text}


def _read(variable: str, text: str) -> NamedPrincipal:
    client_id, _, object_id = text.partition("/")
    try:
        return NamedPrincipal(str(uuid.UUID(client_id)), str(uuid.UUID(object_id)))
    except ValueError as error:
        raise UsageError(
            "principal-variable-invalid",
            f"{text!r} is not CLIENT_ID/OBJECT_ID of a service principal",
            resource=variable,
            fix="Run `dbxwizard setup`, which writes this variable of the GitHub environment.",
        ) from error
