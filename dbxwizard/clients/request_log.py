"""Each request in the log: method, host, path, status, milliseconds and the service's id of it. Never a query, a header
or a body."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_LOG = logging.getLogger("dbxwizard.requests")
# How each service names a request, so that its support can find it.
_IDS = ("x-ms-request-id", "request-id", "x-github-request-id", "x-request-id", "x-databricks-request-id")


def note(method: str, url: str, status: int | None, seconds: float, headers: Mapping[str, str] | None = None) -> None:
    """`status` is None where no answer came."""
    if not _LOG.isEnabledFor(logging.INFO):
        return
    parts, given = urlsplit(url), {name.lower(): value for name, value in (headers or {}).items()}
    number = next((given[name] for name in _IDS if given.get(name)), "-")
    level = logging.INFO if status is not None and status < 500 else logging.WARNING
    _LOG.log(
        level, "%s %s %s %s %.0f ms %s", method, parts.netloc, parts.path, status or "no answer", seconds * 1000, number
    )


def note_response(response: Any, *_: Any, **__: Any) -> None:
    """A hook for sessions of requests."""
    request = response.request
    note(request.method, request.url, response.status_code, response.elapsed.total_seconds(), response.headers)
