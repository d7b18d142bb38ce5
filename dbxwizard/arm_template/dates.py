"""Points in time as .NET reads and writes them, in the invariant culture and always in UTC.

learn.microsoft.com/dotnet/standard/base-types: standard-date-and-time-format-strings and
custom-date-and-time-format-strings
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from dbxwizard.arm_template.errors import ExpressionError

ISO = "yyyy-MM-ddTHH:mm:ssZ"

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_STANDARD = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "f": "dddd, dd MMMM yyyy HH:mm",
    "F": "dddd, dd MMMM yyyy HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "m": "MMMM dd",
    "M": "MMMM dd",
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffZ",
    "O": "yyyy-MM-ddTHH:mm:ss.fffffffZ",
    "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ssZ",
    "U": "dddd, dd MMMM yyyy HH:mm:ss",
    "y": "yyyy MMMM",
    "Y": "yyyy MMMM",
}
_PIECE = re.compile(r"y+|M+|d+|H+|h+|m+|s+|f+|F+|t+|z+|K|g+|\\.|'[^']*'|\"[^\"]*\"|%(?=.)|.", re.DOTALL)
_TIME = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:\.(\d{1,7}))?)?\s*(Z|[+-]\d\d:?\d\d)?)?", re.IGNORECASE
)
_DURATION = re.compile(
    r"(-)?P(?=[\dT])(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)


def parse_time(text: str) -> datetime:
    """An ISO 8601 time, in UTC where it says no offset. Raises ExpressionError."""
    match = _TIME.fullmatch(text.strip())
    moment = _moment(match) if match else None
    if moment is None:
        raise ExpressionError("The value is not an ISO 8601 date and time.")
    return moment


def _moment(match: re.Match[str]) -> datetime | None:
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    micro = int((match.group(7) or "0").ljust(6, "0")[:6])
    try:
        return datetime(year, month, day, hour, minute, second, micro, tzinfo=_zone(match.group(8))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> timezone:
    if text is None or text.upper() == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def add_duration(moment: datetime, text: str) -> datetime:
    """Adds an ISO 8601 duration; a year counts 365 days and a month 30. Raises ExpressionError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ExpressionError(f"The value '{text}' is not an ISO 8601 duration.")
    years, months, days, hours, minutes = (int((part or "0")[:9]) for part in match.groups()[1:6])
    try:
        span = timedelta(
            days=years * 365 + months * 30 + days, hours=hours, minutes=minutes, seconds=float(match.group(7) or 0)
        )
        return moment - span if match.group(1) else moment + span
    except OverflowError:
        raise ExpressionError(f"The value '{text}' leads out of the years 1 to 9999.") from None


def format_time(moment: datetime, pattern: str) -> str:
    """The time, which is in UTC, in a standard (one letter) or custom format. Raises ExpressionError."""
    if len(pattern) == 1:
        if pattern not in _STANDARD:
            raise ExpressionError(f"The date format '{pattern}' is not valid.")
        pattern = _STANDARD[pattern]
    return "".join(_piece(moment, match.group()) for match in _PIECE.finditer(pattern))


def _piece(moment: datetime, piece: str) -> str:
    if piece[0] in "'\"" and len(piece) > 1:
        return piece[1:-1]
    if piece[0] == "\\":
        return piece[1:]
    if piece == "%":
        return ""
    if piece[0] in "fF":
        return _fraction(moment, piece)
    if piece[0] in "yMdt":
        return _calendar(moment, piece)
    return _clock(moment, piece)


def _fraction(moment: datetime, piece: str) -> str:
    if len(piece) > 7:
        raise ExpressionError(f"The date format '{piece}' is not valid.")
    digits = f"{moment.microsecond:06d}0"[: len(piece)]
    return digits if piece[0] == "f" else digits.rstrip("0")


def _calendar(moment: datetime, piece: str) -> str:
    length = len(piece)
    if piece[0] == "y":
        return f"{moment.year % 100:0{length}d}" if length < 3 else f"{moment.year:0{length}d}"
    if piece[0] == "M":
        name = _MONTHS[moment.month - 1]
        return f"{moment.month:0{length}d}" if length < 3 else name[:3] if length == 3 else name
    if piece[0] == "d":
        name = _DAYS[moment.weekday()]
        return f"{moment.day:0{length}d}" if length < 3 else name[:3] if length == 3 else name
    half = "PM" if moment.hour >= 12 else "AM"
    return half[:length]


def _clock(moment: datetime, piece: str) -> str:
    width = min(len(piece), 2)
    numbers = {"H": moment.hour, "h": (moment.hour - 1) % 12 + 1, "m": moment.minute, "s": moment.second}
    if piece[0] in numbers:
        return f"{numbers[piece[0]]:0{width}d}"
    if piece[0] == "z":
        return {1: "+0", 2: "+00"}.get(len(piece), "+00:00")
    if piece[0] == "g":
        return "A.D."
    return "Z" if piece == "K" else piece
