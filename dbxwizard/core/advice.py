"""What to do about an error: one table, data not code (advice.toml beside this)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from dbxwizard.core.errors import Forbidden, NotSignedIn, OperationError, Transient

# Where a service gives a code that no row knows.
_OF_KIND: tuple[tuple[type[OperationError], str], ...] = (
    (Forbidden, "Whoever acts may not do this: `dbxwizard doctor` shows what they may, and which rights are missing."),
    (NotSignedIn, "The service does not take the sign-in: sign in again, then run again."),
    (Transient, "It may pass: run again in some minutes; nothing is lost."),
)


@dataclass(frozen=True, slots=True)
class Advice:
    """`codes` are exact, case aside ("*": any); `pattern` is searched in the message, case aside ("": any)."""

    codes: tuple[str, ...]
    pattern: str
    fix: str
    link: str
    example: str  # a message as the service words it

    def fits(self, error: OperationError) -> bool:
        code = error.code.lower()
        if "*" not in self.codes and all(code != known.lower() for known in self.codes):
            return False
        return not self.pattern or re.search(self.pattern, error.message, re.IGNORECASE) is not None


@cache
def table() -> tuple[Advice, ...]:
    """All rows; the first that fits counts."""
    import tomllib
    from importlib.resources import files

    data = tomllib.loads(files("dbxwizard.core").joinpath("advice.toml").read_text("utf-8"))
    return tuple(
        Advice(tuple(row["codes"]), row.get("pattern", ""), row["fix"], row.get("link", ""), row["example"])
        for row in data["advice"]
    )


def advise(error: OperationError) -> str:
    """What the error says to do itself, else what the table says, with its link, else what fits its kind; "" when
    nobody knows."""
    if error.fix:
        return error.fix
    row = next((row for row in table() if row.fits(error)), None)
    if row is None:
        return next((fix for kind, fix in _OF_KIND if isinstance(error, kind)), "")
    return f"{row.fix} See {row.link}" if row.link else row.fix
