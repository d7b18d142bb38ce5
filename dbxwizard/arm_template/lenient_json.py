"""Reads JSON as generously as the service: comments, single quotes, bare keys and trailing commas are taken too."""

from __future__ import annotations

import json
import re

from dbxwizard.arm_template.values import JsonObject, JsonValue

_MAX_DEPTH = 64
_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])")
_WORD = re.compile(r"[A-Za-z_$][\w$-]*")
_WORDS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


def loads(text: str) -> JsonValue:
    """Raises ValueError."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        return _Reader(text).read()


def _refuse(name: str) -> JsonValue:
    raise ValueError(name)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> JsonValue:
        value = self._value(0)
        self._skip()
        if self._at != len(self._text):
            raise ValueError(f"unexpected text at {self._at}")
        return value

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _peek(self) -> str:
        self._skip()
        return self._text[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match.group()

    def _value(self, depth: int) -> JsonValue:
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        start = self._peek()
        if start == "{":
            return self._object(depth)
        if start == "[":
            return self._array(depth)
        if (text := self._take(_STRING)) is not None:
            return _unquote(text)
        if (text := self._take(_NUMBER)) is not None:
            return json.loads(text)
        word = self._take(_WORD)
        if word not in _WORDS:
            raise ValueError(f"unexpected text at {self._at}")
        return _WORDS[word]

    def _object(self, depth: int) -> JsonObject:
        result: JsonObject = {}
        self._at += 1
        while self._peek() != "}":
            text = self._take(_STRING)
            key = _unquote(text) if text is not None else self._take(_WORD)
            if key is None or self._peek() != ":":
                raise ValueError(f"expected a property at {self._at}")
            self._at += 1
            result[key] = self._value(depth + 1)
            self._separator("}")
        self._at += 1
        return result

    def _array(self, depth: int) -> list[JsonValue]:
        result: list[JsonValue] = []
        self._at += 1
        while self._peek() != "]":
            result.append(self._value(depth + 1))
            self._separator("]")
        self._at += 1
        return result

    def _separator(self, end: str) -> None:
        following = self._peek()
        if following == ",":
            self._at += 1
        elif following != end:
            raise ValueError(f"expected a comma at {self._at}")


def _unquote(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] == "u" and len(code) == 5:
            return chr(int(code[1:], 16))
        return _ESCAPES.get(code, code)

    return _ESCAPE.sub(replace, text[1:-1])
