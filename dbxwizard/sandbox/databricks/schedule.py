"""When a job runs: Quartz cron expressions and time zones.

Source: quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html, which the Jobs API names.
"""

from __future__ import annotations

import re
from zoneinfo import available_timezones

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_ANY_DAY = "?"
# For each field: its least and largest number, the names that stand for numbers, and what else it may be.
_FIELDS: tuple[tuple[int, int, tuple[str, ...], str], ...] = (
    (0, 59, (), r""),
    (0, 59, (), r""),
    (0, 23, (), r""),
    (1, 31, (), r"\?|L(-\d{1,2})?|LW|\d{1,2}W"),
    (1, 12, _MONTHS, r""),
    (1, 7, _DAYS, r"\?|L|[1-7]L|[1-7]#[1-5]|(SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])"),
    (1970, 2099, (), r""),
)
_PART = re.compile(r"(?P<first>\*|[A-Z]{3}|\d+)(-(?P<last>[A-Z]{3}|\d+))?(/(?P<step>\d+))?")


def is_cron(text: str) -> bool:
    """Whether Quartz takes it: six or seven fields, and one of the two days left open."""
    fields = text.upper().split()
    if len(fields) not in (6, 7) or (fields[3] == _ANY_DAY) == (fields[5] == _ANY_DAY):
        return False
    return all(_fits(field, *rules) for field, rules in zip(fields, _FIELDS, strict=False))


def is_time_zone(name: str) -> bool:
    return name in available_timezones()


def _fits(field: str, least: int, most: int, names: tuple[str, ...], special: str) -> bool:
    return all(
        bool(special and re.fullmatch(special, part)) or _is_range(part, least, most, names)
        for part in field.split(",")
    )


def _is_range(part: str, least: int, most: int, names: tuple[str, ...]) -> bool:
    found = _PART.fullmatch(part)
    if not found or (found["first"] == "*" and found["last"]):
        return False
    numbers = [_number(found[name], names) for name in ("first", "last") if found[name] not in (None, "*")]
    return all(number is not None and least <= number <= most for number in numbers) and found["step"] != "0"


def _number(text: str, names: tuple[str, ...]) -> int | None:
    if text.isdecimal():
        return int(text)
    return names.index(text) + 1 if text in names else None
