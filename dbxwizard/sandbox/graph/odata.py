"""OData as Graph's directory speaks it: $filter, $select, $top and pages.

Sources: learn.microsoft.com/graph/query-parameters, /graph/filter-query-parameter, /graph/paging. Advanced queries
(ne, not, endsWith, $search, $orderby with $filter) need ConsistencyLevel: eventual there and are refused here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from dbxwizard.sandbox.http import ApiError, Call, Response
from dbxwizard.sandbox.store import Document

PAGE = 100
_MAX_PAGE = 999
_OPTIONS = frozenset({"$filter", "$select", "$top", "$count", "$skiptoken"})
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|[A-Za-z_][\w.]*|true|false|null|[(),:/])")
Predicate = Callable[[Document], bool]


@dataclass(frozen=True, slots=True)
class Entity:
    """A type of Graph's. `filters`: the operators that each property allows: eq, startswith, in, any."""

    name: str  # application
    path: str  # applications
    filters: Mapping[str, frozenset[str]]


def split_key(key: str) -> tuple[str, str]:
    """The name of an alternate key and its value; the name is "" for a plain id."""
    name, equals, value = key.partition("=")
    return (name, value) if equals else ("", key)


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unsupported_query(message: str) -> ApiError:
    return ApiError(400, "Request_UnsupportedQuery", message)


def one(call: Call, entity: Entity, body: Document) -> Response:
    """`body` as the answer of a read, with the properties that $select names."""
    _check_options(call, frozenset({"$select"}))
    context = f"{call.url('graph')}/v1.0/$metadata#{entity.path}/$entity"
    return Response(200, {"@odata.context": context} | _selected(call, entity, body))


def page(call: Call, entity: Entity, bodies: Iterable[Document], *, path: str = "") -> Response:
    """One page of `bodies` (in the order of their ids), filtered as the query says."""
    _check_options(call, _OPTIONS)
    matches = parse_filter(call.query["$filter"], entity) if "$filter" in call.query else _all
    size, after = _page_size(call), _position(call)
    found = sorted((body for body in bodies if matches(body)), key=lambda body: str(body["id"]))
    rest = [body for body in found if str(body["id"]) > after]
    collection = path or entity.path
    answer: Document = {"@odata.context": f"{call.url('graph')}/v1.0/$metadata#{collection}"}
    if call.query.get("$count") == "true" and call.request.headers.get("consistencylevel", "").lower() == "eventual":
        answer["@odata.count"] = len(found)
    if len(rest) > size:
        answer["@odata.nextLink"] = _next_link(call, rest[size - 1])
    return Response(200, answer | {"value": [_selected(call, entity, body) for body in rest[:size]]})


def _all(_body: Document) -> bool:
    return True


def _check_options(call: Call, allowed: frozenset[str]) -> None:
    for name in call.query:
        if name == "$orderby":
            raise unsupported_query("Sorting not supported for current query.")
        if name.startswith("$") and name not in allowed:
            raise bad_request(f"The query parameter '{name}' is not supported.")


def _selected(call: Call, entity: Entity, body: Document) -> Document:
    if "$select" not in call.query:
        return body
    names = [name.strip() for name in call.query["$select"].split(",")]
    for name in names:
        if name not in body:
            missing = f"Could not find a property named '{name}' on type 'microsoft.graph.{entity.name}'."
            raise bad_request(f"Parsing OData Select and Expand failed: {missing}")
    return {name: body[name] for name in names}


def _page_size(call: Call) -> int:
    text = call.query.get("$top", str(PAGE))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= _MAX_PAGE:
        raise ApiError(
            400,
            "Request_BadRequest",
            f"Invalid page size specified: '{text}'. Must be between 1 and {_MAX_PAGE} inclusive.",
        )
    return int(text)


def _position(call: Call) -> str:
    token = call.query.get("$skiptoken", "")
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise ApiError(400, "Directory_ExpiredPageToken", "The specified page token value has expired.") from error


def _next_link(call: Call, last: Document) -> str:
    token = base64.urlsafe_b64encode(str(last["id"]).encode()).decode()
    query = {**call.query, "$skiptoken": token}
    return f"{call.url('graph')}{call.request.path}?{urlencode(query)}"


def parse_filter(text: str, entity: Entity) -> Predicate:
    """Raises ApiError for what is no filter, and for what Graph does not support on that property."""
    parser = _Parser(text, entity)
    predicate = parser.either()
    parser.end()
    return predicate


class _Parser:
    def __init__(self, text: str, entity: Entity) -> None:
        self._text, self._entity = text, entity
        self._tokens: list[str] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found:
                raise self._invalid(at)
            self._tokens.append(found.group(1))
            at = found.end()
        self._at = 0

    def either(self) -> Predicate:
        parts = [self._both()]
        while self._take_if("or"):
            parts.append(self._both())
        return lambda body: any(part(body) for part in parts)

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._invalid(self._at)

    def _both(self) -> Predicate:
        parts = [self._term()]
        while self._take_if("and"):
            parts.append(self._term())
        return lambda body: all(part(body) for part in parts)

    def _term(self) -> Predicate:
        if self._take_if("("):
            inner = self.either()
            self._expect(")")
            return inner
        name = self._take()
        if name.lower() == "startswith":
            return self._starts_with()
        if name in ("not", "endsWith", "endswith", "contains"):
            raise unsupported_query("Unsupported Query.")
        operator = self._take()
        if operator == "/":
            return self._any(name)
        if operator == "in":
            return self._in(name)
        if operator != "eq":
            raise self._unsupported(name)
        return self._comparison(name, "eq", lambda found, value: found == value)

    def _starts_with(self) -> Predicate:
        self._expect("(")
        name = self._take()
        self._expect(",")
        predicate = self._comparison(name, "startswith", lambda found, value: str(found or "").startswith(str(value)))
        self._expect(")")
        return predicate

    def _comparison(self, name: str, operator: str, holds: Callable[[Any, Any], bool]) -> Predicate:
        self._check(name, operator)
        value = self._value()
        return lambda body: holds(_folded(body.get(name)), value)

    def _in(self, name: str) -> Predicate:
        self._check(name, "in")
        self._expect("(")
        values = [self._value()]
        while self._take_if(","):
            values.append(self._value())
        self._expect(")")
        return lambda body: _folded(body.get(name)) in values

    def _any(self, name: str) -> Predicate:
        self._expect("any")
        self._check(name, "any")
        self._expect("(")
        variable = self._take()
        self._expect(":")
        self._expect(variable)
        self._expect("eq")
        value = self._value()
        self._expect(")")
        return lambda body: value in [_folded(item) for item in body.get(name) or []]

    def _value(self) -> Any:
        """A literal; texts are compared without regard to case, as the directory does."""
        token = self._take()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'").lower()
        if token in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[token]
        raise self._invalid(self._at)

    def _check(self, name: str, operator: str) -> None:
        if operator not in self._entity.filters.get(name, frozenset()):
            raise self._unsupported(name)

    def _unsupported(self, name: str) -> ApiError:
        resource = self._entity.name[0].upper() + self._entity.name[1:]
        return unsupported_query(
            f"Unsupported or invalid query filter clause specified for property '{name}' of resource '{resource}'."
        )

    def _take(self) -> str:
        if self._at >= len(self._tokens):
            raise self._invalid(len(self._text))
        self._at += 1
        return self._tokens[self._at - 1]

    def _take_if(self, token: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == token
        self._at += found
        return found

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise self._invalid(self._at)

    def _invalid(self, at: int) -> ApiError:
        return bad_request(f"Invalid filter clause: Syntax error at position {at} in '{self._text}'.")


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
