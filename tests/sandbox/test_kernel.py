"""What every service stands on: transactions, field checks, paths, ports, the log, several processes at once."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.sandbox.entra.directory import ADA
from dbxwizard.sandbox.fields import check
from dbxwizard.sandbox.github.seed import REPOSITORY, SANDBOX_TOKEN
from dbxwizard.sandbox.inspection import log
from dbxwizard.sandbox.ports import LOOPBACK, Ports
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.tokens import TENANT_ID
from tests.conftest import new_state
from tests.driving import dbxwizard
from tests.sandbox.strict_world import AUDIENCES, VAULT, StrictWorld
from tests.sandbox.toy import served
from tests.sandbox.wire import Answer, Wire


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return new_state(tmp_path)


@pytest.fixture
def toy(state: Path) -> Iterator[Wire]:
    with served(state):
        wire = Wire(state)
        yield wire
        wire.close()


def ask(wire: Wire, method: str, path: str, body: Any = None, host: str = "arm") -> Answer:
    return wire.send(method, host, path, token="t", json_body=body)


# The store.


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "state.sqlite")
    yield made
    made.close()


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    with store.transaction():
        store.put("note", "kept", {"n": 1})

    def interrupted() -> None:
        with store.transaction():
            store.put("note", "kept", {"n": 2})
            store.put("note", "new", {})
            store.schedule(0, "task", {})
            store.log(0, "GET", "h", "/", 200, False, {})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.find("note") == [("kept", {"n": 1})]
    assert store.next_due() is None
    assert store.requests() == []
    assert not store.changed


def test_changed_says_whether_the_users_state_differs(store: Store) -> None:
    def after(*writes: tuple[str, str, dict[str, Any] | None]) -> bool:
        with store.transaction():
            for kind, key, body in writes:
                if body is None:
                    store.delete(kind, key)
                else:
                    store.put(kind, key, body)
        return store.changed

    assert after(("note", "a", {"x": 1, "y": 2}))
    assert not after(("note", "a", {"y": 2, "x": 1}))
    assert not after(("_session", "a", {"x": 1}), ("_session", "a", None), ("note", "b", None))
    assert after(("note", "a", None))
    assert not after()


def test_documents_are_found_by_the_beginning_of_their_key(store: Store) -> None:
    keys = ["a", "a/b", "a/b/c", "a/é", "a/\U0001f600", "a0", "A/b", "b", "%", "a_b"]
    with store.transaction():
        for key in keys:
            store.put("note", key, {"key": key})
        store.put("other", "a/x", {})
    assert [key for key, _ in store.find("note", "a/")] == sorted(key for key in keys if key.startswith("a/"))
    assert [key for key, _ in store.find("note")] == sorted(keys)
    assert [body["key"] for body in store.all("note", "%")] == ["%"]


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
def test_a_document_comes_back_as_it_was_put(tmp_path_factory: pytest.TempPathFactory, body: dict[str, Any]) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in json.dumps(body, ensure_ascii=False)):
        return  # half characters are refused at the door
    with closing(Store(tmp_path_factory.getbasetemp() / "round-trip.sqlite")) as store:
        with store.transaction():
            store.put("note", "x", body)
        assert store.get("note", "x") == body


# Fields.


@pytest.mark.parametrize(
    ("value", "spec", "problem"),
    [
        ({"a": "x"}, {"a": str}, None),
        ({}, {"a": str}, ("a", "missing")),
        ({"a": None}, {"a": str}, ("a", "expected str")),
        ({"a": None}, {"a?": str}, None),
        ({}, {"a?": str}, None),
        ({"a": "x", "b": 1}, {"a": str}, ("b", "unknown")),
        ({"b": 1}, {"*": int}, None),
        ({"b": "1"}, {"*": int}, ("b", "expected int")),
        ({"a": 1, "b": 1}, {"a": str, "*": int}, ("a", "expected str")),
        ({"*": 1}, {"a?": str}, ("*", "unknown")),
        ({"a?": "x"}, {"a?": str}, ("a?", "unknown")),
        (True, int, ("", "expected int")),
        (True, float, ("", "expected float")),
        (1, float, None),
        (1.0, int, ("", "expected int")),
        (1, bool, ("", "expected bool")),
        (None, object, None),
        ({}, dict, None),
        ([], dict, ("", "expected dict")),
        ([1], list, None),
        ("ab", list, ("", "expected list")),
        ([{"a": 1}, {"a": "1"}], [{"a": int}], ("[1].a", "expected int")),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {}}}, ("a.b.c", "unknown")),
        ("ONE", frozenset({"one"}), None),
        ("two", frozenset({"one"}), ("", "expected one of one")),
        (1, frozenset({"one"}), ("", "expected one of one")),
        ("1", (int, str), None),
        (None, (int, str), ("", "expected str")),
    ],
)
def test_fields_are_checked(value: Any, spec: Any, problem: tuple[str, str] | None) -> None:
    found = check(value, spec)
    assert (found and (found.path, found.message)) == problem


# Requests.


def test_a_refused_request_changes_nothing_and_is_no_write(toy: Wire) -> None:
    assert ask(toy, "POST", "/fail/x").json == {"code": "Failed", "message": "after a write"}
    assert toy.store.find("toy.note") == []
    assert toy.store.requests()[-1]["write"] is False


def test_a_defect_is_answered_and_changes_nothing(toy: Wire, capfd: pytest.CaptureFixture[str]) -> None:
    answer = ask(toy, "POST", "/break/x")
    assert (answer.status, answer.json["code"]) == (500, "InternalServerError")
    assert answer.json["message"] == "The sandbox has a defect: KeyError."
    assert toy.store.find("toy.note") == []
    assert ask(toy, "PUT", "/notes/x", {"text": "goes on"}).status == 200
    assert "Traceback" not in capfd.readouterr().err


def test_ids_are_the_same_for_the_same_history_and_never_given_twice(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        with served(new_state(tmp_path / name)):
            wire = Wire(tmp_path / name / "sandbox" / "state.sqlite")
            made.append([ask(wire, "PUT", f"/notes/{note}", {"text": ""}).json["id"] for note in ("a", "b", "a")])
            wire.close()
    assert made[0] == made[1]
    assert len(set(made[0])) == 3


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/notes/a", "a"),
        ("/notes/a%20b", "a b"),
        ("/notes/a%2Fb", "a/b"),
        ("/notes/%E2%82%AC", "€"),
        ("/notes/a.b", "a.b"),
        ("/notes/a?x=1", "a"),
        ("/notes/", None),
        ("/notes/a/b", None),
        ("/notes/a/", None),
        ("/Notes/a", None),
        ("/x/notes/a", None),
        ("//notes/a", None),
    ],
)
def test_a_path_is_matched_as_a_whole(toy: Wire, path: str, found: str | None) -> None:
    answer = ask(toy, "GET", path)
    assert (answer.json["name"] if answer.status == 200 else None) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [("/exact/a.b+c/x/y", "x/y"), ("/exact/aXb+c/x", None), ("/exact/a.bbc/x", None), ("/exact/a.b+c/", None)],
)
def test_literal_parts_of_a_path_are_literal(toy: Wire, path: str, found: str | None) -> None:
    answer = ask(toy, "GET", path)
    assert (answer.json["rest"] if answer.status == 200 else None) == found


def test_a_method_that_a_path_does_not_have_is_unknown(toy: Wire) -> None:
    assert ask(toy, "DELETE", "/notes/a").json["code"] == "NoRoute"


def test_the_token_is_asked_for_before_the_body_is_looked_at(toy: Wire) -> None:
    answer = toy.send("PUT", "arm", "/notes/a", json_body={"surprise": 1})
    assert (answer.status, answer.json["code"]) == (401, "NoToken")


# Ports.


def test_a_port_that_somebody_took_meanwhile_is_replaced_and_the_others_stay(state: Path) -> None:
    with Sandbox(state) as sandbox:
        before = Ports(Store(state)).known()
        first = sandbox.endpoints()
    with socket.socket() as thief:
        thief.bind((LOOPBACK, before["graph"]))
        thief.listen()
        with Sandbox(state) as sandbox:
            after = Ports(Store(state)).known()
            second = sandbox.endpoints()
            assert sandbox.moved == ("graph",)
            wire = Wire(state)
            wire.person_token(ADA, AUDIENCES["graph"])
            token = wire.person_token(ADA, AUDIENCES["graph"])
            assert wire.send("GET", "graph", "/v1.0/me", token=token).status == 200
            wire.close()
    assert {name for name in before if before[name] != after[name]} == {"graph"}
    assert (first.resource_manager, first.login) == (second.resource_manager, second.login)


def test_a_port_that_was_asked_for_and_is_taken_is_one_error(tmp_path: Path) -> None:
    with socket.socket() as thief:
        thief.bind((LOOPBACK, 0))
        thief.listen()
        port = thief.getsockname()[1]
        done = dbxwizard("sandbox", "serve", "--port", str(port), cwd=tmp_path)
    assert done.returncode == 2
    assert f"--port: port-taken: {port}" in done.stderr
    assert done.stdout == ""


def test_a_port_is_not_taken_from_the_process_that_serves(state: Path, tmp_path: Path) -> None:
    with Sandbox(state) as sandbox:
        done = dbxwizard("sandbox", "serve", "--port", "4443", "--state", str(state), cwd=tmp_path)
        assert done.returncode == 2
        assert "sandbox-in-use" in done.stderr
        wire = Wire(state)
        assert wire.send("GET", "arm", "/metadata/endpoints?api-version=2022-09-01").status == 200
        assert not sandbox.endpoints().resource_manager.endswith(":4443")
        wire.close()


def test_a_host_that_is_closed_answers_nobody_not_even_those_who_were_connected(toy: Wire) -> None:
    ask(toy, "POST", "/host/extra")
    assert ask(toy, "GET", "/notes/a", host="arm:extra").status == 200
    assert ask(toy, "DELETE", "/host/extra").status == 204
    with pytest.raises((ConnectionResetError, RemoteDisconnected)):
        ask(toy, "GET", "/notes/a", host="arm:extra")


# The log.


def test_no_credential_is_in_the_log_or_in_what_show_prints(state: Path, tmp_path: Path) -> None:
    secret = "canary-value-of-a-secret"
    with Sandbox(state) as sandbox:
        world = StrictWorld(sandbox)
        world.ask("vault", "PUT", "/secrets/canary?api-version=7.4", {"value": secret})
        world.ask("workspace", "POST", "/api/2.0/secrets/put", {"scope": "strict", "key": "c", "string_value": secret})
        made = world.ask("workspace", "POST", "/api/2.0/token/create", {"comment": "canary"})["token_value"]
        password = world.ask("graph", "POST", f"/v1.0/applications/{world.params['graph']['key']}/addPassword", {})
        bad = f"/{TENANT_ID}/oauth2/v2.0/token?client_secret={secret}"
        world.wire.form(bad, grant_type="client_credentials", client_id=world.nobody_app, client_secret=secret)
        known = [secret, made, password["secretText"], SANDBOX_TOKEN, world.job_token]
        known += [*world.owner.values(), *world.nobody.values()]
        world.wire.close()
        requests = len(log(state)["requests"])
        printed = [dbxwizard("sandbox", word, "--state", str(state), cwd=tmp_path) for word in ("log", "show")]
    assert requests > 30
    assert VAULT in printed[0].stdout
    assert VAULT in printed[1].stdout
    for done in printed:
        assert done.returncode == 0
        assert not [value for value in known if value in done.stdout + done.stderr]


def test_the_log_has_every_request_in_order_with_what_it_came_to(toy: Wire) -> None:
    ask(toy, "PUT", "/notes/a%20b?api-version=1", {"text": "x"})
    ask(toy, "PUT", "/notes/a%20b?api-version=1", {"text": "x"})
    ask(toy, "GET", "/notes/a")
    ask(toy, "GET", "/nowhere")
    one = {"method": "PUT", "host": "arm", "path": "/notes/a b", "status": 200, "api_version": "1"}
    assert toy.store.requests() == [
        {**one, "write": True},
        {**one, "write": False},
        {"method": "GET", "host": "arm", "path": "/notes/a", "status": 200, "write": False},
        {"method": "GET", "host": "arm", "path": "/nowhere", "status": 404, "write": False},
    ]


# Several processes.

_WRITER = """
import sys
from pathlib import Path
from dbxwizard.sandbox.session import Sandbox
from tests.sandbox.wire import Wire
state, names = Path(sys.argv[1]), sys.argv[2:]
with Sandbox(state):
    wire = Wire(state)
    for name in names:
        body = {"name": name, "value": "x"}
        path, token = "/repos/contoso/databricks/actions/variables", "ghp_sandbox_ada"
        print(wire.send("POST", "github", path, token=token, json_body=body).status)
"""


def test_processes_that_write_at_once_lose_nothing_and_make_nothing_twice(state: Path) -> None:
    shared, own = [f"S{number}" for number in range(15)], [[f"P{p}N{number}" for number in range(10)] for p in range(3)]
    with Sandbox(state):
        started = [
            subprocess.Popen(
                [sys.executable, "-c", _WRITER, str(state), *shared, *names],
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[2],
            )
            for names in own
        ]
        answers = [process.communicate(timeout=60)[0].split() for process in started]
        variables = Store(state).all("github.variable")
    statuses = sorted(status for each in answers for status in each)
    assert statuses == ["201"] * (15 + 30) + ["409"] * 30
    assert sorted(body["name"] for body in variables) == sorted([*shared, *(name for each in own for name in each)])


def test_a_process_that_ends_hands_over_to_the_one_that_waits(state: Path) -> None:
    with ExitStack() as waiting:
        with Sandbox(state):
            second = waiting.enter_context(Sandbox(state))
            assert not second.serves
        second.wait_until_serving()
        wire = Wire(state)
        assert wire.send("GET", "github", f"/repos/{REPOSITORY}", token=SANDBOX_TOKEN).status == 200
        wire.close()


def test_hosts_that_are_opened_at_the_same_time_are_all_served(state: Path) -> None:
    def open_and_ask(number: int) -> int:
        wire = Wire(state)
        try:
            name = f"host{number}"
            assert ask(wire, "POST", f"/host/{name}").status == 200
            return ask(wire, "GET", "/exact/a.b+c/x", host=f"arm:{name}").status
        finally:
            wire.close()

    with served(state), ThreadPoolExecutor(16) as pool:
        assert list(pool.map(open_and_ask, range(48))) == [200] * 48
