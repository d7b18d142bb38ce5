"""Values as a person or a machine may see them: never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum

LONGEST_SHOWN = 160  # characters; a reason is one line on a terminal


def plain(value: object) -> object:
    """`value` in JSON's own types: a Secret becomes `***`, sets are sorted, what JSON has no type for its text."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, AbstractSet):
        return sorted((plain(item) for item in value), key=str)
    return str(value)


def shown(value: object) -> str:
    """One line of text: strings as they are, everything else as JSON, None as `absent`."""
    if value is None:
        return "absent"
    simple = plain(value)
    if isinstance(simple, str) and simple and simple.isprintable():
        return simple
    return json.dumps(simple, ensure_ascii=False, sort_keys=True)


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
