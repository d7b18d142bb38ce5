"""`init --update`: what people changed in the workflows stays, what is shipped anew comes, and the diff says so."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard import __version__
from dbxwizard.backend.workflows.files import REQUIREMENTS
from dbxwizard.backend.workflows.install_from import source
from dbxwizard.backend.workflows.update import BASE
from dbxwizard.core.errors import UsageError
from dbxwizard.core.merge import merge
from tests.driving import dbxwizard

DRIFT = ".github/workflows/drift.yml"
WHEEL = f"dbxwizard-{__version__}-py3-none-any.whl"
SHA = hashlib.sha256(b"a wheel").hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert dbxwizard("init", cwd=tmp_path).returncode == 0
    return tmp_path


def update(project: Path, *arguments: str) -> dict[str, Any]:
    done = dbxwizard("init", "--update", "--output", "json", *arguments, cwd=project)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def older(project: Path, path: str, now: str, then: str) -> None:
    """As if an earlier version had shipped `then` where this one ships `now`."""
    for file in (project / path, project / BASE):
        text = file.read_text("utf-8")
        assert now in text
        file.write_text(text.replace(now, then), encoding="utf-8")


def test_nothing_is_to_be_done_on_what_was_just_written(project: Path) -> None:
    found = update(project)
    assert (found["status"], found["written"], found["kept"]) == ("unchanged", [], [])


def test_changes_of_both_sides_come_together_and_the_diff_is_shown(project: Path) -> None:
    older(project, DRIFT, "timeout-minutes: 30", "timeout-minutes: 10")
    file = project / DRIFT
    file.write_text(file.read_text().replace('cron: "17 5 * * *"', 'cron: "0 7 * * 1"'))
    done = dbxwizard("init", "--update", cwd=project)
    assert "-    timeout-minutes: 10\n+    timeout-minutes: 30" in done.stdout
    assert f"updated {DRIFT}" in done.stdout
    text = file.read_text()
    assert 'cron: "0 7 * * 1"' in text
    assert "timeout-minutes: 30" in text
    assert update(project)["status"] == "unchanged"


def test_where_both_changed_the_same_lines_the_users_stay_and_it_is_said_once(project: Path) -> None:
    older(project, DRIFT, "timeout-minutes: 30", "timeout-minutes: 10")
    file = project / DRIFT
    file.write_text(file.read_text().replace("timeout-minutes: 10", "timeout-minutes: 99"))
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if "minutes: 99" in text)
    found = update(project)
    [warning] = found["warnings"]
    assert warning["code"] == "workflow-conflict"
    assert warning["location"] == {"file": DRIFT, "line": line, "column": 1}
    assert "timeout-minutes: 30" in warning["message"]
    assert "timeout-minutes: 99" in file.read_text()
    assert "warnings" not in update(project)


def test_windows_line_ends_are_no_change(project: Path) -> None:
    older(project, DRIFT, "timeout-minutes: 30", "timeout-minutes: 10")
    file = project / DRIFT
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert update(project)["written"] == [DRIFT, BASE]
    content = file.read_bytes()
    assert b"timeout-minutes: 30\r\n" in content
    assert content.count(b"\n") == content.count(b"\r\n")


def test_a_file_of_unknown_origin_is_kept(project: Path) -> None:
    (project / BASE).unlink()
    (project / DRIFT).write_text("on: push\n")
    found = update(project)
    assert found["kept"] == [DRIFT]
    assert [one["code"] for one in found["warnings"]] == ["workflow-base-unknown"]
    assert (project / DRIFT).read_text() == "on: push\n"


def test_a_base_that_is_not_ours_is_one_error(project: Path) -> None:
    (project / BASE).write_text("[]")
    done = dbxwizard("init", "--update", cwd=project)
    assert done.returncode == 2
    assert "workflow-base-unreadable" in done.stderr
    assert "Traceback" not in done.stderr


def test_choices_hold_until_others_are_given(project: Path) -> None:
    deploy = project / ".github/workflows/deploy.yml"
    update(project, "--auth", "secret")
    assert "secrets.AZURE_CREDENTIALS" in deploy.read_text()
    assert update(project)["status"] == "unchanged"
    update(project, "--no-github-environments")  # all choices anew
    assert "secrets.AZURE_CREDENTIALS" not in deploy.read_text()
    assert "environment_url" not in deploy.read_text()
    update(project, "--github-url", "https://github.corp.example")
    assert "queue: max" not in deploy.read_text()


def test_plain_init_keeps_what_differs_and_names_the_way_to_merge(project: Path) -> None:
    (project / DRIFT).write_text("on: push\n")
    done = dbxwizard("init", cwd=project)
    assert f"kept your {DRIFT} (--force overwrites it, --update merges)" in done.stdout
    assert (project / DRIFT).read_text() == "on: push\n"


def test_who_can_be_asked_sees_the_diff_and_may_say_no(project: Path) -> None:
    older(project, DRIFT, "timeout-minutes: 30", "timeout-minutes: 10")
    mine, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name not in ("CI", "GITHUB_ACTIONS")}
    with subprocess.Popen(
        [sys.executable, "-m", "dbxwizard", "init", "--update"],
        cwd=project,
        env=environ,
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(theirs)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(mine, 4096)
        os.write(mine, b"n\n")
        out, _ = process.communicate()
    os.close(mine)
    assert b"+    timeout-minutes: 30" in shown
    assert (process.returncode, out) == (130, "nothing was changed\n")
    assert "timeout-minutes: 10" in (project / DRIFT).read_text()


# Where dbxwizard itself comes from.


def lines_of(project: Path) -> list[str]:
    text = (project / REQUIREMENTS).read_text()
    return [line for line in text.splitlines() if "dbxwizard" in line and not line.startswith("#")]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    made = tmp_path / "dist" / WHEEL
    made.parent.mkdir()
    made.write_bytes(b"a wheel")
    return made


def test_a_wheel_is_carried_by_the_repository_with_its_hash(project: Path, wheel: Path) -> None:
    carried = f".github/dbxwizard/{WHEEL}"
    assert carried in update(project, "--install-from", str(wheel))["written"]
    assert (project / carried).read_bytes() == b"a wheel"
    assert lines_of(project) == [f"./{carried} --hash=sha256:{SHA}"]
    assert update(project)["status"] == "unchanged"  # it is remembered
    update(project, "--install-from", f"https://example.com/{WHEEL}#sha256={SHA}")
    assert not (project / carried).exists()
    assert lines_of(project) == [f"dbxwizard @ https://example.com/{WHEEL} --hash=sha256:{SHA}"]


def test_until_it_is_said_the_workflows_refuse_to_install(project: Path) -> None:
    assert lines_of(project) == [f"dbxwizard=={__version__}"]
    assert "--install-from" in dbxwizard("init", cwd=project).stdout


@pytest.fixture
def index() -> Iterator[tuple[str, dict[str, tuple[str, bytes]]]]:
    """A server on loopback, and its pages by path: content type and body."""
    pages: dict[str, tuple[str, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = pages.get(self.path, ("", b""))
            self.send_response(200 if kind else 404)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


HTML = f'<a href="../{WHEEL}#sha256={SHA}">it</a> <a href="dbxwizard-0.0.1-py3-none-any.whl#sha256={"1" * 64}">old</a>'
JSON = json.dumps({"files": [{"filename": WHEEL, "hashes": {"sha256": SHA}}, {"filename": "x", "hashes": {}}]})


@pytest.mark.parametrize(
    ("kind", "body"), [("text/html", HTML), ("application/vnd.pypi.simple.v1+json", JSON)], ids=["html", "json"]
)
def test_an_index_says_the_hash(kind: str, body: str, index: Any) -> None:
    address, pages = index
    pages["/simple/dbxwizard/"] = (kind, body.encode())
    found = source(f"{address}/simple")
    assert found.lines == (
        f"--extra-index-url {address}/simple",
        f"dbxwizard=={__version__} --hash=sha256:{SHA}",
    )


def test_an_address_without_a_hash_is_fetched_for_it(index: Any) -> None:
    address, pages = index
    pages[f"/{WHEEL}"] = ("application/octet-stream", b"a wheel")
    assert source(f"{address}/{WHEEL}").lines == (f"dbxwizard @ {address}/{WHEEL} --hash=sha256:{SHA}",)


@pytest.mark.parametrize(
    ("given_source", "code"),
    [
        ("http://127.0.0.1:{port}/empty", "install-from-no-wheel"),
        ("https://example.com/dbxwizard-99.0-py3-none-any.whl", "install-from-wheel"),
        ("dbxwizard-99.0-py3-none-any.whl", "install-from-wheel"),
        ("https://me:secret@example.com/simple", "install-from-password"),
        ("http://example.com/simple", "install-from-plain"),
    ],
)
def test_what_cannot_be_used_is_refused(given_source: str, code: str, index: Any) -> None:
    address, pages = index
    pages["/empty/dbxwizard/"] = ("text/html", b"")
    with pytest.raises(UsageError) as refused:
        source(given_source.replace("http://127.0.0.1:{port}", address))
    assert refused.value.code == code
    assert "secret" not in str(refused.value)


def test_a_wheel_that_is_not_there_is_one_error(project: Path) -> None:
    done = dbxwizard("init", "--update", "--install-from", f"nowhere/{WHEEL}", cwd=project)
    assert done.returncode == 1
    assert WHEEL in done.stderr
    assert "Traceback" not in done.stderr


# The merge itself.

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=8).map("".join)


@given(TEXTS, TEXTS)
def test_what_one_side_alone_changed_is_taken(base: str, changed: str) -> None:
    assert merge(base, changed, base).text == changed
    assert merge(base, base, changed).text == changed
    same = merge(base, changed, changed)
    assert (same.text, same.conflicts) == (changed, ())


@given(TEXTS, TEXTS, TEXTS)
def test_no_line_of_ours_is_lost_that_theirs_did_not_take_from_the_base(base: str, ours: str, theirs: str) -> None:
    merged = merge(base, ours, theirs).text.splitlines()
    added = [line for line in set(ours.splitlines()) if line not in base.splitlines()]
    assert all(merged.count(line) >= ours.splitlines().count(line) for line in added)


def test_changes_apart_come_together_and_in_the_same_place_collide() -> None:
    base = "one\ntwo\nthree\nfour\nfive\n"
    apart = merge(base, base.replace("one", "ONE"), base.replace("five", "FIVE"))
    assert (apart.text, apart.conflicts) == ("ONE\ntwo\nthree\nfour\nFIVE\n", ())
    collided = merge(base, base.replace("three", "mine"), base.replace("three", "theirs"))
    assert collided.text == base.replace("three", "mine")
    [conflict] = collided.conflicts
    assert (conflict.line, conflict.ours, conflict.theirs) == (3, ("mine\n",), ("theirs\n",))
