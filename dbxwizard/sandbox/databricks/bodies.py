"""What the operations of a workspace know of their bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import ApiError


def pruned(value: Any, spec: Spec) -> Any:
    """`value` without the fields that `spec` does not know, and without nulls: both mean nothing to the service."""
    if isinstance(spec, tuple):
        return pruned(
            value, next((one for one in spec if isinstance(one, type(value)) or _object(value, one)), spec[0])
        )
    if isinstance(spec, Mapping) and isinstance(value, Mapping):
        return _pruned_object(value, spec)
    if isinstance(spec, list) and isinstance(value, list):
        return [pruned(item, spec[0]) for item in value]
    return value


def _object(value: Any, spec: Spec) -> bool:
    return isinstance(value, Mapping) and isinstance(spec, Mapping)


def _pruned_object(value: Mapping[str, Any], spec: Mapping[str, Spec]) -> dict[str, Any]:
    known = {name.rstrip("?"): field for name, field in spec.items()}
    kept = {name: item for name, item in value.items() if item is not None and (name in known or "*" in known)}
    return {name: pruned(item, known.get(name, known.get("*"))) for name, item in kept.items()}


def multipart_fields(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a form (RFC 7578): text, or bytes for the one named `content`."""
    found = re.search(r'boundary="?([^";]+)', content_type)
    parts = body.split(b"--" + found.group(1).encode())[1:-1] if found else []
    if not parts:
        raise ApiError(400, "MALFORMED_REQUEST", "The multipart body can't be read.")
    return dict(map(_field, parts))


def _field(part: bytes) -> tuple[str, Any]:
    head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    named = re.search(rb'[; ]name="([^"]*)"', head)
    name = named.group(1).decode("utf-8", "replace") if named else ""
    content = content.removesuffix(b"\r\n")
    return name, content if name == "content" else content.decode("utf-8", "replace")
