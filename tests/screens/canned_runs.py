"""A plan, a run and what it made, for pictures: what others named looks like markup."""

from __future__ import annotations

from collections.abc import Iterator

from dbxwizard.backend.views import EventBatch, PlanView, StepView
from dbxwizard.backend.wizard.summary_views import (
    Link,
    MadeEnvironment,
    NextThing,
    PublishedFiles,
    PublishedValues,
    Summary,
    SummaryText,
)
from dbxwizard.core.change import Action, Reason
from dbxwizard.core.errors import OperationError
from dbxwizard.core.events import (
    Event,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepInfo,
    StepRetried,
    StepSkipped,
    StepStarted,
)
from dbxwizard.core.journal import JournalRun

NOW = 1_800_000_000.0
_WHO = "ada@[contoso].example (user)"
RUNS = (
    JournalRun("run-[b]1", "deploy", _WHO, "partial", NOW - 7300, NOW - 7200, 20, 4),
    JournalRun("run-2", "setup", "[/red]robot", "success", NOW - 90_000, NOW - 89_000, 61, 61),
    JournalRun("run-3", "", _WHO, "planned", NOW - 95_000, NOW - 94_990, 61, 0),
)


def _step(name: str, title: str, action: str = "create", *, environment: str = "Development", **more: str) -> StepView:
    reasons = ("spark_version: 15.4.x → [bold]16.4.x[/]",) if action == "update" else ()
    return StepView(
        id=name,
        title=title,
        resource=f"[{title}]",
        environment=environment,
        action=action,
        reasons=reasons,
        note=more.get("note", ""),
        needs=(),
        known=not more.get("note"),
        not_checked=more.get("not_checked", ""),
        writes=() if action == "none" else (f"POST adb-1.[azure]databricks.net /api/2.1/{name}: makes it so",),
    )


_STEPS = (
    _step("group", "resource group rg-[red]dev[/red]", "none"),
    _step("clusters", "cluster [bold]etl[/]", "update"),
    _step("jobs", "job [/b]", note="known after cluster [bold]etl[/]"),
    _step("group-prod", "resource group rg-prod", environment="Production"),
    _step("grants", "grants of [b]main[/b]", environment="Production", not_checked="[red]reading[/] needs more rights"),
)
PLAN = PlanView("deploy-0123456789ab", "deploy", _WHO, _STEPS, ("UAT",))


def _events() -> Iterator[Event]:
    began = NOW - 100
    yield RunStarted(at=began, run_id="run-[b]1", command="deploy", actor=_WHO, steps=5, changes=3)
    cluster, job, group = (
        {"step": one.id, "title": one.title, "environment": one.environment} for one in (_STEPS[1], *_STEPS[2:4])
    )
    yield StepStarted(at=began + 1, action=Action.CREATE, **group)
    yield StepInfo(at=began + 2, text="[red]in[/red] westeurope", **group)
    yield StepFinished(
        at=began + 5,
        action=Action.CREATE,
        planned=Action.CREATE,
        reasons=(Reason("tags", None, "[a]"),),
        seconds=4.0,
        **group,
    )
    yield StepStarted(at=began + 3, action=Action.UPDATE, **cluster)
    yield StepRetried(at=began + 4, reason="http-503: [b]Busy", delay=2.0, attempt=1, **cluster)
    error = OperationError("quota-exceeded", "no [cores] left in [/b]", fix="Ask for [more], or take a smaller node.")
    yield StepFailed(at=began + 9, error=error, **cluster)
    yield StepSkipped(at=began + 9, because="cluster [bold]etl[/] failed", **job)
    yield RunFinished(at=began + 10, run_id="run-[b]1", status="partial")


EVENTS = EventBatch(tuple(event.to_json() for event in _events()), 9, ended=True)
_PAGE = "https://github.com/contoso/[b]lake[/b]"
SUMMARY = SummaryText(
    Summary(
        Link("contoso/[b]lake[/b]", _PAGE),
        (Link("[red]robot[/]", "https://portal.azure.com/#view/[app]"),),
        (
            MadeEnvironment(
                "Development",
                "deployed",
                "",
                (Link("rg-[red]dev[/red] in the portal", "https://portal.azure.com/#@t/[rg]"),),
                ("kv-[0]", "st"),
                clusters=("[bold]etl[/]",),
                jobs=("[/b]",),
            ),
            MadeEnvironment("Production", "not checked", "[/red] is not allowed", ()),
        ),
        PublishedFiles("[main]", 40, 2, False, Link("pull request #[1]", f"{_PAGE}/pull/1")),
        (PublishedValues("Development", True, ("A", "B"), ("C",)), PublishedValues("Prod[uction]", False)),
        (
            NextThing("Merge [the] pull request", "then [b]main[/b] is deployed", url=f"{_PAGE}/pull/1"),
            NextThing("Look at Production", "its [state] is not known", command="dbxwizard doctor -e [Production]"),
        ),
        "This is the [sandbox].",
    ),
    "# Summary\n",
)
