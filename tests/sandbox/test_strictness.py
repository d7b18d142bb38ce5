"""Every route refuses what the real service refuses, in its words; and what is refused changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.sandbox.http import Route, Service
from dbxwizard.sandbox.services import all_services
from dbxwizard.sandbox.session import Sandbox
from tests.conftest import new_state
from tests.sandbox.refusals import CASES, EXEMPT, IGNORING, REFUSALS, refusal
from tests.sandbox.strict_world import (
    OUTSIDER,
    StrictWorld,
    is_open,
    minimal,
    with_a_field_too_little,
    with_a_field_too_much,
    with_a_wrong_type,
)
from tests.sandbox.wire import FORM, JSON, Answer

SERVICES = all_services()
ROUTES = [(service, route) for service in SERVICES.values() for route in service.routes]
WITH_BODIES = [(service, route) for service, route in ROUTES if route.body is not None and service.name != "login"]


def each(routes: list[tuple[Service, Route]]) -> pytest.MarkDecorator:
    names = [f"{service.name} {route.name}" for service, route in routes]
    return pytest.mark.parametrize(("service", "route"), routes, ids=names)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictWorld]:
    folder: Path = tmp_path_factory.mktemp("strict")
    with Sandbox(new_state(folder)) as sandbox:
        made = StrictWorld(sandbox)
        yield made
        made.wire.close()


@pytest.fixture
def nothing_changes(world: StrictWorld) -> Iterator[None]:
    before = world.wire.documents()
    yield
    after = world.wire.documents()
    assert [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)] == []


def applies(service: Service, route: Route, case: str) -> bool:
    """Whether the bad request makes sense for the route, going by what it declares."""
    if case in ("no token", "audience", "right"):
        return not route.public
    if case == "no version":
        return service.name in ("arm", "vault")
    if case == "field":
        return route.body is not None and service.name not in IGNORING
    if case == "malformed":
        return route.body is not None and service.name != "login"  # forms: anything is one
    return True


def exemptions(service: Service, route: Route) -> dict[str, str]:
    return EXEMPT.get(f"{service.name} {route.name}", {})


def send(
    world: StrictWorld,
    service: Service,
    route: Route,
    *,
    token: str,
    body: Any = None,
    version: str = "",
    raw: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    path = world.path(service.name, route)
    more = dict(headers or {})
    if service.name in ("arm", "vault") and version != "none":
        path += f"{'&' if '?' in path else '?'}api-version={version or max(route.api_versions)}"
    if service.name == "login" and body is not None:
        return world.wire.form(path, **{name: str(value) for name, value in body.items()})
    if raw is not None:
        more["Content-Type"] = FORM if service.name == "login" else JSON
    host = world.host(service.name)
    return world.wire.send(route.method, host, path, token=token, json_body=body, body=raw, headers=more)


def body_of(world: StrictWorld, service: Service, route: Route) -> Any:
    return None if route.body is None else minimal(route.body, world.values.get(service.name))


def bad_requests(world: StrictWorld, service: Service, route: Route, case: str) -> Iterator[Answer]:
    """The answers to the case's requests."""
    name, body = service.name, body_of(world, service, route)
    good = world.token(name)
    if case == "version":
        yield _with_another_version(world, service, route, body)
    elif case == "no version":
        yield send(world, service, route, token=good, body=body, version="none")
    elif case == "field":
        for odd in with_a_field_too_much(route.body):
            yield send(world, service, route, token=good, body=odd)
    elif case == "malformed":
        for raw in (b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": 1} {}'):
            yield send(world, service, route, token=good, raw=raw)
    elif case == "no token":
        yield send(world, service, route, token="", body=body)
    elif case == "audience":
        yield send(world, service, route, token=world.foreign_token(name), body=body)
    else:
        # Who does not even see the repository is told so; else the token's permission decides.
        hidden = name == "github" and refusal(name, case, route.name).status == 404
        token = OUTSIDER if hidden else world.powerless_token(name)
        yield send(world, service, route, token=token, body=body)


def _with_another_version(world: StrictWorld, service: Service, route: Route, body: Any) -> Answer:
    token = world.token(service.name)
    if service.name in ("arm", "vault"):
        assert route.api_versions
        return send(world, service, route, token=token, body=body, version="1999-01-01")
    if service.name == "github":
        return send(world, service, route, token=token, body=body, headers={"X-GitHub-Api-Version": "2020-01-01"})
    marks = {
        "graph": ("/v1.0/", "/v9.9/"),
        "login": ("/v2.0/", "/v9.9/"),
        "workspace": ("/api/2.0/", "/api/9.9/"),
        "ingestion": ("/v2", "/v9"),
        "insights": ("/v1/", "/v9/"),
    }
    path = world.path(service.name, route)
    mark, another = marks[service.name]
    assert mark in path
    other = path.replace(mark, another)
    return world.wire.send(route.method, world.host(service.name), other, token=token, json_body=body)


def code_of(answer: Answer) -> str:
    """The error's code, or its words in a service without codes; "" of an answer without either."""
    if not answer.headers.get("content-type", "").startswith(JSON):
        return ""
    body = answer.json
    error = body.get("error", body)
    if isinstance(error, str):
        return error
    return str(error.get("code") or error.get("error_code") or error.get("message") or error.get("detail"))


@each(ROUTES)
@pytest.mark.usefixtures("nothing_changes")
def test_each_bad_request_gets_the_documented_refusal(world: StrictWorld, service: Service, route: Route) -> None:
    for case in CASES:
        if not applies(service, route, case) or case in exemptions(service, route):
            continue
        wanted = refusal(service.name, case, route.name)
        answers = list(bad_requests(world, service, route, case))
        assert answers
        for answer in answers:
            assert answer.status == wanted.status, (case, answer.body)
            code = wanted.code.replace("{nobody}", world.nobody_app)
            assert route.method == "HEAD" or code_of(answer).startswith(code), (case, answer.body)


@each(WITH_BODIES)
@pytest.mark.usefixtures("nothing_changes")
def test_a_body_of_the_wrong_form_is_refused(world: StrictWorld, service: Service, route: Route) -> None:
    for body in (*with_a_field_too_little(route.body), *with_a_wrong_type(route.body)):
        answer = send(world, service, route, token=world.token(service.name), body=body)
        assert 400 <= answer.status < 500, (body, answer.body)


@each([(service, route) for service, route in WITH_BODIES if service.name in IGNORING])
@pytest.mark.usefixtures("nothing_changes")
def test_a_service_that_drops_unknown_fields_answers_as_without_them(
    world: StrictWorld, service: Service, route: Route
) -> None:
    if "right" in exemptions(service, route):
        return  # it would be done
    body, token = body_of(world, service, route), world.powerless_token(service.name)
    plain = send(world, service, route, token=token, body=body)
    odd = send(world, service, route, token=token, body={**body, "surprise": 1})
    assert (odd.status, odd.body) == (plain.status, plain.body)


@each([(service, route) for service, route in ROUTES if route.public and route.method == "GET"])
def test_a_public_route_answers_without_a_token(world: StrictWorld, service: Service, route: Route) -> None:
    assert send(world, service, route, token="").status not in (401, 403)


def test_public_routes_are_known_by_name() -> None:
    public = {f"{service.name} {route.name}" for service, route in ROUTES if route.public}
    assert public == {name for name, reasons in EXEMPT.items() if "public" in reasons}


def test_no_reason_is_given_for_what_needs_none() -> None:
    for service, route in ROUTES:
        for case in exemptions(service, route).keys() - {"public"}:
            assert applies(service, route, case), (service.name, route.name, case)
            assert case != "field" or is_open(route.body), (service.name, route.name)


def test_every_exemption_names_a_route_and_every_refusal_is_used() -> None:
    known = {f"{service.name} {route.name}" for service, route in ROUTES}
    assert EXEMPT.keys() - known == set()
    used = {
        refusal(service.name, case, route.name)
        for service, route in ROUTES
        for case in CASES
        if applies(service, route, case) and case not in exemptions(service, route)
    }
    assert set(REFUSALS) - used == set()


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_no_route_is_there_twice(service: Service) -> None:
    names = [route.name for route in service.routes]
    assert sorted(set(names)) == sorted(names)


def test_a_route_without_a_documented_refusal_would_fail() -> None:
    with pytest.raises(LookupError):
        refusal("arm", "unheard of", "GET /surprise")
