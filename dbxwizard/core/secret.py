"""A value that nothing shows by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

_SHORTEST = 8  # characters; hiding shorter texts would tear ordinary words apart
_MADE: set[str] = set()
_OBSERVERS: list[Callable[[str], object]] = []
# Credentials that SDKs hold without asking us: JSON Web Tokens, Entra's client secrets, tokens of GitHub and of
# Databricks, and what stands behind a name that says so.
_LOOKS = (
    r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"
    r"|[\w~.-]{3}\dQ~[\w~.-]{31,34}"
    r"|\b(?:gh[pousr]_|github_pat_)\w{8,}"
    r"|\bdapi[0-9a-f]{32}(?:-\d+)?"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----"
    r"|(?i:(?<=instrumentationkey=)|(?<=accountkey=)|(?<=client_secret=)|(?<=client_assertion=)|(?<=refresh_token=)"
    r"|(?<=device_code=)|(?<=bearer ))[^\s;&'\"]{8,}"
)


class Secret:
    """Holds a secret string. Only `reveal()` gives it back, and only the call that sends it should ask.

    repr, str, format, equality with other types, pickling and copying into JSON never show it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= _SHORTEST:
            _MADE.add(value)
            for tell in _OBSERVERS:
                tell(value)

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, _spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")


def hide(text: str) -> str:
    """`text` with `***` for each value that a Secret of this process holds, as it is, in JSON or in a URL, and for what
    looks like a credential. For words that are not ours: exceptions of others, and their logs."""
    import json
    import re
    from urllib.parse import quote

    for value in sorted(_MADE, key=len, reverse=True):
        for form in {value, json.dumps(value)[1:-1], quote(value, safe="")}:
            text = text.replace(form, "***")
    return re.sub(_LOOKS, "***", text, flags=re.DOTALL)


@contextmanager
def observed(tell: Callable[[str], object]) -> Iterator[None]:
    """While it lasts, `tell` is called with the value of each Secret that is made: GitHub Actions masks it then."""
    _OBSERVERS.append(tell)
    try:
        yield
    finally:
        _OBSERVERS.remove(tell)
