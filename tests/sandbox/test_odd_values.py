"""Values of the right type that nobody expects: whatever the answer, it is never a defect of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import Route, Service
from dbxwizard.sandbox.services import all_services
from dbxwizard.sandbox.session import Sandbox
from tests.conftest import new_state
from tests.sandbox.strict_world import StrictWorld, known_places, minimal
from tests.sandbox.wire import Answer

# What is deleted would be missing to those that follow.
ROUTES = [
    (service, route) for service in all_services().values() for route in service.routes if route.method != "DELETE"
]
TEXTS = ("", "\x00../..", "\U0001d4b3/'%", "x" * 600)
NUMBERS = (-1, 10**30)
SEGMENTS = ("%00%ff", "%2e%2e", "x" * 3000, "a%2Fb'(x)%F0%9F%98%80")
QUERIES = ("-1", "%C2%B2", "9" * 30, "x%20eq%20'y")
PAGING = {
    "graph": ("$top", "$skiptoken", "$filter", "$select", "$count"),
    "arm": ("$top", "$skiptoken", "$filter", "$expand"),
    "vault": ("maxresults", "$skiptoken"),
    "github": ("per_page", "page"),
    "workspace": ("startIndex", "count", "limit", "offset", "page_token", "page_size", "filter"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictWorld]:
    with Sandbox(new_state(tmp_path_factory.mktemp("odd"))) as sandbox:
        made = StrictWorld(sandbox)
        yield made
        made.wire.close()


def odd(spec: Spec) -> Iterator[Any]:
    if isinstance(spec, tuple):
        for one in spec:
            yield from odd(one)
    elif isinstance(spec, list):
        yield from ([] if spec[0] is None else [value] for value in odd(spec[0]))
    elif spec is str:
        yield from TEXTS
    elif spec in (int, float):
        yield from NUMBERS
    elif spec in (dict, object):
        yield from ({"": None}, {"a": {"b": [{}]}})


def bodies(spec: Spec) -> Iterator[Any]:
    for body, place, known in known_places(spec):
        for name, inner in known.items():
            had = dict(place)
            for value in odd(inner) if name != "*" else ():
                place[name.rstrip("?")] = value
                yield body
            place.clear()
            place.update(had)


def send(world: StrictWorld, service: Service, route: Route, path: str, body: Any) -> Answer:
    name = service.name
    if name in ("arm", "vault"):
        path += f"{'&' if '?' in path else '?'}api-version={max(route.api_versions)}"
    if name == "login" and body is not None:
        return world.wire.form(path, **{field: str(value) for field, value in body.items()})
    return world.wire.send(route.method, world.host(name), path, token=world.token(name), json_body=body)


def requests(world: StrictWorld, service: Service, route: Route) -> Iterator[tuple[str, Any]]:
    plain, name = world.path(service.name, route), service.name
    body = None if route.body is None else minimal(route.body, world.values.get(name))
    if route.body is not None:
        yield from ((plain, each) for each in bodies(route.body))
    params = world.params[name]
    for changed in params:
        if f"{{{changed}}}" not in route.path:
            continue
        for segment in SEGMENTS:
            path = route.path
            for param, value in params.items():
                path = path.replace(f"{{{param}}}", segment if param == changed else quote(value, safe="/"))
            yield path, body
    if route.method == "GET":
        names = sorted({*route.query, *PAGING.get(name, ())})
        yield from ((f"{plain.partition('?')[0]}?{quote(one)}={value}", None) for one in names for value in QUERIES)


@pytest.mark.parametrize(
    ("service", "route"), ROUTES, ids=[f"{service.name} {route.name}" for service, route in ROUTES]
)
def test_no_value_ends_in_a_defect(world: StrictWorld, service: Service, route: Route) -> None:
    for path, body in requests(world, service, route):
        answer = send(world, service, route, path, body)
        assert answer.status < 500, (path[:200], str(body)[:200], answer.body)
