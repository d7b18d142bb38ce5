"""Logs of jobs and of runs, however large; and runs whose server is killed.

docs.github.com/rest/actions/workflow-jobs and /workflow-runs.
"""

from __future__ import annotations

import base64
import io
import resource
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from github.Repository import Repository

from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.session import Sandbox
from tests.conftest import new_state
from tests.github.test_runs import ON, PATH, Api, put, wait
from tests.github.test_runs_attempts import start, until_a_step_runs
from tests.sandbox.wire import Wire

pytestmark = pytest.mark.usefixtures("ended")


def test_there_is_no_log_before_the_end(filled: Repository, api: Api) -> None:
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: [run: echo one, run: sleep 300]}}}}")
    run = start(api)
    until_a_step_runs(api, run)
    [job] = api.jobs({"id": run})
    assert api.get(f"/actions/jobs/{job['id']}/logs").status_code == 404
    assert api.get(f"/actions/runs/{run}/logs").status_code == 404
    assert api.post(f"/actions/runs/{run}/cancel").status_code == 202
    wait()
    assert "one" in api.log(job)
    assert api.get(f"/actions/runs/{run}/logs").status_code == 200


def test_the_logs_of_a_run_are_an_archive(filled: Repository, api: Api) -> None:
    put(
        filled,
        f"""{ON}
jobs:
  a: {{name: 'A/B: c', runs-on: x, steps: [{{name: First, run: echo one}}, {{name: Second, run: echo two}}]}}
  b: {{needs: a, runs-on: x, steps: [run: echo three]}}
  never: {{needs: b, if: failure(), runs-on: x, steps: [run: echo no]}}
""",
    )
    run = api.run()
    answer = api.get(f"/actions/runs/{run['id']}/logs", allow_redirects=False)
    assert answer.status_code == 302
    found = api.fetch(answer.headers["Location"])
    assert found.headers["Content-Type"] == "application/zip"
    with ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.testzip() is None
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert list(texts) == ["0_AB c.txt", "AB c/1_First.txt", "AB c/2_Second.txt", "1_b.txt", "b/1_Run echo three.txt"]
    assert ("one" in texts["AB c/1_First.txt"], "one" in texts["AB c/2_Second.txt"]) == (True, False)
    assert texts["0_AB c.txt"] == texts["AB c/1_First.txt"] + texts["AB c/2_Second.txt"]
    assert api.get(f"/actions/runs/{run['id']}/attempts/1/logs").content[:2] == b"PK"


LARGE = 50 * 1024 * 1024


def test_a_log_of_fifty_megabytes_is_written_and_served_in_little_memory(filled: Repository, api: Api) -> None:
    """What this process (server, runner and reader in one) has needed at most grows by far less than the log."""
    line = "x" * 1023
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: [run: 'yes {line} | head -c {LARGE}']}}}}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    [job] = api.jobs(api.run())
    size = 0
    with api.get(f"/actions/jobs/{job['id']}/logs", stream=True) as answer:
        assert int(answer.headers["Content-Length"]) > LARGE
        for piece in answer.iter_content(65536):
            size += len(piece)
    assert size == int(answer.headers["Content-Length"])
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert kilobytes < 25 * 1024


SERVE = """
import sys, time
from pathlib import Path
from dbxwizard.sandbox.session import Sandbox
with Sandbox(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(300)
"""


def test_a_killed_server_leaves_no_process_and_its_run_can_be_run_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("other")
    state, pids = new_state(folder), folder / "pids"
    text = f"""{ON}
jobs:
  a:
    runs-on: x
    steps:
    - run: |
        [ $GITHUB_RUN_ATTEMPT = 1 ] || exit 0
        sleep 300 & echo "$$ $! $PWD" >{pids}
        echo ::notice::read
        wait
  after: {{needs: a, runs-on: x, steps: [run: 'true']}}
  always: {{needs: a, if: always(), runs-on: x, steps: [run: 'true']}}
"""
    with subprocess.Popen([sys.executable, "-c", SERVE, str(state)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        with closing(Wire(state)) as wire:
            run = begin(wire, text)
            # Whoever reads what a step says has given it its guard.
            while not any(job["annotations"] for job in wire.store.all("github.job")):
                pass
        server.send_signal(signal.SIGKILL)
    shell, sleeping, work = pids.read_text().split()
    until_gone(int(shell), int(sleeping))
    with Sandbox(state), closing(Wire(state)) as wire:
        wait()
        assert not Path(work).exists()
        held = [body for body in wire.store.all("_github.token") if body["kind"] == "job"]
        assert held == wire.store.all("_job") == wire.store.all("_github.held") == []
        found = ask(wire, "GET", f"/actions/runs/{run}")
        assert (found["status"], found["conclusion"]) == ("completed", "failure")
        jobs = {job["name"]: job for job in ask(wire, "GET", f"/actions/runs/{run}/jobs")["jobs"]}
        ends = {name: job["conclusion"] for name, job in jobs.items()}
        assert ends == {"a": "failure", "after": "skipped", "always": "success"}
        notes = ask(wire, "GET", f"/check-runs/{jobs['a']['id']}/annotations")
        assert "lost communication with the server" in notes[-1]["message"]
        ask(wire, "POST", f"/actions/runs/{run}/rerun-failed-jobs")
        wait()
        found = ask(wire, "GET", f"/actions/runs/{run}")
        assert (found["run_attempt"], found["conclusion"]) == (2, "success")


def ask(wire: Wire, method: str, path: str, body: Any = None) -> Any:
    root = f"/repos/{seed.REPOSITORY}"
    return wire.send(method, "github", root + path, token=seed.SANDBOX_TOKEN, json_body=body).json


def begin(wire: Wire, text: str) -> int:
    file = {"message": "Write", "content": base64.b64encode(text.encode()).decode()}
    ask(wire, "PUT", f"/contents/{PATH}", file)
    body = {"ref": "main", "return_run_details": True}
    number: int = ask(wire, "POST", "/actions/workflows/run.yml/dispatches", body)["workflow_run_id"]
    return number


def until_gone(*pids: int) -> None:
    """Processes whose parent was killed are ended by a guard, which takes a moment."""
    end = time.monotonic() + 60
    while any(runs(pid) for pid in pids):
        assert time.monotonic() < end, "the step's processes go on"


def runs(pid: int) -> bool:
    """Whether a process is there and is no mere zombie."""
    state = subprocess.run(["/bin/ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip()[:1] not in ("", "Z")
