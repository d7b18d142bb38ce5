"""The rights of tokens and people, one at a time (the other bad requests: tests/sandbox/test_strictness.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from dbxwizard.sandbox.github import access, seed
from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.http import Route
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store

ROUTES = {route.name: route for route in GitHubService().routes}
OF_REPOSITORY = {name: route for name, route in ROUTES.items() if route.path.startswith("/repos/{owner}/{repo}")}
SAMPLES = {
    "owner": "contoso",
    "repo": "databricks",
    "environment": "Development",
    "branch...": "main",
    "ref...": "heads/main",
    "range...": "main...main",
    "path...": "README.md",
    "sha...": "main",
}

Send = Callable[..., requests.Response]


def sender(session: requests.Session, root: str) -> Send:
    def send(route: Route, token: str, body: Any = None) -> requests.Response:
        path = route.path
        for name, value in SAMPLES.items():
            path = path.replace(f"{{{name}}}", value)
        headers = {"Authorization": f"Bearer {token}"}
        return session.request(route.method, root + path.replace("{", "").replace("}", ""), headers=headers, json=body)

    return send


@contextmanager
def sending(sandbox: Sandbox) -> Iterator[Send]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(sandbox.endpoints().authority)
        yield sender(session, sandbox.endpoints().github)


@pytest.fixture
def send(sandbox: Sandbox) -> Iterator[Send]:
    with sending(sandbox) as made:
        yield made


@dataclass
class Private:
    """A sandbox whose repository is private; refused requests leave it as it is, so that all can share it."""

    send: Send
    store: Store


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Private]:
    with Sandbox(tmp_path_factory.mktemp("strict") / "state.sqlite") as sandbox, sending(sandbox) as made:
        store = Store(sandbox.state)
        body = store.get("github.repository", seed.REPOSITORY)
        with store.transaction():
            store.put("_setting", "latency", {"profile": "zero"})
            store.put("github.repository", seed.REPOSITORY, {**(body or {}), "private": True})
        yield Private(made, store)
        store.close()


def example(spec: Any) -> Any:
    """Something that fits a body's description, with required fields alone."""
    if isinstance(spec, dict):
        return {name: example(field) for name, field in spec.items() if not name.endswith("?")}
    if isinstance(spec, list):
        return []
    return {str: "text", int: 1, bool: True}[spec]


def test_every_route_names_the_right_that_it_needs() -> None:
    unnamed = [name for name, route in OF_REPOSITORY.items() if not route.action]
    assert unnamed == []


@pytest.mark.parametrize("name", [name for name, route in OF_REPOSITORY.items() if route.action != "metadata:read"])
def test_with_a_token_that_lacks_the_permission(name: str, private: Private) -> None:
    route = ROUTES[name]
    named = [one for other in OF_REPOSITORY.values() for one in other.action.split(":")[0].split("|")]
    others = dict.fromkeys(named, "write")
    permission, _, level = route.action.partition(":")
    for one in permission.split("|"):
        del others[one]
        if level == "write":
            others[one] = "read"
    with private.store.transaction():
        access.add_token(private.store, "fine", seed.LOGIN, kind="fine-grained", permissions=others)
    answer = private.send(route, token="fine", body=example(route.body or {}))
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by personal access token"
    accepted = "; ".join(f"{one}={level}" for one in permission.split("|"))
    assert answer.headers["X-Accepted-GitHub-Permissions"] == accepted


VARIABLES, SECRETS = ("GET /repos/{owner}/{repo}/actions/" + kind for kind in ("variables", "secrets"))
ENVIRONMENT = "PUT /repos/{owner}/{repo}/environments/{environment}"
CONTENTS = "PUT /repos/{owner}/{repo}/contents/{path...}"
FILE = {"message": "first", "content": "aGk="}


def test_a_classic_token_without_scopes_reads_what_is_public(send: Any, add_token: Any) -> None:
    token = add_token("bare")
    assert send(ROUTES["GET /repos/{owner}/{repo}"], token=token).status_code == 200
    assert send(ROUTES["GET /repos/{owner}/{repo}/environments"], token=token).status_code == 200
    assert send(ROUTES[VARIABLES], token=token).status_code == 404
    assert send(ROUTES[CONTENTS], token=token, body=FILE).status_code == 404


def test_settings_need_an_administrator(send: Any, add_token: Any, change_repository: Any) -> None:
    change_repository(collaborators={"grace": "write"})
    token = add_token("writer", "grace", scopes=["repo"])
    answer = send(ROUTES[ENVIRONMENT], token=token, body={})
    assert (answer.status_code, answer.json()["message"]) == (403, "Must have admin rights to Repository.")
    assert send(ROUTES[CONTENTS], token=token, body=FILE).status_code == 201


def test_public_repo_writes_files_and_no_settings(send: Any, add_token: Any) -> None:
    token = add_token("public", scopes=["public_repo"])
    assert send(ROUTES[CONTENTS], token=token, body=FILE).status_code == 201
    assert send(ROUTES[SECRETS], token=token).status_code == 404


def test_a_fine_grained_token_holds_for_its_repositories(send: Any, add_token: Any) -> None:
    rights = {"secrets": "write", "contents": "write"}
    mine = add_token("mine", kind="fine-grained", permissions=rights, repositories=["Contoso/Databricks"])
    other = add_token("other", kind="fine-grained", permissions=rights, repositories=["contoso/other"])
    assert send(ROUTES[SECRETS], token=mine).status_code == 200
    assert send(ROUTES[SECRETS], token=other).status_code == 403
    assert send(ROUTES[CONTENTS], token=other, body=FILE).status_code == 403


def test_a_jobs_token_never_reaches_settings(send: Any, add_token: Any) -> None:
    everything = dict.fromkeys(("administration", "environments", "secrets", "variables", "contents"), "write")
    token = add_token("job", kind="job", permissions=everything, repositories=[seed.REPOSITORY])
    for name in (VARIABLES, SECRETS, SECRETS + "/public-key", ENVIRONMENT):
        answer = send(ROUTES[name], token=token, body={} if name == ENVIRONMENT else None)
        assert (answer.status_code, answer.json()["message"]) == (403, "Resource not accessible by integration")
    assert send(ROUTES[CONTENTS], token=token, body=FILE).status_code == 201
