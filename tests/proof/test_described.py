"""The sandbox takes no field that the official API descriptions do not have, and demands none that they leave open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dbxwizard.sandbox.github.git_http import is_git
from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.graph.service import GraphService
from dbxwizard.sandbox.http import Route
from tests.proof import described

_ROUTES = [
    (service.name, route)
    for service in (GitHubService(), GraphService())
    for route in service.routes
    if not is_git(route.path)  # described in git-scm.com/docs/http-protocol
]
# Paths that the descriptions write in another way.
_ELSEWHERE = {
    "GET /repos/{owner}/{repo}/contents": "GET /repos/{}/{}/contents/{}",
    "GET /repos/{owner}/{repo}/contents/": "GET /repos/{}/{}/contents/{}",
}


def _described(service: str, route: Route) -> Mapping[str, Any] | None:
    known = described.operations(service)
    return known.get(_ELSEWHERE.get(route.name, described.plain(route.name)))


def _unknown(spec: Any, kind: Any, place: str) -> Iterator[str]:
    """Fields of `spec` (dbxwizard.sandbox.fields) that `kind` lacks."""
    if isinstance(spec, tuple):
        for alternative in spec:
            yield from _unknown(alternative, kind, place)
    elif isinstance(spec, list) and isinstance(kind, list):
        yield from _unknown(spec[0], kind[0], place)
    elif isinstance(spec, Mapping) and isinstance(kind, Mapping):
        kinds = {name.rstrip("?"): one for name, one in kind.items()}
        for name, inner in spec.items():
            plain = name.rstrip("?")
            if plain == "*":
                continue
            if plain in kinds:
                yield from _unknown(inner, kinds[plain], f"{place}.{plain}")
                if name.endswith("?") and plain in kind:
                    yield f"{place}.{plain} may be left out"
            elif not plain.startswith("@"):  # OData's own annotations
                yield f"{place}.{plain}"


@pytest.mark.parametrize(("service", "route"), _ROUTES, ids=[route.name for _, route in _ROUTES])
def test_a_route_takes_what_is_described(service: str, route: Route) -> None:
    found = _described(service, route)
    assert found is not None, "the description has no such operation"
    assert list(_unknown(route.body, found.get("body", {}), "")) == []
    if service == "github":
        assert route.query <= set(found.get("query", ()))


def test_differences_are_found() -> None:
    kind = {"name": "string", "tags?": ["string"], "inner?": [{"id?": "integer"}]}
    body = {"tags": "x", "inner": [{"id": "1"}, {"other": 1}]}
    assert list(described.problems({"body": kind}, body, {"page": 1}, "github")) == [
        "page in the query is not described",
        "the body.tags is no list",
        "the body.inner[0].id is no integer",
        "the body.inner[1].other is not described",
        "the body lacks name",
    ]
    assert list(_unknown({"name": str, "extra?": [{"id": int}]}, {"name": "string"}, "")) == [".extra"]
