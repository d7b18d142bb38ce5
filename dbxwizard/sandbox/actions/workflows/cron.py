"""When a schedule fires: POSIX cron of five fields, in UTC unless a time zone is named.

docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule: names of months and
days, `* , - /`, no `@daily`; the shortest interval is five minutes. A file with a shorter one is taken, as there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[int, int, Mapping[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")


@dataclass(frozen=True, slots=True)
class Cron:
    """The minutes, hours, days, months and weekdays (0 is Sunday) at which it fires."""

    fields: tuple[frozenset[int], ...]
    any_day: bool
    any_weekday: bool

    def fires_at(self, moment: datetime) -> bool:
        """Whether it fires in that minute. Where both kinds of day are restricted, either will do."""
        minutes, hours, days, months, weekdays = self.fields
        if moment.minute not in minutes or moment.hour not in hours or moment.month not in months:
            return False
        on_day, on_weekday = moment.day in days, moment.isoweekday() % 7 in weekdays
        return (on_day and on_weekday) if self.any_day or self.any_weekday else (on_day or on_weekday)

    def next_after(self, moment: datetime, zone: str = "UTC") -> datetime | None:
        """The next time after an aware `moment`, in its own zone; None where there is none within four years."""
        minute = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = minute + timedelta(days=4 * 366)
        while minute < end:
            local = minute.astimezone(ZoneInfo(zone))
            if self.fires_at(local):
                return minute
            minute += timedelta(minutes=1) if self._is_day(local) else timedelta(minutes=60 - local.minute)
        return None

    def _is_day(self, moment: datetime) -> bool:
        """Whether that hour may have a minute at which it fires."""
        return moment.month in self.fields[3] and moment.hour in self.fields[1]


def parse_cron(text: str) -> Cron | None:
    """None for what GitHub doesn't take."""
    parts = text.split(" ")
    parts = [part for part in parts if part]
    if len(parts) != len(_FIELDS):
        return None
    fields = [_field(part, *rules) for part, rules in zip(parts, _FIELDS, strict=True)]
    if None in fields:
        return None
    return Cron(tuple(field for field in fields if field is not None), parts[2] == "*", parts[4] == "*")


def _field(text: str, least: int, most: int, names: Mapping[str, int]) -> frozenset[int] | None:
    numbers: set[int] = set()
    for part in text.split(","):
        found = _range(part, least, most, names)
        if not found:
            return None
        numbers.update(found)
    return frozenset(numbers)


def _range(part: str, least: int, most: int, names: Mapping[str, int]) -> range | None:
    """None for what is no range; an empty one doesn't come out."""
    found = _PART.fullmatch(part)
    if not found or (found["first"] == "*" and found["last"]):
        return None
    if found["first"] == "*":
        first, last = least, most
    else:
        first = _number(found["first"], names)
        open_end = most if found["step"] else first
        last = _number(found["last"], names) if found["last"] else open_end
    step = int(found["step"] or 1)
    return range(first, last + 1, step) if least <= first <= last <= most and 0 < step <= most else None


def _number(text: str, names: Mapping[str, int]) -> int:
    """-1 for what is neither a number nor a name."""
    return int(text) if text.isascii() and text.isdecimal() else names.get(text.lower(), -1)
