"""What no record may hold: values that are known to be secret, and what looks like a credential.

Telemetry puts everything through `clean` before it leaves. A value becomes known by being in a `Secret`, which is how
`engine.get_secret` gives it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any, NoReturn

HIDDEN = "***"
_SHORTEST = 4  # shorter values are in too many words to be looked for
_LONGEST_TEXT = (
    8192  # characters of a message or property that Application Insights keeps are no more than these by far
)
_known: set[str] = set()
_NAME = (
    r"(?:pass(?:word|wd)|pwd|secret|token|credential|api[_-]?key|account[_-]?key|access[_-]?key|instrumentationkey|sig)"
)
_SECRET_NAME = re.compile(rf"(?i)(?:^|[._-]|(?<=[a-z])(?=[A-Z])){_NAME}s?$|connection[_-]?string$")
_LOOKS_SECRET = (
    (re.compile(rf"(?i)(?P<kept>\b(?:\w+[._-])?{_NAME}\b[\"']?\s*[=:]\s*[\"']?)[^\s\"';,&]+"), rf"\g<kept>{HIDDEN}"),
    (re.compile(r"(?i)(?P<kept>\b(?:bearer|basic)\s+)[\w.~+/-]{8,}=*"), rf"\g<kept>{HIDDEN}"),
    (re.compile(r"(?P<kept>\w://[^\s/:@]*:)[^\s/@]+(?=@)"), rf"\g<kept>{HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), HIDDEN),  # a JSON web token
    (re.compile(r"\bdapi[0-9a-f]{32}(?:-\d+)?\b"), HIDDEN),  # a token of Databricks
    (re.compile(r"\b(?:gh[opsur]_\w{20,}|github_pat_\w{20,})\b"), HIDDEN),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL), HIDDEN),
)


class Secret:
    """A value that no repr, format or record shows. Equal to a Secret of the same value; true unless it is empty.

    >>> token = Secret("correct horse")
    >>> f"the token is {token}"
    'the token is ***'
    >>> token.reveal()
    'correct horse'
    >>> clean("sent correct horse to the service")
    'sent *** to the service'
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        remember(value)

    def reveal(self) -> str:
        """The value itself, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        """A pickle would hold it in the clear, also one that goes to Spark's workers."""
        raise TypeError("a Secret is not pickled: read it where it is used")


def remember(value: str) -> None:
    """Keeps `value` out of every record from now on; fewer than four characters are not looked for."""
    if len(value) >= _SHORTEST:
        _known.add(value)


def clean(value: Any) -> Any:
    """`value` without secrets: text, numbers and None as they are, collections member by member, else its text.

    >>> clean("password=hunter2; user=me")
    'password=***; user=me'
    >>> clean({"rows": 3, "api_key": "abc", "urls": ["https://me:pw@host/x"]})
    {'rows': 3, 'api_key': '***', 'urls': ['https://me:***@host/x']}
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return clean_attributes(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [clean(item) for item in value]
    return _clean_text(str(value))


def clean_attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """As `clean`; what stands under a name such as `password` or `api_key` is hidden whatever it is."""
    return {
        str(name): HIDDEN if _SECRET_NAME.search(str(name)) and value else clean(value)
        for name, value in attributes.items()
    }


def _clean_text(text: str) -> str:
    for secret in sorted(_known, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, HIDDEN)
    for pattern, instead in _LOOKS_SECRET:
        text = pattern.sub(instead, text)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
