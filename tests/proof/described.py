"""What the official API descriptions say of an operation: api_fields.json, which tools/api_fields.py takes from them.

GitHub's are those of github/rest-api-description as @octokit/openapi 23.0.2 ships them, Graph's those of
microsoftgraph/msgraph-metadata at f54f11b6 (2026-08-20).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Described = Mapping[str, Any]
_KINDS = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": object}
# learn.microsoft.com/graph/query-parameters: what every operation that reads may be asked with.
_ODATA = frozenset(
    ("$count", "$expand", "$filter", "$format", "$orderby", "$search", "$select", "$skip", "$skiptoken", "$top")
)


@cache
def operations(service: str) -> dict[str, Described]:
    """All operations of `github` or `graph`, by method and path without the names of its parameters."""
    found: dict[str, dict[str, Described]] = json.loads(Path(__file__).with_name("api_fields.json").read_bytes())
    return found[service]


def plain(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def operation(service: str, method: str, path: str) -> Described | None:
    """The operation of a path with its values; a value in brackets, as Graph takes them, counts as a segment."""
    path = re.sub(r"\(\w+='[^']*'\)", "/{}", path)
    fitting = [name for name, form in _forms(service) if form.fullmatch(f"{method} {path}")]
    # Of `/contents/{}` and `/contents/{}/{}` the one that says more.
    return operations(service)[max(fitting, key=len)] if fitting else None


@cache
def _forms(service: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, _form(name)) for name in operations(service))


def _form(name: str) -> re.Pattern[str]:
    """A last parameter takes slashes too: GitHub's paths of files and names of refs have them."""
    start, last, rest = name.rpartition("{}")
    text = "[^/]+".join(re.escape(part) for part in start.split("{}"))
    return re.compile(text + (".+" if last and not rest else "[^/]+" if last else "") + re.escape(rest))


def problems(found: Described, body: Any, query: Mapping[str, Any], service: str) -> Iterator[str]:
    """What a request has that its operation does not, and what it lacks."""
    known = _ODATA if service == "graph" else frozenset(found.get("query", ()))
    yield from (f"{name} in the query is not described" for name in sorted(set(query) - known))
    if body and "body" not in found:
        yield f"a body that the operation does not have: {sorted(body)}"
    elif "body" in found:
        yield from _differing(body, found["body"], "the body")


def _differing(value: Any, kind: Any, place: str) -> Iterator[str]:
    if value is None:
        return  # whether null is taken is not among the facts
    if isinstance(kind, Mapping):
        yield from _object(value, kind, place)
    elif isinstance(kind, list):
        if not isinstance(value, list):
            yield f"{place} is no list"
        else:
            for index, item in enumerate(value):
                yield from _differing(item, kind[0], f"{place}[{index}]")
    elif not any(_is(value, one) for one in kind.split("|")):
        yield f"{place} is no {kind}"


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS.get(kind, object)) and (kind != "integer" or not isinstance(value, bool))  # type: ignore[arg-type]


def _object(value: Any, fields: Mapping[str, Any], place: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{place} is no object"
        return
    kinds = {name.rstrip("?"): kind for name, kind in fields.items()}
    for name, item in value.items():
        if name in kinds:
            yield from _differing(item, kinds[name], f"{place}.{name}")
        else:
            yield f"{place}.{name} is not described"
    missing = [name for name in fields if not name.endswith("?") and name not in value]
    yield from (f"{place} lacks {name}" for name in missing)
