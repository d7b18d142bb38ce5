"""`dev check`: whether code on this machine runs on the environment's cluster, and is heard."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.dev import dotenv
from dbxwizard.dev.changes import existing
from dbxwizard.dev.probing import Finding, Probe
from dbxwizard.dev.pythons import demanded
from dbxwizard.dev.target import Target, find_target
from dbxwizard.dev.venv import NAME as VENV
from dbxwizard.dev.venv import interpreter_of
from dbxwizard.workspace_actions import change_cluster

if TYPE_CHECKING:
    from dbxwizard.core.clock import Clock
    from dbxwizard.deployed import Deployed
    from dbxwizard.steps.connection import Connection

_ENV = ".env"
# Seconds. Telemetry can be asked for minutes later: learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time.
_PATIENCE_HERE, _PATIENCE_SIGN_IN, _PATIENCE_SPARK, _PATIENCE_TELEMETRY = 120.0, 300.0, 600.0, 420.0
_PACE = 5.0
_SLACK = 300.0  # seconds by which the clocks of this machine and of the service may differ
_BROWSER = "external-browser"
_NOT_PLAYED = "UNIMPLEMENTED: The sandbox"
_SPARK_CHECKS = ("SELECT 1", "data frame", "framework there")
_NOT_ALLOWED = 3


class State(StrEnum):
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """`found`: what it came to, or why it was skipped. `fix` says what to do; "" where there is nothing to do.

    `code`: the exit code that a failure of it stands for.
    """

    name: str
    state: State
    found: str = ""
    fix: str = ""
    code: int = 1

    def to_json(self) -> dict[str, object]:
        return {"name": self.name, "state": str(self.state), "found": self.found, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class Request:
    """`cluster`: its name or id, "" for the one that `.env` names. `may_start` is asked before a cluster is started.

    `at_a_browser`: whether somebody is here who can sign in with one.
    """

    root: Path
    environ: Mapping[str, str]
    may_start: Callable[[str], Awaitable[bool]]
    cluster: str = ""
    at_a_browser: bool = False


def exit_code(checks: Sequence[Check]) -> int:
    """0, or the code that all failures share, else 1."""
    codes = {check.code for check in checks if check.state is State.FAILED}
    return codes.pop() if len(codes) == 1 else int(bool(codes))


async def examine(request: Request, deployed: Deployed, clock: Clock) -> AsyncGenerator[Check]:
    """Each check as it begins (running) and as it ends. What a failed one makes pointless is skipped.

    Raises the core's errors for what keeps the environment from being looked at, such as `not-deployed`.
    """
    from dbxwizard.telemetry import application_of

    values = dotenv.values(existing(request.root / _ENV).text)
    wanted = request.cluster or values.get("DATABRICKS_CLUSTER_ID", "")
    try:
        target, is_known = await find_target(deployed, wanted), True
    except UsageError:
        if request.cluster:
            raise
        target, is_known = await find_target(deployed), False
    application = await application_of(deployed)
    examination = _Examination(request, deployed.connection, clock, target, values)
    async with aclosing(examination.run(application, is_known=is_known)) as checks:
        async for check in checks:
            yield check


class _Examination:
    """`_failed`: the checks that did, by which others are skipped."""

    def __init__(
        self, request: Request, connection: Connection, clock: Clock, target: Target, values: Mapping[str, str]
    ) -> None:
        self._request, self._connection, self._clock = request, connection, clock
        self._target, self._values = target, values
        self._failed: set[str] = set()
        self._mark = f"mark-{secrets.token_hex(5)}"
        self._began = time.time()
        self._setup = f"dbxwizard dev setup -e {target.environment.name}"
        self._probe = Probe(interpreter_of(request.root / VENV), request.root, self._variables())

    async def run(self, application: str, *, is_known: bool) -> AsyncGenerator[Check]:
        """`application`: that is asked for telemetry. `is_known`: whether the cluster of .env exists."""
        parts = (
            self._settings(is_known=is_known),
            self._here(),
            self._sent(),
            self._sign_in(),
            self._cluster(),
            self._spark(),
            self._arrived(application),
        )
        for part in parts:
            async with aclosing(part) as checks:
                async for check in checks:
                    if check.state is State.FAILED:
                        self._failed.add(check.name)
                    yield check

    def _variables(self) -> dict[str, str]:
        """Those of this process with those of `.env` in their place, as an editor gives them to code."""
        cloud = self._connection.cloud
        if not cloud.is_sandbox:
            return {**self._request.environ, **self._values}
        kept = {
            name: value
            for name, value in self._request.environ.items()
            if not name.startswith(("DATABRICKS_", "AZURE_", "ARM_")) and not name.lower().endswith("_proxy")
        }
        authority = str(cloud.ca_bundle)
        ours = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"), authority)
        quiet = ("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED")
        return {**kept, **ours, **dict.fromkeys(quiet, "true"), **self._values}

    async def _settings(self, *, is_known: bool) -> AsyncGenerator[Check]:
        """What code on this machine is told, against what there is."""
        host, cluster = (self._values.get(name, "") for name in ("DATABRICKS_HOST", "DATABRICKS_CLUSTER_ID"))
        fix = f"Write it: {self._setup}"
        if not (host and cluster):
            yield Check(_ENV, State.FAILED, f"{self._request.root / _ENV} names no workspace and cluster", fix)
        elif host.rstrip("/") != self._target.workspace.url:
            found = f"it is of {host}, and {self._target.environment.name} is {self._target.workspace.url}"
            yield Check(_ENV, State.FAILED, found, fix)
        elif not is_known:
            yield Check(_ENV, State.FAILED, f"its cluster {cluster} is gone", fix)
        elif cluster != self._target.cluster_id:
            yield Check(_ENV, State.FAILED, f"its cluster is {cluster}, not {self._target.cluster_id}", fix)
        else:
            yield Check(_ENV, State.OK, f"{host}, cluster {self._target.cluster.get('cluster_name')}")

    # What this machine has.

    async def _here(self) -> AsyncGenerator[Check]:
        if not self._probe.python.exists():
            found = f"there is no virtual environment in {self._request.root / VENV}"
            yield Check("Python", State.FAILED, found, f"Make it: {self._setup}")
            for name in ("databricks-connect", "framework here"):
                yield Check(name, State.SKIPPED, "there is no virtual environment")
            return
        async for finding in self._asked("here", seconds=_PATIENCE_HERE, otherwise="Python"):
            if finding.check == "versions":
                yield self._python(str(finding.more["python"]))
                yield self._client(finding.more["packages"])
            else:
                name = finding.check or "Python"
                yield Check(name, _state(finding), finding.found, "" if finding.ok else f"Install it: {self._setup}")

    def _python(self, version: str) -> Check:
        runtime, wanted = self._target.runtime, demanded(self._target.runtime)
        found = f"{version}; Databricks Runtime {runtime} has {wanted}"
        if version.rsplit(".", 1)[0] == wanted:
            return Check("Python", State.OK, found)
        return Check("Python", State.FAILED, found, f"Make the environment anew: {self._setup}")

    def _client(self, packages: Mapping[str, str]) -> Check:
        """Databricks supports clients up to the runtime's own version, and none beside pyspark:
        docs.databricks.com/dev-tools/databricks-connect/requirements."""
        name, runtime = "databricks-connect", self._target.runtime
        version = packages.get(name, "")
        beside = [f"{one} {packages[one]}" for one in packages if one.startswith("pyspark")]
        beside = [one for one in beside if "+databricks.connect." not in one]
        if not version:
            return Check(name, State.FAILED, "it is not installed", f"Install it: {self._setup}")
        if beside:
            found = f"{version} with {', '.join(beside)} beside it: neither works"
            return Check(name, State.FAILED, found, f"Remove it: {self._setup}")
        found = f"{version}; the cluster has Databricks Runtime {runtime}"
        if _numbers(version)[: len(_numbers(runtime))] > _numbers(runtime):
            return Check(name, State.FAILED, f"{found}, which is older", f"Install the one that fits: {self._setup}")
        return Check(name, State.OK, found)

    async def _sign_in(self) -> AsyncGenerator[Check]:
        """As code does it. Where that takes a browser and nobody is at one, it gets the token of who runs this."""
        name, note = "sign-in", ""
        if why := self._why_not(_ENV, "Python"):
            yield Check(name, State.SKIPPED, why)
            return
        yield Check(name, State.RUNNING)
        method = self._values.get("DATABRICKS_AUTH_TYPE", "")
        lends = self._connection.cloud.is_sandbox or (method == _BROWSER and not self._request.at_a_browser)
        if lends and method != "pat":
            token = await self._connection.workspace_token()
            variables = {**self._probe.variables, "DATABRICKS_TOKEN": token.reveal(), "DATABRICKS_AUTH_TYPE": "pat"}
            self._probe = Probe(self._probe.python, self._probe.folder, variables)
            note = f"; with the sign-in of this command: {method or 'its own'} needs somebody here"
        fix = f"Sign in again ({method or 'as the SDK does'}), or choose another way: {self._setup} --auth token"
        async for finding in self._asked("sign-in", seconds=_PATIENCE_SIGN_IN, otherwise=name):
            found = f"{finding.found}{note}"
            yield Check(name, _state(finding), found, "" if finding.ok else fix, _NOT_ALLOWED)

    # The cluster.

    async def _cluster(self) -> AsyncGenerator[Check]:
        name, workspace, label = "cluster", self._target.workspace, self._target.cluster.get("cluster_name")
        yield Check(name, State.RUNNING)
        found = await workspace.settled_cluster(self._target.cluster_id)
        if found["state"] == "TERMINATED":
            if not await self._request.may_start(str(label)):
                fix = "Start it: dbxwizard dev check --yes, or in the console."
                yield Check(name, State.FAILED, f"{label} is TERMINATED", fix)
                return
            try:
                ended = await change_cluster(
                    workspace,
                    self._target.environment.name,
                    self._target.cluster_id,
                    "start",
                    clock=self._clock,
                    tell=lambda _: None,
                )
            except OperationError as error:
                fix = error.fix or "Ask for Can Restart on it (access_control in the environment's file)."
                yield Check(name, State.FAILED, f"{label} can't be started: {error.message}", fix, error.exit_code)
                return
            found = {"state": ended.state, "state_message": ended.message}
        if found["state"] == "RUNNING":
            yield Check(name, State.OK, f"{label} is RUNNING, Databricks Runtime {self._target.runtime}")
        else:
            words = f"{label} is {found['state']}: {found.get('state_message') or 'no words'}"
            yield Check(name, State.FAILED, words, "See its event log in the workspace.")

    async def _spark(self) -> AsyncGenerator[Check]:
        names = list(_SPARK_CHECKS)
        why = self._why_not(_ENV, "Python", "databricks-connect", "sign-in", "cluster")
        if not why:
            yield Check(names[0], State.RUNNING)
            async for finding in self._asked("spark", seconds=_PATIENCE_SPARK, otherwise=names[0]):
                name = finding.check or names[0]
                if name in names:
                    names.remove(name)
                if _NOT_PLAYED in finding.found:
                    why = finding.found.partition("UNIMPLEMENTED: ")[2]
                    yield Check(name, State.SKIPPED, why)
                    break
                yield self._of_spark(name, finding)
                if finding.ok and names:
                    yield Check(names[0], State.RUNNING)
        for name in names:
            yield Check(name, State.SKIPPED, why or "what comes before it failed")

    def _of_spark(self, name: str, finding: Finding) -> Check:
        if finding.ok:
            return Check(name, State.OK, finding.found)
        if name == "framework there":
            return Check(name, State.FAILED, finding.found, f"dbxwizard dev push -e {self._target.environment.name}")
        if "PERMISSION_DENIED" in finding.found:
            fix = "Ask for Can Attach To on the cluster (access_control in the environment's file)."
            return Check(name, State.FAILED, finding.found, fix, _NOT_ALLOWED)
        fix = "Spark Connect is gRPC on the workspace's port 443: a proxy between has to let HTTP/2 through."
        return Check(name, State.FAILED, finding.found, fix)

    # Telemetry is sent early and looked for late: the service takes its time.

    async def _sent(self) -> AsyncGenerator[Check]:
        name = "telemetry"
        if not self._values.get("APPLICATIONINSIGHTS_CONNECTION_STRING"):
            yield Check(name, State.FAILED, f"{_ENV} has no connection string", f"Write it: {self._setup}")
            return
        if why := self._why_not("Python", "framework here"):
            self._failed.add(name)
            yield Check(name, State.SKIPPED, why)
            return
        yield Check(name, State.RUNNING)
        async for finding in self._asked("telemetry", self._mark, seconds=_PATIENCE_HERE, otherwise=name):
            if not finding.ok:
                fix = f"Install what sends it, and write {_ENV} anew: {self._setup}"
                yield Check(name, State.FAILED, finding.found, fix)

    async def _arrived(self, application: str) -> AsyncGenerator[Check]:
        from dbxwizard.telemetry import Wanted, read

        name, wanted = "telemetry", Wanted(self._began - _SLACK)
        if name in self._failed:
            return
        sent = self._clock.now()
        while self._clock.now() < sent + _PATIENCE_TELEMETRY:
            records = await read(self._connection, application, wanted)
            if any(self._mark in record.text for record in records):
                yield Check(name, State.OK, f"a record of this check arrived: {self._mark}")
                return
            await self._clock.sleep(_PACE)
        found = f"what was sent did not arrive within {_PATIENCE_TELEMETRY / 60:.0f} minutes"
        fix = f"Look whether {_ENV} names the environment's Application Insights: {self._setup}"
        yield Check(name, State.FAILED, found, fix)

    def _why_not(self, *needed: str) -> str:
        broken = [name for name in needed if name in self._failed]
        return f"needs what failed: {', '.join(broken)}" if broken else ""

    async def _asked(self, *words: str, seconds: float, otherwise: str) -> AsyncGenerator[Finding]:
        """What ends a process otherwise is a finding of the check `otherwise`."""
        async with aclosing(self._probe.ask(*words, seconds=seconds)) as findings:
            async for finding in findings:
                yield finding if finding.check else replace(finding, check=otherwise)


def _state(finding: Finding) -> State:
    return State.OK if finding.ok else State.FAILED


def _numbers(version: str) -> tuple[int, ...]:
    """The first two: 17.3."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
