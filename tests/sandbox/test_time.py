"""The sandbox's clock, how long things take, and what happens when nobody looks."""

from __future__ import annotations

import ast
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dbxwizard.sandbox
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.entra.directory import ADA, AZURE_CLI, GRACE, GRACE_ID
from dbxwizard.sandbox.inspection import show
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import DEFAULT_PROFILE, Clock, Profile, profiles
from dbxwizard.sandbox.tokens import LIFETIME, TENANT_ID
from tests.sandbox.strict_world import AUDIENCES
from tests.sandbox.toy import served
from tests.sandbox.wire import Wire

NOON = 1_795_000_000.0
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
DATABRICKS = f"{SUBSCRIPTION}/providers/Microsoft.Databricks"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A sandbox that stands still at NOON, in which things take their time."""
    state = tmp_path / "state.sqlite"
    store = Store(state)
    with store.transaction():
        store.put("_setting", "latency", {"profile": "real"})
    Clock(store).freeze(NOON)
    store.close()
    return state


def advance(wire: Wire, seconds: float) -> None:
    Clock(wire.store).advance(seconds)


# The clock.


def test_a_clock_that_is_frozen_stands_still_until_it_is_moved(tmp_path: Path) -> None:
    clock = Clock(Store(tmp_path / "state.sqlite"))
    clock.freeze(NOON)
    assert [clock.now(), clock.now()] == [NOON, NOON]
    clock.advance(90)
    assert clock.now() == NOON + 90


def test_a_clock_that_runs_keeps_its_offset(tmp_path: Path) -> None:
    clock = Clock(Store(tmp_path / "state.sqlite"))
    before = clock.now()
    clock.advance(86400)
    clock.advance(86400)
    assert clock.now() >= before + 2 * 86400


def test_every_process_has_the_same_clock(state: Path) -> None:
    code = "import sys; from pathlib import Path; from dbxwizard.sandbox.store import Store; "
    code += "from dbxwizard.sandbox.time import Clock; print(Clock(Store(Path(sys.argv[1]))).now())"
    Clock(Store(state)).advance(1)
    done = subprocess.run([sys.executable, "-c", code, str(state)], capture_output=True, text=True, check=True)
    assert float(done.stdout) == NOON + 1


def test_tokens_live_by_the_sandboxs_clock(state: Path) -> None:
    path = f"{SUBSCRIPTION}?api-version=2022-12-01"
    with Sandbox(state):
        wire = Wire(state)
        token = wire.person_token(ADA, AUDIENCES["arm"])
        advance(wire, LIFETIME - 1)
        assert wire.send("GET", "arm", path, token=token).status == 200
        advance(wire, 1)
        answer = wire.send("GET", "arm", path, token=token)
        assert (answer.status, answer.json["error"]["code"]) == (401, "ExpiredAuthenticationToken")
        assert answer.headers["date"] == "Wed, 18 Nov 2026 12:06:40 GMT"
        wire.close()


def test_a_device_code_is_good_for_a_quarter_of_an_hour(state: Path) -> None:
    base = f"/{TENANT_ID}/oauth2/v2.0"
    with Sandbox(state):
        wire = Wire(state)
        asked = wire.form(f"{base}/devicecode", client_id=AZURE_CLI, scope="openid").json
        fields = {"client_id": AZURE_CLI, "device_code": asked["device_code"], "grant_type": "device_code"}
        assert wire.form(f"{base}/token", **fields).json["error"] == "authorization_pending"
        advance(wire, asked["expires_in"])
        assert wire.form(f"{base}/token", **fields).json["error"] == "expired_token"
        wire.close()


# Things that take time.


def test_a_role_assignment_counts_when_it_has_replicated(state: Path) -> None:
    with Sandbox(state):
        wire = Wire(state)
        me = wire.person_token(ADA, AUDIENCES["arm"])
        other = wire.person_token(GRACE, AUDIENCES["arm"])
        reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
        definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{reader}"
        body = {"properties": {"principalId": GRACE_ID, "roleDefinitionId": definition}}
        path = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{reader}?api-version=2022-04-01"
        assert wire.send("PUT", "arm", path, token=me, json_body=body).status == 201
        path = f"{SUBSCRIPTION}/resourcegroups?api-version=2022-09-01"
        seen = [wire.send("GET", "arm", path, token=other).status]
        advance(wire, profiles()["real"].seconds("role-assignment.replicate"))
        seen.append(wire.send("GET", "arm", path, token=other).status)
        wire.close()
    assert seen == [403, 200]


_SERVE = """
import sys
from pathlib import Path
from dbxwizard.sandbox.session import Sandbox
with Sandbox(Path(sys.argv[1])) as sandbox:
    print("serving", flush=True)
    sys.stdin.read()
"""


def test_what_was_begun_is_finished_though_the_process_that_began_it_is_gone(state: Path) -> None:
    command = [sys.executable, "-c", _SERVE, str(state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        wire = Wire(state)
        token = wire.person_token(ADA, AUDIENCES["arm"])
        wire.send("POST", "arm", f"{DATABRICKS}/register?api-version=2022-09-01", token=token)
        found = wire.send("GET", "arm", f"{DATABRICKS}?api-version=2022-09-01", token=token).json
        assert found["registrationState"] == "Registering"
        process.send_signal(signal.SIGKILL)
    before = show(state)["subscriptions"][0]
    advance(wire, profiles()["real"].seconds("provider.register"))
    after = show(state)["subscriptions"][0]
    wire.close()
    assert before["registeredProviders"] == []
    assert after["registeredProviders"] == ["Microsoft.Databricks"]
    assert show(state)["subscriptions"][0] == after


def schedule(store: Store, at: float, name: str, **more: Any) -> None:
    with store.transaction():
        store.schedule(at, "toy.note", {"name": name, **more})


def test_what_is_due_happens_in_the_order_of_its_time_and_as_of_that_time(state: Path) -> None:
    with served(state):
        wire = Wire(state)
        schedule(wire.store, NOON + 30, "third")
        schedule(wire.store, NOON + 10, "first", then=15)  # makes first+ at 25, between the others
        schedule(wire.store, NOON + 20, "second")
        schedule(wire.store, NOON + 20, "second too")
        schedule(wire.store, NOON + 99, "later")
        advance(wire, 60)
        wire.send("GET", "arm", "/notes/x", token="t")
        done = wire.store.get("toy.done", "all")
        assert wire.store.next_due() == NOON + 99
        wire.close()
    times = [("first", 10), ("second", 20), ("second too", 20), ("first+", 25), ("third", 30)]
    assert done == {"names": [[name, NOON + after] for name, after in times]}


def test_what_is_not_due_yet_waits(state: Path) -> None:
    with served(state):
        wire = Wire(state)
        schedule(wire.store, NOON + 10, "soon")
        advance(wire, 9.5)
        wire.send("GET", "arm", "/notes/x", token="t")
        assert wire.store.get("toy.done", "all") is None
        wire.close()


def test_what_a_refused_request_had_begun_never_happens(state: Path) -> None:
    with served(state):
        wire = Wire(state)
        assert wire.send("POST", "arm", "/fail/x", token="t").status == 409
        advance(wire, 60)
        wire.send("GET", "arm", "/notes/x", token="t")
        assert wire.store.get("toy.done", "all") is None
        wire.close()


# The profiles.


def operations() -> set[str]:
    """Every operation whose duration the sandbox's code asks for by name."""
    found: set[str] = set()
    for file in Path(dbxwizard.sandbox.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="seconds"), args=[ast.Constant(value=str(name))]):
                    found.add(name)
                case ast.Assign(targets=[ast.Name(id=attribute)], value=ast.Constant(value=str(name))):
                    found |= {name} if attribute in ("create_operation", "delete_operation") else set()
                case ast.AnnAssign(target=ast.Name(id=attribute), value=ast.Constant(value=str(name))) if name:
                    found |= {name} if attribute in ("create_operation", "delete_operation") else set()
    return found


def test_the_profiles_know_every_operation_and_no_other() -> None:
    families = {"*", "request.*"}  # request.<service> is asked for as one family
    assert operations() >= {"cluster.start", "workspace.create", "role-assignment.replicate"}
    assert profiles()["zero"].durations == {"*": 0}
    for name in ("demo", "real"):
        assert profiles()[name].durations.keys() - families == operations(), name


def test_durations_are_numbers_of_seconds() -> None:
    for profile in profiles().values():
        assert all(isinstance(seconds, int | float) and 0 <= seconds < 60 for seconds in profile.durations.values())


def test_an_operation_without_an_entry_takes_its_familys_time_or_everybodys() -> None:
    profile = Profile("p", {"*": 1.0, "cluster.*": 2.0, "cluster.start": 3.0})
    assert [profile.seconds(name) for name in ("run.start", "cluster.restart", "cluster.start")] == [1.0, 2.0, 3.0]
    assert Profile("p", {}).seconds("run.start") == 0.0


def test_a_sandbox_takes_the_time_of_a_demonstration_unless_told_otherwise(tmp_path: Path) -> None:
    clock = Clock(Store(tmp_path / "state.sqlite"))
    assert clock.profile().name == DEFAULT_PROFILE == "demo"


def test_the_documentation_names_every_duration() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w.*-]+)` \| ([\d.]+) \|", text, re.MULTILINE)
    real = {name: seconds for name, seconds in profiles()["real"].durations.items() if name != "*"}
    assert {name: float(seconds) for name, seconds in rows} == real
