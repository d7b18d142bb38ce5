"""Values that no log may show.

docs.github.com/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log; each line of a
secret with several lines is one as well (SecretMasker.cs of actions/runner, which masks also what a secret becomes in
JSON and in an URI).
"""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote

_STARS = "***"


class Masker:
    """Grows while a job runs."""

    def __init__(self, secrets: list[str]) -> None:
        self._values: set[str] = set()
        self._longest_first: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, value: str) -> None:
        for text in {value, *value.splitlines()}:
            if text.strip():
                self._values |= {text, json.dumps(text)[1:-1], quote(text, safe=""), b64encode(text.encode()).decode()}
        self._longest_first = sorted(self._values, key=len, reverse=True)

    def masked(self, text: str) -> str:
        """The text with stars for all that is secret; of values that overlap the longest first."""
        for value in self._longest_first:
            text = text.replace(value, _STARS)
        return text
