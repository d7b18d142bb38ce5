"""What a reading's query may say: filters, pages."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from dbxwizard.sandbox.http import ApiError, Call
from dbxwizard.sandbox.store import Document

_TERM = re.compile(r"\s*(?P<name>[A-Za-z/]+)\s+(?P<operator>eq|ne)\s+'(?P<value>(?:[^']|'')*)'\s*", re.IGNORECASE)
_CALL = re.compile(r"\s*(?P<name>[A-Za-z]+)\(\s*(?:'(?P<value>[^']*)')?\s*\)\s*", re.IGNORECASE)
PAGE = 1000


def filters(call: Call, known: Sequence[str]) -> dict[str, str]:
    """The terms of `$filter` by name: `roleName eq 'x' and atScope()` is {"roleName": "x", "atScope()": ""}.

    `known` are the names that the operation takes. ApiError 400 for any other, and for what is no filter.
    """
    text = call.query.get("$filter", "").strip()
    names = {name.lower(): name for name in known}
    found: dict[str, str] = {}
    for part in re.split(r"\s+and\s+", text) if text else []:
        term = _TERM.fullmatch(part)
        function = _CALL.fullmatch(part)
        name = (
            term["name"] if term and term["operator"].lower() == "eq" else f"{function['name']}()" if function else ""
        )
        if name.lower() not in names:
            raise ApiError(
                400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string."
            )
        value = term["value"].replace("''", "'") if term else (function["value"] or "" if function else "")
        found[names[name.lower()]] = value
    return found


def page(call: Call, entries: Sequence[Document], size: int = PAGE) -> dict[str, Any]:
    """`{"value": …}` with a `nextLink` where there is more; `$top` makes pages smaller."""
    wanted = call.query.get("$top", "")
    if wanted and not (wanted.isascii() and wanted.isdigit() and int(wanted) > 0):
        raise ApiError(400, "InvalidTopInQueryString", f"The value '{wanted}' of $top is not a positive number.")
    size = min(size, int(wanted)) if wanted else size
    start = _start(call)
    answer: dict[str, Any] = {"value": list(entries[start : start + size])}
    if start + size < len(entries):
        answer["nextLink"] = _next_link(call, start + size)
    return answer


def _start(call: Call) -> int:
    token = call.query.get("$skiptoken") or call.query.get("$skipToken") or ""
    try:
        return int(base64.urlsafe_b64decode(token).decode()) if token else 0
    except ValueError as error:
        raise ApiError(400, "InvalidSkipToken", f"The skip token '{token}' is invalid.") from error


def _next_link(call: Call, start: int) -> str:
    token = base64.urlsafe_b64encode(str(start).encode()).decode()
    kept = {name: value for name, value in call.query.items() if name.lower() != "$skiptoken"}
    query = "&".join(f"{quote(name, safe='$')}={quote(value)}" for name, value in {**kept, "$skiptoken": token}.items())
    return f"{call.url('arm')}{call.request.path}?{query}"
