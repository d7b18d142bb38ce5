"""A backend with fixed answers, for pictures: what others named looks like markup."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from dbxwizard.app import DbxWizard, Opening
from dbxwizard.backend import run_model
from dbxwizard.backend.answers import Answers
from dbxwizard.backend.console.board import BoardRow, Drift
from dbxwizard.backend.console.developer_views import TOPIC as DEVELOPER
from dbxwizard.backend.console.developer_views import CheckTold, MachineChecked
from dbxwizard.backend.console.github_runs import WATCHED, Failure, LaunchForm, RunList, WatchedRun
from dbxwizard.backend.console.items import Item
from dbxwizard.backend.console.last_deployment import LastDeployment
from dbxwizard.backend.console.log import LogBatch
from dbxwizard.backend.console.resources import Branch, EnvironmentResources
from dbxwizard.backend.console.telemetry_watch import TOPIC, TelemetryBatch, TelemetryLine, Watch
from dbxwizard.backend.frames import Channel
from dbxwizard.backend.host import Notify, serve
from dbxwizard.backend.views import EventBatch, PlanView, Situation
from dbxwizard.backend.wizard.summary_views import SummaryText
from dbxwizard.core.errors import Forbidden
from dbxwizard.core.journal import JournalRun
from dbxwizard.doctor import Check, Verdict
from dbxwizard.inventory import Cluster
from dbxwizard.screens import deployments, doctor, environments, resources, run_view, runs, telemetry, workflow_run
from tests.screens import canned_github
from tests.screens.canned_runs import EVENTS, NOW, PLAN, RUNS, SUMMARY

_RUN = JournalRun("r1", "deploy", "ada@contoso.example", "partial", NOW - 7300, NOW - 7200, 20, 4)
_CLUSTER = Cluster("[bold]etl[/]", "1", "RUNNING", True, "Standard_D4ds_v5", 2, 12, 0)
_ROWS = (
    BoardRow(
        "Development",
        False,
        "deployed",
        "westeurope",
        "rg-[red]dev[/red]",
        running=(_CLUSTER,),
        clusters=2,
        drift=Drift(2, ("cluster [bold]etl[/]: update", "job [/b]: create"), NOW - 300),
        last=LastDeployment.of_run(_RUN),
        expiring=("client secrets: main-spn until 2027-02-01",),
        at=NOW - 12,
        stale_at=NOW + 60,
    ),
    BoardRow(
        "UAT",
        False,
        "incomplete",
        "westeurope",
        "rg-uat",
        ("Microsoft.KeyVault/vaults/kv[0]",),
        at=NOW - 12,
        stale_at=NOW + 60,
    ),
    BoardRow(
        "PreProduction",
        False,
        "deployed",
        clusters=3,
        at=NOW - 7200,
        stale_at=NOW - 7000,
        failure="arm: http-503: [b]Busy",
    ),
    BoardRow("Production", True, looking=True),
)
_DATABRICKS = (
    Item(
        "cluster",
        "1",
        "[bold]etl[/]",
        "RUNNING",
        "https://adb-1.azuredatabricks.net/compute/clusters/1",
        (("id", "1"),),
    ),
    Item("cluster", "2", "night[/b]", "TERMINATED"),
    Item("job", "7", "[link=x]load", fields=(("tasks", "a, [b]"),)),
)
_AZURE = (
    Item("resource", "/subscriptions/s/x/kv", "kv-[0]", fields=(("type", "Microsoft.KeyVault/vaults"),)),
    Item("resource", "/subscriptions/s/x/st", "st[green]", fields=(("type", "Microsoft.Storage/storageAccounts"),)),
)
_REFUSED = Forbidden(
    "github-forbidden", "Resource not accessible by [b]integration[/]", action="a", scope="s", status=403
)
_CHECKS = [
    Check("Azure sign-in", Verdict.OK, "ada@contoso.example (user, browser) in tenant [t]", at=NOW - 4),
    Check("GitHub token", Verdict.WARNING, "expires at 2027-01-02 10:00:00 UTC", "Make a new one in time.", at=NOW - 3),
    Check(
        "rights for setup",
        Verdict.MISSING,
        "[/red]roleAssignments/write (give roles)",
        "Ask an owner of [sub].",
        at=NOW - 70,
    ),
    Check("quotas", Verdict.UNKNOWN, "timeout: no answer in time", at=NOW - 3600),
]
_VISITED = ("welcome", "sign_in", "custom_role", "service_principals", "github", "environments")
_LEVELS = {3: "WARNING", 9: "ERROR"}
_LINES = tuple(
    (level, f"2026-11-26 10:00:{number % 60:02},000 {level} dbxwizard.requests: GET h /a/[b]{number}[/] 200 3 ms -")
    for number in range(60)
    for level in (_LEVELS.get(number % 10, "INFO"),)
)
TELEMETRY = tuple(
    TelemetryLine(
        level, f"10:00:{number:02} {level:<11} [b]{number * 7} rows[/] of /data[0]  (task [x], run 42)", "4b8"
    )
    for number in range(30)
    for level in (_LEVELS.get(number % 10, "INFORMATION"),)
)
CHECKED = (
    ("Python", "ok", "3.12.1 in [b].venv[/b]", ""),
    ("databricks-connect", "failed", "16.4.2 [/red]", "Update it: dbxwizard dev setup -e [Development]"),
    ("framework there", "skipped", "needs what failed: databricks-connect", ""),
)


@dataclass(frozen=True)
class Canned:
    """As `backend.service.Service`, for the console's modes and the wizard's last pages."""

    answers: Answers
    state: Path
    notify: Notify

    async def situation(self) -> Situation:
        names = tuple(row.name for row in _ROWS)
        return Situation(Path("/project"), True, False, names, True, 0, self.answers)

    async def keep_answers(self, *, answers: Answers) -> None:
        """Nowhere."""

    async def board(self) -> tuple[BoardRow, ...]:
        return _ROWS

    async def resources(self, *, environment: str) -> EnvironmentResources:
        branches = (
            Branch("Azure", items=_AZURE),
            Branch("Databricks", items=_DATABRICKS),
            Branch("GitHub", error=_REFUSED),
        )
        return EnvironmentResources(environment, branches, NOW - 5)

    async def doctor(self, *, part: str = "") -> list[Check]:
        return _CHECKS

    async def log(self, *, after: int) -> LogBatch:
        return LogBatch(_LINES if after < 0 else (), 1, Path("/state/logs/dbxwizard.log"))

    async def history(self, *, limit: int) -> tuple[JournalRun, ...]:
        return RUNS[:limit]

    async def watch_telemetry(self, *, environment: str, watch: Watch) -> None:
        self.notify(TOPIC, TelemetryBatch(watch.key, TELEMETRY, NOW - 3, cut=True))

    async def check_machine(self, *, environment: str, start: bool, asked: str) -> MachineChecked:
        for check in CHECKED:
            self.notify(DEVELOPER, CheckTold(asked, *check))
        return MachineChecked(1, "")

    async def github_runs(self, *, environment: str, branch: str, state: str, places: bool) -> RunList:
        return canned_github.LIST

    async def follow_github_run(self, *, run: int) -> WatchedRun:
        self.notify(WATCHED, canned_github.WATCHED)
        return canned_github.WATCHED

    async def explain_github_run(self, *, run: int) -> tuple[Failure, ...]:
        return canned_github.FAILURES

    async def github_job_log(self, *, job: int) -> Path:
        return canned_github.log(self.state)

    async def github_launch_form(self, *, ref: str = "") -> LaunchForm:
        return canned_github.FORM

    async def plan_next(self) -> PlanView:
        return PLAN

    async def plan_deploy(self, *, environments: tuple[str, ...]) -> PlanView:
        return PLAN

    async def events(self, *, run: str, after: int) -> EventBatch:
        return EVENTS

    async def summary(self) -> SummaryText:
        return SUMMARY

    async def close(self, *, detach: bool) -> None:
        """Nothing runs."""


def stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """For every screen it is NOW, in UTC."""
    clock = SimpleNamespace(time=lambda: NOW, localtime=time.gmtime, strftime=time.strftime)
    for module in (deployments, doctor, environments, resources, run_view, run_model, runs, telemetry, workflow_run):
        monkeypatch.setattr(module, "time", clock)


def program(state: Path, page: str = "") -> DbxWizard:
    """The terminal program on a backend with fixed answers: the console, or the wizard on its `page`."""
    opening = Opening((), state, "wizard" if page else "console", sandbox=True, animated=False)
    answers = Answers(page=page, subscription="[sub]", repo="contoso/[b]lake[/b]", visited=_VISITED if page else ())
    return DbxWizard(opening, lambda: _connect(answers, state))


def _connect(answers: Answers, state: Path) -> Channel:
    (their_reading, our_writing), (our_reading, their_writing) = os.pipe(), os.pipe()
    theirs = Channel(os.fdopen(their_reading, "rb"), os.fdopen(their_writing, "wb"))
    served = serve(theirs, lambda notify: Canned(answers, state, notify))
    threading.Thread(target=lambda: asyncio.run(served), daemon=True).start()
    return Channel(os.fdopen(our_reading, "rb"), os.fdopen(our_writing, "wb"))
