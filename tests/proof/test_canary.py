"""Every secret of a run, looked for wherever it has no business: in all output, files, arguments and reports.

The secrets are real ones: what the sandbox's services handed out and were sent is read from its own record.
"""

from __future__ import annotations

import base64
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote

import pytest

from dbxwizard.sandbox import faults
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github.oidc import Job, job_token_request
from dbxwizard.sandbox.github.seed import REPOSITORY, REPOSITORY_ID, SANDBOX_TOKEN
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.tokens import TENANT_ID
from tests.conftest import new_state
from tests.proof.recording import Exchange, Finished, environment, opened, recorded, secret_job, watched
from tests.reaching import make_private

_PAT = 'github_pat_11CANARY00fine0grained/+=&read"only'  # characters that every encoding writes differently
_FIELDS = frozenset({
    "access_token", "id_token", "refresh_token", "device_code", "client_secret", "client_assertion", "secretText",
    "ConnectionString", "connectionString", "InstrumentationKey", "token_value", "personal_access_token",
})  # fmt: skip
_CRASH_AT_THE_TOP = """
import os
async def fail(options, environments, connection):
    with_secrets = connection.signed_in.credential.get_token("https://management.core.windows.net//.default").token
    raise RuntimeError(f"Authorization: Bearer {with_secrets} " + os.environ["PAT_GITHUB"])
import dbxwizard.cli.commands.deploy as deploy
deploy.deploy_steps = fail
"""
_CRASH_IN_A_STEP = """
import os
import dbxwizard.steps.databricks.secret_scopes as module
async def fail(self, inputs):
    raise KeyError(os.environ["PAT_GITHUB"], "client_secret=" + os.environ["ARM_CLIENT_SECRET"])
for value in list(vars(module).values()):
    if isinstance(value, type) and "read" in vars(value):
        value.read = fail
"""


@dataclass
class Harvest:
    """What all runs together left behind."""

    project: Path
    state_dir: Path
    runs: dict[str, Finished] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)  # value → what it is
    log_file: Path = Path()
    kept: dict[str, str] = field(default_factory=dict)  # kind of the sandbox's documents → all of their text


class _Runs:
    """The runs, one after the other, against one sandbox."""

    def __init__(self, folder: Path, sandbox: Sandbox, exchanges: list[Exchange]) -> None:
        self._sandbox, self._exchanges = sandbox, exchanges
        self.harvest = Harvest(folder / "project", folder / "state", log_file=folder / "project" / "full.log")
        self._temporary = folder / "tmp"
        for made in (self.harvest.project, self._temporary):
            made.mkdir()
        self._environ = environment(
            DBXWIZARD_STATE_DIR=str(self.harvest.state_dir),
            DBXWIZARD_SANDBOX=sandbox.endpoints().resource_manager,
            DBXWIZARD_SANDBOX_STATE=str(sandbox.state),
            TMPDIR=str(self._temporary),
            PAT_GITHUB=_PAT,
            CI="true",
        )

    def run(self, name: str, *arguments: str, script: str = "", **environ: str) -> Finished:
        told = ("--verbose", "--log-file", "full.log") if arguments[0] != "sandbox" else ()
        events = ("--events", "events.jsonl") if arguments[0] != "sandbox" else ()
        finished = watched(
            [*arguments, *told, *events], cwd=self.harvest.project, environ=self._environ | environ, script=script
        )
        self.harvest.runs[name] = finished
        return finished

    def keep_a_token(self) -> None:
        """A secret scope takes the service principal's access token from the Key Vault."""
        path = self.harvest.project / "environments" / "Development.json"
        text, key = path.read_text("utf-8"), '"appi_ik": "application-insights.connection-string"'
        assert key in text
        path.write_text(text.replace(key, f'{key}, "token": "key-vault:dbkstoken"'), "utf-8")

    def setup(self) -> Finished:
        given = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY, "--auth", "secret", "--owner")
        return self.run("setup", "setup", *given, "--output", "json")

    def job(self) -> dict[str, str]:
        return secret_job(self._sandbox.state, self._exchanges)

    def trusted_job(self) -> dict[str, str]:
        """The environment of a job that signs in by OpenID Connect."""
        with opened(self._sandbox.state) as store:
            found = store.find("github.variable", f"{REPOSITORY_ID}/development/")
            variables = {body["name"]: body["value"] for _, body in found}
            with store.transaction():
                url, token = job_token_request(store, Ports(store), Job(REPOSITORY, environment="Development"))
        self.harvest.secrets[_telling(token)] = "request token"
        actions = {"GITHUB_ACTIONS": "true", "GH_TOKEN": SANDBOX_TOKEN, "ACTIONS_ID_TOKEN_REQUEST_URL": url}
        return variables | actions | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": token}

    def break_routes(self, *rules: Fault) -> None:
        with opened(self._sandbox.state) as store:
            faults.clear(store)
            for rule in rules:
                faults.add(store, rule)


@pytest.fixture(scope="module")
def harvest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harvest]:
    """Everything that the commands say and leave behind, on good days and bad ones."""
    folder = tmp_path_factory.mktemp("canary")
    with recorded(new_state(folder / "cloud")) as (sandbox, exchanges):
        _make_private(sandbox)
        runs = _Runs(folder, sandbox, exchanges)
        runs.run("init", "init")
        runs.keep_a_token()
        assert runs.setup().code == 0, runs.harvest.runs["setup"].err.decode()
        _good_days(runs)
        _bad_days(runs)
        runs.run("log", "sandbox", "log")
        runs.run("show", "sandbox", "show")
        sent = _secrets(exchanges) | _private_keys(sandbox) | {_PAT: "PAT_GITHUB"}
        runs.harvest.secrets = sent | runs.harvest.secrets
        runs.harvest.kept = _kept(sandbox)
        yield runs.harvest


def _kept(sandbox: Sandbox) -> dict[str, str]:
    """What the sandbox keeps, by the kind of its documents, what is its own among them."""
    with opened(sandbox.state) as store:
        rows = store._connection.execute("SELECT kind, body FROM documents").fetchall()
    kept: dict[str, str] = {}
    for kind, body in rows:
        kept[kind] = kept.get(kind, "") + body
    return kept


def _make_private(sandbox: Sandbox) -> None:
    """So that PAT_GITHUB is needed, by GitHub's secrets and by Databricks."""
    with opened(sandbox.state) as store, store.transaction():
        make_private(store, _PAT)


def _good_days(runs: _Runs) -> None:
    job = runs.job()
    runs.run(
        "plan", "plan", "--scope", "deploy", "--save", "saved.json", "-e", "Development", "--auth", "secret", **job
    )
    deployed = runs.run("deploy", "deploy", "-e", "Development", "--auth", "secret", **job)
    assert deployed.code == 0, deployed.err.decode()
    runs.run("status", "status", "-e", "Development", "--output", "json")
    given = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)
    assert runs.run("setup-federated", "setup", *given, "--owner").code == 0
    trusted = runs.run("trusted", "plan", "-e", "Development", **runs.trusted_job())
    assert trusted.code == 0, trusted.err.decode()
    runs.run("doctor", "doctor", "--output", "text")


def _bad_days(runs: _Runs) -> None:
    job = runs.job()
    wrong = {
        "clientId": SUBSCRIPTION_ID,
        "clientSecret": "wrong8Q~secretThatNobodyShouldSeeAgain1234",
        "tenantId": TENANT_ID,
    }
    runs.run(
        "refused", "deploy", "-e", "Development", "--auth", "secret", **job | {"AZURE_CREDENTIALS": json.dumps(wrong)}
    )
    runs.run(
        "unreadable",
        "deploy",
        "-e",
        "Development",
        **job | {"AZURE_CREDENTIALS": "clientSecret=wrong8Q~secretThatNobodyShouldSeeAgain1234"},
    )
    runs.break_routes(
        Fault("status", "workspace", "GET", "*clusters*", status=400, times=50), Fault("garbage", "github", times=2)
    )
    runs.run("faulty", "deploy", "-e", "Development", "--auth", "secret", **job)
    runs.break_routes(Fault("status", "login", "POST", status=400, times=50))
    runs.run("no-login", "status", "-e", "Development")
    runs.break_routes()
    runs.run("crash", "deploy", "-e", "Development", "--auth", "secret", script=_CRASH_AT_THE_TOP, **job)
    runs.run("crash-in-step", "deploy", "-e", "Development", "--auth", "secret", script=_CRASH_IN_A_STEP, **job)


def _secrets(exchanges: list[Exchange]) -> dict[str, str]:
    """Every credential that went over the wire, and what it is."""
    found = {SANDBOX_TOKEN: "GitHub token"}
    for one in exchanges:
        for body in (one.request.body, one.answer):
            for name, value in _fields(body):
                if name in _FIELDS and len(value) >= 8:
                    found.setdefault(_telling(value), name)
        kind, _, token = one.request.headers.get("authorization", "").partition(" ")
        if token and kind.lower() in ("bearer", "token"):
            found.setdefault(_telling(token), f"{kind} token")
    return found


def _telling(value: str) -> str:
    """The part that is a secret: of a JWT its signature, since the rest is the same for many."""
    return value.rpartition(".")[2] if value.startswith("eyJ") else value


def _fields(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        yield from _texts("", json.loads(body))
    except ValueError:
        if body.isascii():
            yield from ((name, values[0]) for name, values in parse_qs(body.decode()).items())


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(name, item)
    elif isinstance(value, str):
        yield name, value


def _private_keys(sandbox: Sandbox) -> dict[str, str]:
    """A line from the middle of each private key of the sandbox."""
    with opened(sandbox.state) as store:
        texts = [body["pem"] for body in store.all("_key")]
    texts += [path.read_text() for path in sandbox.state.parent.iterdir() if path.suffix in (".pem", ".key")]
    lines = [text.splitlines() for text in texts if "PRIVATE KEY" in text]
    return {found[len(found) // 2]: "private key" for found in lines if len(found) > 2}


def _forms(value: str) -> set[bytes]:
    """`value` as it is, and as JSON, URLs and base64 (at each alignment) write it."""
    forms = {value, json.dumps(value)[1:-1], quote(value), quote(value, safe="")}
    raw = value.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        forms.add(encoded[4 if shift else 0 : len(encoded) - 4])
    return {form.encode() for form in forms}


def _found(secrets: dict[str, str], text: bytes) -> list[str]:
    return [what for value, what in secrets.items() if any(form in text for form in _forms(value))]


def test_there_is_a_secret_of_every_kind_to_look_for(harvest: Harvest) -> None:
    assert set(harvest.secrets.values()) >= {
        "access_token", "refresh_token", "device_code", "secretText", "GitHub token", "private key", "ConnectionString",
        "token_value", "client_assertion", "request token", "PAT_GITHUB",
    }  # fmt: skip
    assert any(value.startswith("dapi") for value in harvest.secrets)


def test_the_sandbox_keeps_a_secret_where_it_is_given_back_alone(harvest: Harvest) -> None:
    """Key Vault, the secret scopes and Azure's own keys; GitHub has sealed boxes, Entra and the workspace hashes."""
    belongs = {"vault.secret", "databricks.secret", "arm.resource", "_key", "_deploymentResult", "_request"}
    assert {"github.secret", "databricks.token", "databricks.gitCredential", "directory.application"} <= set(
        harvest.kept
    )
    for kind, text in harvest.kept.items():
        assert kind in belongs or not _found(harvest.secrets, text.encode()), kind
    assert _found(harvest.secrets, harvest.kept["vault.secret"].encode()) == ["token_value"]


def test_the_search_finds_each_secret_in_each_form() -> None:
    secrets = {_PAT: "PAT_GITHUB"}
    forms = (
        _PAT,
        json.dumps({"token": _PAT}),
        f"token={quote(_PAT, safe='')}",
        *(base64.b64encode(f"{'x' * shift}{_PAT}y".encode()).decode() for shift in range(3)),
    )
    for text in forms:
        assert _found(secrets, text.encode()) == ["PAT_GITHUB"], text


def test_no_secret_is_printed(harvest: Harvest) -> None:
    for name, run in harvest.runs.items():
        # GitHub's runner is told in this form, and in no other, what to hide; it does not print the line.
        shown = b"\n".join(line for line in run.out.splitlines() if not line.startswith(b"::add-mask::"))
        assert not _found(harvest.secrets, shown), f"stdout of {name}"
        assert not _found(harvest.secrets, run.err), f"stderr of {name}"


def test_masks_are_told_to_github_alone(harvest: Harvest) -> None:
    assert b"::add-mask::" in harvest.runs["deploy"].out
    for name in ("setup", "status", "doctor"):
        assert b"::add-mask::" not in harvest.runs[name].out


def test_no_secret_is_an_argument(harvest: Harvest) -> None:
    for name, run in harvest.runs.items():
        assert run.own_arguments, name
        assert not _found(harvest.secrets, run.own_arguments.encode()), name
        for child in run.children:
            assert not _found(harvest.secrets, child.arguments.encode()), f"{name}: {child.arguments}"


def test_processes_below_get_no_secret(harvest: Harvest) -> None:
    below = [child for run in harvest.runs.values() for child in run.children]
    assert any("build_wheel" in child.arguments for child in below)
    for child in below:
        assert not _found(harvest.secrets, child.environ.encode()), child.arguments


_NO_PROCESS = """
import platform, subprocess, dbxwizard.clients
def refuse(*arguments, **options): raise AssertionError(arguments)
subprocess.Popen.__init__ = refuse
print(platform.platform())
"""


def test_the_user_agent_starts_no_process() -> None:
    """azure-core names the platform in it; too short-lived a process to be seen each time."""
    named = subprocess.run([sys.executable, "-c", _NO_PROCESS], capture_output=True, text=True, check=True).stdout
    assert platform.system() in named


def test_no_file_holds_a_secret(harvest: Harvest) -> None:
    files = [path for folder in (harvest.project, harvest.state_dir) for path in folder.rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert {"full.log", "events.jsonl", "saved.json", "journal.sqlite"} <= names
    for path in files:
        assert not _found(harvest.secrets, path.read_bytes()), path


def test_no_temporary_file_holds_a_secret(harvest: Harvest) -> None:
    seen = {path: content for run in harvest.runs.values() for path, content in run.temporary.items()}
    assert any(path.endswith("pyproject.toml") for path in seen)  # of the wheel that was built
    for path, content in seen.items():
        assert not _found(harvest.secrets, content), path


@pytest.mark.parametrize(
    ("name", "code"),
    [("refused", 3), ("unreadable", 2), ("faulty", 1), ("no-login", 3), ("crash", 1), ("crash-in-step", 1)],
)
def test_the_bad_days_were_bad(harvest: Harvest, name: str, code: int) -> None:
    run = harvest.runs[name]
    assert run.code == code, run.err.decode()
    assert b"Traceback" not in run.err + run.out


def test_what_crashed_is_told_without_its_secrets(harvest: Harvest) -> None:
    for name in ("crash", "crash-in-step"):
        assert b"internal-error" in harvest.runs[name].err
        assert b"***" in harvest.runs[name].err
    log = harvest.log_file.read_text()
    assert log.count("Traceback") >= 2
    assert "RuntimeError: Authorization: Bearer ***" in log


def test_what_libraries_warn_of_is_in_the_log_file_alone(harvest: Harvest) -> None:
    """azure-identity logs every failed sign-in as a warning, which Python prints where nobody set up logging."""
    run = harvest.runs["no-login"]
    assert b"get_token" not in run.err
    assert "WARNING azure.identity" in harvest.log_file.read_text()


def test_the_wrong_secret_of_a_person_is_not_repeated(harvest: Harvest) -> None:
    wrong = {"wrong8Q~secretThatNobodyShouldSeeAgain1234": "wrong secret"}
    for name in ("refused", "unreadable"):
        run = harvest.runs[name]
        assert not _found(wrong, run.out + run.err), name
    assert not _found(wrong, harvest.log_file.read_bytes())
