"""Schedules: docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dbxwizard.sandbox.actions.workflows.cron import parse_cron

MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("30 5 * * 1,3", datetime(2026, 11, 25, 5, 30, tzinfo=UTC)),
        ("15 * * * *", datetime(2026, 11, 23, 12, 15, tzinfo=UTC)),
        ("2,10 4,5 * * *", datetime(2026, 11, 24, 4, 2, tzinfo=UTC)),
        ("30 4-6 * * *", datetime(2026, 11, 24, 4, 30, tzinfo=UTC)),
        ("20/15 * * * *", datetime(2026, 11, 23, 12, 20, tzinfo=UTC)),
        ("*/5 * * * *", datetime(2026, 11, 23, 12, 5, tzinfo=UTC)),
        ("0 0 1 JAN *", datetime(2027, 1, 1, 0, 0, tzinfo=UTC)),
        ("0 0 * * SUN", datetime(2026, 11, 29, 0, 0, tzinfo=UTC)),
        # Both days restricted: either will do, as POSIX says.
        ("0 0 13 * FRI", datetime(2026, 11, 27, 0, 0, tzinfo=UTC)),
        ("0 0 29 2 *", datetime(2028, 2, 29, 0, 0, tzinfo=UTC)),
        ("0 0 31 2 *", None),
    ],
)
def test_fires_next(text: str, then: datetime | None) -> None:
    cron = parse_cron(text)
    assert cron is not None
    assert cron.next_after(MONDAY) == then


def test_fires_by_the_clock_of_a_time_zone() -> None:
    cron = parse_cron("30 5 * * *")
    assert cron is not None
    assert cron.next_after(MONDAY, "America/New_York") == datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
    assert cron.next_after(MONDAY, "Asia/Kolkata") == datetime(2026, 11, 24, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["@daily", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7",
     "5-1 * * * *", "*/0 * * * *", "*-5 * * * *", "a * * * *", "1,,2 * * * *", "", "* * L * *", "* * * * MON#1"],
)  # fmt: skip
def test_takes_no_other(text: str) -> None:
    assert parse_cron(text) is None
