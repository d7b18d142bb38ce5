"""Runs of workflows on the sandbox, through the API: docs.github.com/rest/actions/workflow-runs."""

from __future__ import annotations

import base64
import secrets
import sys
import threading
from contextlib import closing
from typing import Any

import pytest
import requests
from github.GithubException import GithubException
from github.Repository import Repository
from github.WorkflowRun import WorkflowRun
from nacl.public import PublicKey, SealedBox

from dbxwizard.clients.cloud import Cloud
from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from tests.conftest import new_state
from tests.sandbox.wire import Wire

pytestmark = pytest.mark.usefixtures("ended")

PATH = ".github/workflows/run.yml"
SETUP_PYTHON = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97"
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"


def wait() -> None:
    """Until nothing runs any more."""
    for thread in threading.enumerate():
        if thread.name == "dbxwizard-runner":
            thread.join(120)
            assert not thread.is_alive()


class Api:
    """Plain requests, for what PyGithub has no method for."""

    def __init__(self, cloud: Cloud, token: str = seed.SANDBOX_TOKEN) -> None:
        self.cloud = cloud
        self._root = f"{cloud.github_api}/repos/{seed.REPOSITORY}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(cloud.ca_bundle)
        self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **options: Any) -> requests.Response:
        return self._session.get(self._root + path, timeout=30, **options)

    def fetch(self, address: str) -> requests.Response:
        """What lies at an address, without a token."""
        return self._session.get(address, headers={"Authorization": ""}, timeout=30)

    def put(self, path: str, body: Any) -> requests.Response:
        return self._session.put(self._root + path, json=body, timeout=30)

    def delete(self, path: str) -> requests.Response:
        return self._session.delete(self._root + path, timeout=30)

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        return self._session.post(self._root + path, json=body, headers=headers, timeout=30)

    def run(self, inputs: Any = None) -> dict[str, Any]:
        """Starts the workflow by hand, waits for its end and answers with the run."""
        body = {"ref": "main", "inputs": inputs or {}, "return_run_details": True}
        started = self.post("/actions/workflows/run.yml/dispatches", body)
        assert started.status_code == 200, started.text
        wait()
        found: dict[str, Any] = self.get(f"/actions/runs/{started.json()['workflow_run_id']}").json()
        return found

    def jobs(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = self.get(f"/actions/runs/{run['id']}/jobs").json()["jobs"]
        return jobs

    def log(self, job: dict[str, Any]) -> list[str]:
        """A job's log without its times."""
        text = self.get(f"/actions/jobs/{job['id']}/logs").text
        return [line.partition(" ")[2] for line in text.splitlines()]


def put(repository: Repository, text: str, path: str = PATH) -> str:
    """Writes a workflow that can be started by hand; the SHA of the commit."""
    made = repository.create_file(path, "Write a workflow", text)
    return made["commit"].sha


ON = "on: {workflow_dispatch: {inputs: {to: {type: string}}}}\n"


def test_value_and_exit_code_of_a_step_arrive_and_the_dependent_job_is_skipped(filled: Repository, api: Api) -> None:
    value = secrets.token_hex(8)
    put(
        filled,
        f"""{ON}
jobs:
  first:
    runs-on: ubuntu-latest
    steps:
      - run: echo fine
      - name: Print and fail
        run: |
          echo {value}
          exit 7
      - run: echo never
  second:
    needs: first
    runs-on: ubuntu-latest
    steps: [run: echo no]
""",
    )
    run = api.run()
    assert (run["status"], run["conclusion"], run["event"]) == ("completed", "failure", "workflow_dispatch")
    first, second = api.jobs(run)
    assert [(step["name"], step["conclusion"]) for step in first["steps"]] == [
        ("Run echo fine", "success"), ("Print and fail", "failure"), ("Run echo never", "skipped"),
    ]  # fmt: skip
    assert (first["conclusion"], second["conclusion"]) == ("failure", "skipped")
    assert value in api.log(first)
    assert "##[error]Process completed with exit code 7." in api.log(first)
    assert api.get(f"/actions/jobs/{second['id']}/logs").status_code == 404


def test_runs_are_seen_through_pygithub(filled: Repository, api: Api) -> None:
    sha = put(
        filled,
        f"name: Greet\nrun-name: Greet ${{{{ inputs.to }}}}\n{ON}jobs: {{a: {{runs-on: x, steps: [run: echo hi]}}}}",
    )
    workflow = filled.get_workflow("run.yml")
    assert workflow.create_dispatch("main", {"to": "UAT"})
    wait()
    (run,) = list(filled.get_workflow_runs())
    assert isinstance(run, WorkflowRun)
    assert (run.name, run.head_sha, run.head_branch, run.run_number) == ("Greet", sha, "main", 1)
    assert (run.conclusion, run.workflow_id) == ("success", workflow.id)
    (job,) = list(run.jobs())
    assert job.raw_data["labels"] == ["x"]
    assert (job.name, job.conclusion, job.steps[0].name) == ("a", "success", "Run echo hi")
    assert [each.id for each in workflow.get_runs()] == [run.id]
    assert filled.get_workflow_run(run.id).display_title == "Greet UAT"
    assert api.fetch(job.logs_url()).text.endswith("Z hi\n")


def test_jobs_hand_on_outputs_and_call_workflows(filled: Repository, api: Api) -> None:
    called = """
on:
  workflow_call:
    inputs: {to: {type: string, required: true}}
    outputs: {said: {value: '${{ jobs.say.outputs.line }}'}}
jobs:
  say:
    runs-on: x
    outputs: {line: '${{ steps.s.outputs.line }}'}
    steps:
      - {id: s, run: 'echo "line=to ${{ inputs.to }}" >>$GITHUB_OUTPUT'}
"""
    put(filled, called, ".github/workflows/called.yml")
    put(
        filled,
        f"""{ON}
jobs:
  list:
    runs-on: x
    outputs: {{all: '${{{{ steps.l.outputs.all }}}}'}}
    steps: [{{id: l, run: "echo 'all=[1,2]' >>$GITHUB_OUTPUT"}}]
  each:
    needs: list
    runs-on: x
    strategy: {{matrix: {{n: '${{{{ fromJSON(needs.list.outputs.all) }}}}'}}}}
    steps: [run: 'echo ${{{{ matrix.n }}}}']
  call: {{needs: each, uses: ./.github/workflows/called.yml, with: {{to: '${{{{ inputs.to }}}}'}}}}
  last: {{needs: call, runs-on: x, steps: [run: 'echo got ${{{{ needs.call.outputs.said }}}}']}}
""",
    )
    run = api.run({"to": "UAT"})
    jobs = api.jobs(run)
    assert [(job["name"], job["conclusion"]) for job in jobs] == [
        ("list", "success"), ("each (1)", "success"), ("each (2)", "success"), ("call / say", "success"),
        ("last", "success"),
    ]  # fmt: skip
    assert api.log(jobs[-1])[-1] == "got to UAT"


def test_a_checkout_is_a_real_git_repository(filled: Repository, api: Api) -> None:
    filled.create_file("src/a.txt", "Second", "hello\n")
    sha = put(
        filled,
        f"""{ON}
jobs:
  a:
    runs-on: x
    steps:
      - uses: {CHECKOUT}
        with: {{fetch-depth: 0, persist-credentials: false}}
      - run: |
          cat src/a.txt
          git log --format=%s | head -n 2
          git rev-parse HEAD
          git fsck --strict
      - uses: {CHECKOUT}
        with: {{path: shallow, ref: main}}
      - run: git -C shallow log --format=%H
      - uses: {CHECKOUT}
        with: {{ref: nowhere}}
""",
    )
    (job,) = api.jobs(api.run())
    log = api.log(job)
    for line in ("hello", "Write a workflow", "Second", sha):
        assert line in log
    assert log.count(sha) == 2
    assert log[-1] == "##[error]A branch or tag with the name 'nowhere' could not be found"


def test_a_python_of_the_machine_is_set_up(filled: Repository, api: Api) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    put(
        filled,
        f"""{ON}
jobs:
  a:
    runs-on: x
    steps:
      - {{id: p, uses: {SETUP_PYTHON}, with: {{python-version: '{version.rpartition(".")[0]}'}}}}
      - run: |
          python -c 'import platform, sys; print(platform.python_version(), sys.prefix == sys.argv[1])' \\
            "$pythonLocation"
          echo "${{{{ steps.p.outputs.python-version }}}}"
          python -m pip --version | grep -c "$pythonLocation"
      - {{uses: {SETUP_PYTHON}, with: {{python-version: '2.6'}}, continue-on-error: true}}
      - {{uses: {SETUP_PYTHON}, with: {{python-version: '3.99'}}}}
      - {{uses: {SETUP_PYTHON}, with: {{python-version: '3.x'}}, continue-on-error: true}}
      - {{uses: {SETUP_PYTHON}, with: {{cache: pip}}, continue-on-error: true}}
""",
    )
    (job,) = api.jobs(api.run())
    log = api.log(job)
    assert log[log.index(f"{version} True") :][:3] == [f"{version} True", version, "1"]
    assert any(line.startswith("##[warning]The sandbox's machine has no Python 3.99: the job gets 3.") for line in log)
    assert [line for line in log if line.startswith("##[error]")] == [
        "##[error]The version '2.6' with architecture 'x64' was not found for this operating system.",
        "##[error]The sandbox's actions/setup-python wants a python-version as 3.12, not '3.x'",
        "##[error]The sandbox's actions/setup-python does not know: cache",
    ]


def test_a_job_holds_secrets_variables_and_tokens_of_its_own(
    filled: Repository, api: Api, sandbox: Sandbox, store: Store
) -> None:
    filled.create_variable("COLOUR", "green")
    keep_secret(api, "KEY", "hunter2")
    put(
        filled,
        f"""{ON}
permissions: {{contents: read, id-token: write}}
jobs:
  a:
    runs-on: x
    steps:
      - env: {{KEY: '${{{{ secrets.KEY }}}}', GH: '${{{{ github.token }}}}'}}
        run: |
          echo "the key is $KEY, the colour ${{{{ vars.COLOUR }}}}"
          echo -n "$KEY" | sha256sum
          api="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY"
          asked="$ACTIONS_ID_TOKEN_REQUEST_URL&audience=api://x"
          get() {{ curl -s --cacert "$SSL_CERT_FILE" -H "Authorization: Bearer $1" "${{@:2}}"; }}
          get "$GH" "$api" | grep -c full_name
          get "$GH" -o /dev/null -w '%{{http_code}}\\n' -X DELETE "$api/git/refs/heads/other"
          get "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$asked" >"$RUNNER_TEMP/token"
          python3 -c 'import json,os; print(json.load(open(os.environ["RUNNER_TEMP"] + "/token"))["value"][::-1])'
  b:
    runs-on: x
    permissions: {{}}
    steps: [run: 'echo "${{ACTIONS_ID_TOKEN_REQUEST_URL-none}}"']
""",
    )
    a, b = api.jobs(api.run())
    log = api.log(a)
    assert "the key is ***, the colour green" in log
    assert "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7  -" in log
    assert "hunter2" not in "\n".join(log)
    assert log[-3:-1] == ["1", "403"]
    claims = tokens.unverified(log[-1][::-1])
    assert (claims["aud"], claims["repository"]) == ("api://x", seed.REPOSITORY)
    assert claims["sub"].endswith(":ref:refs/heads/main")
    assert api.log(b)[-1] == "none"
    assert [body["kind"] for body in store.all("_github.token") if body["kind"] == "job"] == []


def test_a_called_workflow_has_the_secrets_that_it_is_handed(filled: Repository, api: Api) -> None:
    for name in ("ONE", "TWO"):
        keep_secret(api, name, f"value of {name}")
    called = """
on: {workflow_call: {secrets: {GIVEN: {required: false}}}}
jobs:
  a:
    runs-on: x
    env: {GIVEN: '${{ secrets.GIVEN }}', ONE: '${{ secrets.ONE }}', TWO: '${{ secrets.TWO }}'}
    steps: [run: 'echo "${#GIVEN} ${#ONE} ${#TWO}"']
"""
    put(filled, called, ".github/workflows/called.yml")
    uses = "uses: ./.github/workflows/called.yml"
    put(
        filled,
        f"""{ON}
jobs:
  one: {{{uses}, secrets: {{GIVEN: '${{{{ secrets.ONE }}}}'}}}}
  all: {{{uses}, secrets: inherit}}
  none: {{{uses}}}
""",
    )
    jobs = {job["name"]: api.log(job)[-1] for job in api.jobs(api.run())}
    assert jobs == {"one / a": "12 0 0", "all / a": "0 12 12", "none / a": "0 0 0"}


def keep_secret(api: Api, name: str, value: str, path: str = "/actions/secrets") -> None:
    """Seals a secret for the repository, or for the environment of `path`, and keeps it there."""
    key = api.get(f"{path}/public-key").json()
    sealed = SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(value.encode())
    body = {"encrypted_value": base64.b64encode(sealed).decode(), "key_id": key["key_id"]}
    assert api.put(f"{path}/{name}", body).status_code == 201


def test_a_start_by_hand_is_refused_in_githubs_words(filled: Repository, api: Api) -> None:
    put(filled, "on: {workflow_dispatch: {inputs: {to: {required: true}}}}\njobs: {a: {runs-on: x}}")
    put(filled, "on: issues\njobs: {a: {runs-on: x, steps: [run: x]}}", ".github/workflows/other.yml")
    path = "/actions/workflows/run.yml/dispatches"
    for where, body, answer in (
        (path, {"ref": "nowhere"}, (422, "No ref found for: nowhere")),
        (path, {"ref": "main"}, (422, "Required input 'to' not provided")),
        (path, {"ref": "main", "inputs": {"a": 1}}, (422, 'Unexpected inputs provided: ["a"]')),
        ("/actions/workflows/other.yml/dispatches", {"ref": "main"},
         (422, "Workflow does not have 'workflow_dispatch' trigger")),
        ("/actions/workflows/gone.yml/dispatches", {"ref": "main"}, (404, "Not Found")),
    ):  # fmt: skip
        found = api.post(where, body)
        assert (found.status_code, found.json()["message"]) == answer
    assert api.get("/actions/runs").json()["total_count"] == 0


def test_the_answer_to_a_start_follows_the_version(filled: Repository, api: Api) -> None:
    put(filled, f"{ON}jobs: {{a: {{runs-on: x}}}}")
    path = "/actions/workflows/run.yml/dispatches"
    assert api.post(path, {"ref": "main"}).status_code == 204
    newer = api.post(path, {"ref": "main"}, **{"X-GitHub-Api-Version": "2026-03-10"})
    assert newer.json()["html_url"].endswith(f"/actions/runs/{newer.json()['workflow_run_id']}")


def test_a_run_is_cancelled(filled: Repository, api: Api) -> None:
    put(
        filled,
        f"""{ON}
jobs:
  a: {{runs-on: x, steps: [run: sleep 300]}}
  b: {{needs: a, runs-on: x, if: always(), steps: [run: echo no]}}
""",
    )
    body = {"ref": "main", "return_run_details": True}
    first, second = (api.post("/actions/workflows/run.yml/dispatches", body).json()["workflow_run_id"] for _ in "12")
    assert api.post(f"/actions/runs/{second}/cancel").status_code == 202
    while api.get(f"/actions/runs/{first}").json()["status"] == "queued":
        pass
    assert api.post(f"/actions/runs/{first}/cancel").status_code == 202
    wait()
    assert [api.get(f"/actions/runs/{each}").json()["conclusion"] for each in (first, second)] == ["cancelled"] * 2
    assert api.post(f"/actions/runs/{first}/cancel").status_code == 409


def test_what_cannot_start_has_failed(filled: Repository, api: Api) -> None:
    put(filled, f"{ON}jobs: {{a: {{uses: ./.github/workflows/gone.yml}}}}")
    assert api.run()["conclusion"] == "startup_failure"


def test_logs_have_an_address_of_their_own(filled: Repository, api: Api) -> None:
    put(filled, f"{ON}jobs: {{a: {{runs-on: x, steps: [run: echo one; echo two]}}}}")
    (job,) = api.jobs(api.run())
    answer = api.get(f"/actions/jobs/{job['id']}/logs", allow_redirects=False)
    assert answer.status_code == 302
    found = api.fetch(answer.headers["Location"])
    assert found.headers["Content-Type"].startswith("text/plain")
    assert api.fetch(answer.headers["Location"] + "x").status_code == 404


def test_who_may_not_write_starts_nothing(filled: Repository, connect: Any, add_token: Any) -> None:
    put(filled, f"{ON}jobs: {{a: {{runs-on: x}}}}")
    reader = connect(add_token("reader", kind="fine-grained", permissions={"actions": "read"}))
    workflow = reader.get_repo(filled.full_name).get_workflow("run.yml")
    with pytest.raises(GithubException, match="Resource not accessible by personal access token"):
        workflow.create_dispatch("main", throw=True)


def test_a_run_ends_with_the_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    state = new_state(tmp_path_factory.mktemp("other"))
    root = f"/repos/{seed.REPOSITORY}"
    text = f"{ON}jobs: {{a: {{runs-on: x, steps: [run: 'echo $$ >&2; sleep 300']}}}}"
    file = {"message": "Write", "content": base64.b64encode(text.encode()).decode()}

    def ask(method: str, path: str, body: Any = None) -> Any:
        return wire.send(method, "github", root + path, token=seed.SANDBOX_TOKEN, json_body=body).json

    with Sandbox(state), closing(Wire(state)) as wire:
        ask("PUT", f"/contents/{PATH}", file)
        body = {"ref": "main", "return_run_details": True}
        run = ask("POST", "/actions/workflows/run.yml/dispatches", body)["workflow_run_id"]
        while not any(
            step["status"] == "in_progress"
            for job in ask("GET", f"/actions/runs/{run}/jobs")["jobs"]
            for step in job["steps"]
        ):
            pass
    with Sandbox(state), closing(Wire(state)) as wire:
        wait()
        assert ask("GET", f"/actions/runs/{run}")["conclusion"] == "failure"
        (job,) = ask("GET", f"/actions/runs/{run}/jobs")["jobs"]
        assert (job["status"], job["conclusion"]) == ("completed", "failure")
