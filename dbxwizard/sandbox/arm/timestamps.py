"""Times as the services write them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """`2026-01-31T12:00:00.0000000Z` of epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def http_date(seconds: float) -> str:
    """RFC 9110's form: `Sat, 31 Jan 2026 12:00:00 GMT`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
