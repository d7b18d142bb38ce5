"""How Application Insights writes a moment."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """In UTC, with microseconds: such texts sort as their moments do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
