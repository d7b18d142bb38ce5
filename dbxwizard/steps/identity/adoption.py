"""Applications that exist already and are taken over, as `--adopt` names them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from dbxwizard.core.errors import UsageError

_OPTION = "--adopt"


def adopted(given: Sequence[str], keys: Sequence[str]) -> dict[str, str]:
    """Key of an application → the client or object id to take over.

    Each of `given` is `KEY=ID`, or an ID alone: these go to the keys in their order (main-spn, databricks-spn) that
    nobody named. Case and a missing `-spn` do not count. Raises UsageError for what fits no key, and for too many.
    """
    named = dict(_named(one, keys) for one in given if "=" in one)
    alone = [_id(one) for one in given if "=" not in one]
    free = [key for key in keys if key not in named]
    if len(alone) > len(free) or len(named) + len(alone) < len(given):
        raise UsageError(
            "adopt-too-many",
            f"{len(given)} applications are to be taken over, and setup has {len(keys)}: {', '.join(keys)}",
            resource=_OPTION,
            fix="Give one id for each, best as KEY=ID.",
        )
    return named | dict(zip(free, alone, strict=False))


def _named(text: str, keys: Sequence[str]) -> tuple[str, str]:
    name, _, value = text.partition("=")
    folded = name.strip().lower().removesuffix("-spn")
    key = next((key for key in keys if key.lower().removesuffix("-spn") == folded), None)
    if key is None:
        raise UsageError(
            "adopt-unknown", f"setup has no {name!r}", resource=_OPTION, fix=f"There are: {', '.join(keys)}."
        )
    return key, _id(value)


def _id(text: str) -> str:
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError as error:
        raise UsageError("invalid-guid", f"{text!r} is not a GUID", resource=_OPTION) from error
