"""The console as it looks, every mode and dialog: small and large, dark and light; names of others look like markup."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import ModalScreen

from dbxwizard.app import DbxWizard
from dbxwizard.clients.run_types import WaitingEnvironment
from dbxwizard.screens.deployments import ChooseScreen, RunScreen
from dbxwizard.screens.dialogs import Question
from dbxwizard.screens.git_token import GitTokenDialog
from dbxwizard.screens.job_log import JobLogScreen
from dbxwizard.screens.launching import LaunchScreen
from dbxwizard.screens.leaving import DevelopingDialog, LeaveDialog, UnsavedDialog
from dbxwizard.screens.picking import Item, Picker
from dbxwizard.screens.reviewing import ReviewDialog
from tests.screens import canned, canned_github
from tests.screens.pictures import Compare, all_looks
from tests.screens.pilots import driven, text, until

Walk = Callable[[Pilot[int]], Awaitable[None]]


async def environments(pilot: Pilot[int]) -> None:
    await until(pilot, lambda: "PreProduction" in text(pilot))


async def deployments(pilot: Pilot[int]) -> None:
    await pilot.press("2")
    await until(pilot, lambda: "partial" in text(pilot))


async def plan(pilot: Pilot[int]) -> None:
    pilot.app.go_deploy(["Development"])  # type: ignore[attr-defined]  # as the board does
    await until(pilot, lambda: "rg-prod" in text(pilot))
    await pilot.press("j", "enter", "j")


async def run(pilot: Pilot[int]) -> None:
    await deployments(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and "✗ failed" in text(pilot))


async def choosing(pilot: Pilot[int]) -> None:
    await deployments(pilot)
    await pilot.press("d")
    await until(pilot, lambda: isinstance(pilot.app.screen, ChooseScreen))
    await pilot.press("space")


async def resources(pilot: Pilot[int]) -> None:
    await pilot.press("3")
    await until(pilot, lambda: "Production" in text(pilot))
    await pilot.press("enter")
    await until(pilot, lambda: "✗ not seen" in text(pilot))
    await pilot.press("j", "j", "j", "j", "j", "j")


async def doctor(pilot: Pilot[int]) -> None:
    await pilot.press("5")
    await until(pilot, lambda: "quotas" in text(pilot))


async def logs(pilot: Pilot[int]) -> None:
    await pilot.press("6")
    await until(pilot, lambda: "[b]59[/]" in text(pilot))
    await pilot.press("slash", *"[b]4", "enter")


async def telemetry(pilot: Pilot[int]) -> None:
    await environments(pilot)
    await pilot.press("t")
    await until(pilot, lambda: "203 rows[/]" in text(pilot))


async def developer(pilot: Pilot[int]) -> None:
    await pilot.press("8")
    await until(pilot, lambda: "environment: Development" in text(pilot))
    await pilot.press("t")
    await until(pilot, lambda: "1 check failed" in text(pilot))


async def github(pilot: Pilot[int]) -> None:
    await pilot.press("7")
    await until(pilot, lambda: "4 runs" in text(pilot))


async def workflow(pilot: Pilot[int]) -> None:
    await github(pilot)
    await pilot.press("j", "enter")
    await until(pilot, lambda: "Azure trusts" in text(pilot))


async def job_log(pilot: Pilot[int]) -> None:
    await workflow(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, JobLogScreen) and pilot.app.screen.view.read)
    await pilot.press("g", "slash", *"[many]", "enter", "g")


async def launching(pilot: Pilot[int]) -> None:
    await github(pilot)
    await pilot.press("u")
    await until(pilot, lambda: "by hand[/red]" in text(pilot))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))


WALKS = (
    *(environments, deployments, plan, run, choosing, resources, doctor, logs, telemetry, developer),
    *(github, workflow, job_log, launching),
)


@pytest.mark.parametrize("walk", WALKS)
async def test_a_mode_looks_as_it_did(
    walk: Walk, tmp_path: Path, compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    canned.stop_the_clock(monkeypatch)
    async with driven(canned.program(tmp_path)) as pilot:
        await walk(pilot)
        compare(await all_looks(pilot))


DIALOGS: dict[str, Callable[[], ModalScreen[Any]]] = {
    "review": lambda: ReviewDialog(
        (*canned_github.WATCHED.waiting, WaitingEnvironment(2, "UAT", True, ("ada",), 0, 0))
    ),
    "dangerous": lambda: Question(
        "This changes [b]Production[/b]",
        "1 create, 2 update, as [/red]ada.",
        (("apply", "Apply"),),
        typed="[Production]",
        dangerous=True,
    ),
    "leaving": LeaveDialog,
    "developing": lambda: DevelopingDialog("running [b]long[/b].py"),
    "unsaved": lambda: UnsavedDialog(("UAT", "[b]Production")),
    "token": lambda: GitTokenDialog("contoso/[b]lake[/b]"),
    "picker": lambda: Picker(
        "A [subscription]",
        [Item("1", "[bold]data[/bold]", "Enabled, [/x]"), Item("2", "[red]lake")],
        "2",
        by_hand="another",
    ),
}


async def test_a_dialog_looks_as_it_did(tmp_path: Path, compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    canned.stop_the_clock(monkeypatch)
    program: DbxWizard = canned.program(tmp_path)
    pictures: dict[str, str] = {}
    async with driven(program) as pilot:
        await doctor(pilot)
        for name, dialog in DIALOGS.items():
            await program.push_screen(dialog())
            pictures |= await all_looks(pilot, name)
            await pilot.press("escape")
        await pilot.press("question_mark")
        pictures |= await all_looks(pilot, "keys")
    compare(pictures)
