"""Faults on demand, as a client meets them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.seed import REPOSITORY, SANDBOX_TOKEN
from dbxwizard.sandbox.services import all_services
from dbxwizard.sandbox.session import Sandbox, locate
from tests.driving import dbxwizard
from tests.sandbox.wire import Answer, Wire

VARIABLES = f"/repos/{REPOSITORY}/actions/variables"
NO_ANSWER = (ConnectionResetError, RemoteDisconnected)
ON_WRITES: dict[str, Any] = {"service": "github", "method": "POST", "path": f"/repos/{REPOSITORY}/*"}


def create(wire: Wire, name: str) -> Answer:
    return wire.send("POST", "github", VARIABLES, token=SANDBOX_TOKEN, json_body={"name": name, "value": "1"})


def read(wire: Wire, name: str = "") -> Answer:
    return wire.send("GET", "github", f"{VARIABLES}/{name}".rstrip("/"), token=SANDBOX_TOKEN)


def names(wire: Wire) -> set[str]:
    return {body["name"] for body in wire.store.all("github.variable")}


def test_the_rules_know_every_service() -> None:
    assert set(faults.SERVICES) == set(all_services())


@pytest.mark.parametrize(("when", "done"), [("before", set()), ("after", {"A"})])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_status_comes_in_the_form_of_the_service_before_or_after_the_work(
    wire: Wire, status: int, when: Any, done: set[str]
) -> None:
    faults.add(wire.store, Fault("status", status=status, retry_after=2, when=when, **ON_WRITES))
    answer = create(wire, "A")
    assert answer.status == status
    assert answer.headers["retry-after"] == "2"
    assert "message" in answer.json
    assert "x-github-request-id" in answer.headers
    assert names(wire) == done


def test_without_retry_after_there_is_none(wire: Wire) -> None:
    faults.add(wire.store, Fault("status", status=503, **ON_WRITES))
    assert "retry-after" not in create(wire, "A").headers


@pytest.mark.parametrize(("when", "done"), [("before", set()), ("after", {"A"})])
def test_a_reset_gives_no_answer(wire: Wire, when: Any, done: set[str]) -> None:
    faults.add(wire.store, Fault("reset", when=when, **ON_WRITES))
    with pytest.raises(NO_ANSWER):
        create(wire, "A")
    assert names(wire) == done


@pytest.mark.parametrize(("when", "done"), [("before", set()), ("after", {"A"})])
def test_a_stall_ends_without_an_answer(wire: Wire, when: Any, done: set[str]) -> None:
    faults.add(wire.store, Fault("stall", seconds=0.01, when=when, **ON_WRITES))
    with pytest.raises(NO_ANSWER):
        create(wire, "A")
    assert names(wire) == done


def test_a_stalled_call_holds_up_nobody_else(sandbox: Sandbox, wire: Wire) -> None:
    faults.add(wire.store, Fault("stall", **ON_WRITES))
    impatient = Wire(sandbox.state, timeout=0.05)
    with pytest.raises(TimeoutError):
        create(impatient, "A")
    impatient.close()
    assert create(wire, "B").status == 201
    assert names(wire) == {"B"}


@pytest.mark.parametrize(("when", "done"), [("before", set()), ("after", {"A"})])
def test_a_truncated_answer_promises_more_than_comes(wire: Wire, when: Any, done: set[str]) -> None:
    faults.add(wire.store, Fault("truncate", when=when, **ON_WRITES))
    with pytest.raises(IncompleteRead):
        create(wire, "A")
    assert names(wire) == done


def test_an_answer_without_a_body_is_cut_before_it_begins(wire: Wire) -> None:
    create(wire, "A")
    faults.add(wire.store, Fault("truncate", method="DELETE", when="after"))
    with pytest.raises(NO_ANSWER):
        wire.send("DELETE", "github", f"{VARIABLES}/A", token=SANDBOX_TOKEN)
    assert names(wire) == set()


@pytest.mark.parametrize(("when", "done"), [("before", set()), ("after", {"A"})])
def test_garbage_is_no_json(wire: Wire, when: Any, done: set[str]) -> None:
    faults.add(wire.store, Fault("garbage", when=when, **ON_WRITES))
    answer = create(wire, "A")
    assert answer.headers["content-type"].startswith("text/html")
    with pytest.raises(ValueError, match=r"codec|Expecting"):
        assert answer.json
    assert names(wire) == done


@pytest.mark.parametrize(("when", "done"), [("before", set()), ("after", {"A"})])
def test_an_empty_answer_is_a_success_without_a_body(wire: Wire, when: Any, done: set[str]) -> None:
    faults.add(wire.store, Fault("empty", when=when, **ON_WRITES))
    answer = create(wire, "A")
    assert (answer.status // 100, answer.body) == (2, b"")
    assert names(wire) == done


@pytest.mark.parametrize(("when", "done"), [("before", set()), ("after", {"A"})])
def test_kill_ends_the_process_that_is_named(wire: Wire, when: Any, done: set[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as victim:
        faults.add(wire.store, Fault("kill", pid=victim.pid, when=when, **ON_WRITES))
        with pytest.raises(NO_ANSWER):
            create(wire, "A")
        assert victim.wait(10) == -signal.SIGKILL
    assert names(wire) == done


def test_kill_of_a_process_that_is_gone_still_gives_no_answer(wire: Wire) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait(10)
    faults.add(wire.store, Fault("kill", pid=gone.pid, **ON_WRITES))
    with pytest.raises(NO_ANSWER):
        create(wire, "A")


# Stale reads.


def test_a_stale_reading_is_the_answer_from_before_the_last_write(wire: Wire) -> None:
    assert read(wire).json["total_count"] == 0
    create(wire, "A")
    faults.add(wire.store, Fault("stale", service="github", times=2))
    assert read(wire).json["total_count"] == 0
    assert read(wire).json["total_count"] == 0
    assert read(wire).json["total_count"] == 1


def test_it_is_so_too_where_the_new_state_was_read_in_between(wire: Wire) -> None:
    read(wire)
    create(wire, "A")
    assert read(wire).json["total_count"] == 1
    faults.add(wire.store, Fault("stale", service="github"))
    assert read(wire).json["total_count"] == 0


def test_what_was_not_there_is_still_missing_to_a_stale_reading(wire: Wire) -> None:
    assert read(wire, "A").status == 404
    create(wire, "A")
    faults.add(wire.store, Fault("stale", service="github"))
    assert read(wire, "A").status == 404
    assert read(wire, "A").status == 200


def test_a_stale_reading_of_what_nobody_has_read_is_the_true_one(wire: Wire) -> None:
    create(wire, "A")
    faults.add(wire.store, Fault("stale", service="github"))
    assert read(wire, "A").status == 200


def test_what_was_spoilt_is_no_earlier_answer(wire: Wire) -> None:
    create(wire, "A")
    for fault in ("garbage", "stale"):
        faults.add(wire.store, Fault(fault, service="github"))
    wire.send("GET", "github", VARIABLES, token=SANDBOX_TOKEN)
    assert read(wire).json["total_count"] == 1


def test_writes_are_never_stale_and_do_not_use_up_the_rule(wire: Wire) -> None:
    read(wire)
    faults.add(wire.store, Fault("stale", service="github"))
    assert create(wire, "A").status == 201
    assert names(wire) == {"A"}
    assert read(wire).json["total_count"] == 0


def test_a_stale_reading_opens_nothing_to_a_stranger(wire: Wire) -> None:
    read(wire)
    faults.add(wire.store, Fault("stale", service="github"))
    assert wire.send("GET", "github", VARIABLES).status == 401


def test_a_stale_reading_is_ones_own(wire: Wire) -> None:
    with wire.store.transaction():
        access.add_token(wire.store, "ghp_of_grace", "grace")
    logins = []
    for token in (SANDBOX_TOKEN, "ghp_of_grace"):
        wire.send("GET", "github", "/user", token=token)
        faults.add(wire.store, Fault("stale", service="github"))
        logins.append(wire.send("GET", "github", "/user", token=token).json["login"])
    assert logins == ["ada", "grace"]


# Which requests a rule hits.


def test_skip_lets_the_first_pass_and_times_ends_it(wire: Wire) -> None:
    faults.add(wire.store, Fault("status", skip=1, times=2, **ON_WRITES))
    assert [create(wire, name).status for name in "ABCDE"] == [201, 503, 503, 201, 201]
    assert names(wire) == {"A", "D", "E"}


@pytest.mark.parametrize(
    "narrow",
    [{"service": "graph"}, {"method": "PUT"}, {"path": "/repos/contoso/other/*"}, {"path": "/repos"}],
)
def test_a_rule_leaves_other_requests_alone(wire: Wire, narrow: Any) -> None:
    faults.add(wire.store, Fault("status", **narrow))
    assert create(wire, "A").status == 201


def test_one_request_is_hit_by_the_first_rule_that_fits_and_the_next_by_the_second(wire: Wire) -> None:
    faults.add(wire.store, Fault("status", status=500, **ON_WRITES))
    faults.add(wire.store, Fault("status", status=429, **ON_WRITES))
    assert [create(wire, "A").status for _ in range(3)] == [500, 429, 201]


def test_cleared_rules_hit_nothing(wire: Wire) -> None:
    faults.add(wire.store, Fault("status", times=5))
    faults.clear(wire.store)
    assert create(wire, "A").status == 201


def test_every_request_is_in_the_log_whatever_became_of_it(wire: Wire) -> None:
    before = [Fault(kind, **ON_WRITES) for kind in ("status", "reset", "garbage")]
    for rule in (*before, Fault("reset", when="after", **ON_WRITES)):
        faults.add(wire.store, rule)
    for name in "ABCD":
        try:
            create(wire, name)
        except NO_ANSWER:
            continue
    asked = [(one["status"], one["write"]) for one in wire.store.requests() if one["method"] == "POST"]
    assert asked == [(503, False), (0, False), (200, False), (201, True)]


# Rules from a file.


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Any]:
    """Starts `dbxwizard sandbox serve …` and gives its process and the address that it prints."""
    started: list[subprocess.Popen[str]] = []

    def serve(*options: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dbxwizard", "sandbox", "serve", "--state", str(tmp_path / "s.sqlite"), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip().removeprefix("export DBXWIZARD_SANDBOX=")

    yield serve
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_takes_rules_from_a_file_and_ends_cleanly(serving: Any, tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"service": "github", "fault": "status", "status": 429, "retry_after": 7}]))
    process, address = serving("--faults", str(file), "--latency", "zero")
    found = locate(address)
    wire = Wire(found.state)
    assert [read(wire).status for _ in range(2)] == [429, 200]
    wire.close()
    process.send_signal(number)
    assert process.wait(20) == 0
    _, narration = process.communicate()
    assert "Traceback" not in narration


def test_an_empty_file_takes_the_rules_of_an_earlier_one_away(serving: Any, tmp_path: Path) -> None:
    state, file = tmp_path / "s.sqlite", tmp_path / "faults.json"
    with Sandbox(state):
        wire = Wire(state)
        faults.add(wire.store, Fault("status", times=100))
        wire.close()
    file.write_text("[]")
    _, address = serving("--faults", str(file), "--latency", "zero")
    wire = Wire(locate(address).state)
    assert read(wire).status == 200
    wire.close()


BAD_FILES = {
    "no-json": b"nonsense",
    "not-text": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "an-object": b'{"fault": "status"}',
    "a-word": b'["status"]',
    "no-fault": b'[{"service": "arm"}]',
    "unknown-fault": b'[{"fault": "explode"}]',
    "unknown-service": b'[{"fault": "reset", "service": "azure"}]',
    "unknown-method": b'[{"fault": "reset", "method": "get"}]',
    "unknown-field": b'[{"fault": "reset", "severity": 1}]',
    "unknown-when": b'[{"fault": "reset", "when": "during"}]',
    "text-for-a-number": b'[{"fault": "status", "status": "503"}]',
    "no-error-status": b'[{"fault": "status", "status": 200}]',
    "negative": b'[{"fault": "stall", "seconds": -1}]',
    "endless": b'[{"fault": "stall", "seconds": Infinity}]',
    "never": b'[{"fault": "reset", "times": 0}]',
    "kill-without-pid": b'[{"fault": "kill"}]',
    "kill-of-everybody": b'[{"fault": "kill", "pid": -1}]',
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_bad_rules_are_refused(content: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        faults.read(json.loads(content))


@pytest.mark.parametrize("name", ["deep", "unknown-field", "kill-of-everybody", "missing", "a-folder"])
def test_a_bad_file_is_one_error_and_nothing_is_served(tmp_path: Path, name: str) -> None:
    file = tmp_path if name == "a-folder" else tmp_path / f"{name}.json"
    if name in BAD_FILES:
        file.write_bytes(BAD_FILES[name])
    done = dbxwizard("sandbox", "serve", "--faults", str(file), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("error: ") == 1
    assert str(file) in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".state" / "sandbox" / "state.sqlite").exists()


def test_a_bad_rule_is_named(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"fault": "reset"}, {"fault": "status", "status": 20}]')
    done = dbxwizard("sandbox", "serve", "--faults", str(file), cwd=tmp_path)
    assert "[1].status: 20 is not between 400 and 599" in done.stderr
