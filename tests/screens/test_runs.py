"""The mode Runs: what is done there is done on GitHub, and what GitHub says is shown as it says it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from dbxwizard.backend.console import github_runs
from dbxwizard.backend.console.job_log import LogFile
from dbxwizard.sandbox.github import environments, seed
from dbxwizard.sandbox.github.access import add_token
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.tokens import TENANT_ID
from dbxwizard.screens.job_log import JobLogScreen
from dbxwizard.screens.launching import LaunchScreen
from dbxwizard.screens.reviewing import ReviewDialog
from dbxwizard.screens.runs import RunsScreen
from dbxwizard.screens.widgets import Branches, Table
from dbxwizard.screens.workflow_run import WorkflowRunScreen
from tests.github.test_runs import wait
from tests.hosting import Hosting, hosting
from tests.reaching import push
from tests.roads import Road
from tests.screens.faulting import ENDLESS, FAULTS, assert_no_defect, faulty, withstands
from tests.screens.pilots import driven, error, settled, text, until, waits
from tests.screens.test_pasting import paste
from tests.screens.walking import click_on, decide, footer

GREET = """name: Greet [bold]all[/]
run-name: Greet ${{ inputs.to }} [b]x[/b]
on:
  workflow_dispatch:
    inputs:
      to: {type: choice, options: [Development, UAT, Production], required: true, description: 'Where [red]to[/red]'}
      loud: {type: boolean}
      note: {default: hello}
jobs:
  check:
    name: Check
    runs-on: x
    steps:
      - run: |
          echo "::group::Many [b]lines[/b]"
          for i in $(seq 50); do echo "line $i"; done
          echo "::endgroup::"
          printf '\\033[31mred [i]\\033[0m\\n'
      - name: Decide
        env: {NOTE: '${{ inputs.note }}', TO: '${{ inputs.to }}', LOUD: '${{ inputs.loud }}'}
        run: |
          echo "told $NOTE $TO $LOUD"
          if [ "$NOTE" = wrong ]; then
            echo "error: environments/UAT.json: role-not-grantable: it may not give [b]Owner[/b]" >&2
            echo "  → Run setup again." >&2
            exit 7
          fi
  deploy:
    needs: check
    name: ${{ inputs.to }}
    environment: ${{ inputs.to }}
    runs-on: x
    steps: [{run: 'echo deployed'}]
"""
LONG = """name: Long
on: workflow_dispatch
jobs: {sleep: {name: Sleep, runs-on: x, steps: [{name: Nap, run: sleep 300}]}}
"""


@pytest.fixture
def runs(fresh: Road) -> Iterator[Road]:
    """A project whose repository has two workflows, and an environment Production that its owner has to agree to."""
    with fresh.change() as store:
        push(store, {".github/workflows/greet.yml": GREET, ".github/workflows/long.yml": LONG})
        repository = store.get("github.repository", seed.REPOSITORY)
        assert repository
        rules = {**environments.NO_RULES, "reviewers": [{"type": "User", "id": seed.ACCOUNT_ID}]}
        made = {"name": "Production", "id": 4711, "createdAt": 0.0, "updatedAt": 0.0, **rules}
        store.put("github.environment", environments.key(repository, "Production"), made)
    yield fresh
    wait()


@pytest.fixture
def host_runs(runs: Road) -> Iterator[Hosting]:
    with hosting(runs.folder) as host:
        decide(host, "review")
        yield host


def github(road: Road) -> list[Document]:
    """The runs, the newest first."""
    with road.store() as store:
        return store.all("github.run")[::-1]


async def shows(pilot: Pilot[int], *words: str) -> None:
    await until(pilot, lambda: all(word in text(pilot) for word in words))


async def opened(pilot: Pilot[int], screen: type[Any]) -> Any:
    await until(pilot, lambda: isinstance(pilot.app.screen, screen) and pilot.app.screen.is_mounted)
    await pilot.pause()
    return pilot.app.screen


async def launch(pilot: Pilot[int], workflow: str, *keys: str) -> WorkflowRunScreen:
    """From the list, by keys: chooses the workflow, answers its form with `keys`, starts it; its run."""
    await opened(pilot, RunsScreen)
    await pilot.press("u")
    await shows(pilot, "Start which workflow")
    await pilot.press(*workflow, "enter")
    await opened(pilot, LaunchScreen)
    await pilot.press(*keys, "ctrl+g")
    if "Production" in text(pilot) and not isinstance(pilot.app.screen, LaunchScreen | WorkflowRunScreen):
        await pilot.press(*"Production", "enter", "enter")
    screen: WorkflowRunScreen = await opened(pilot, WorkflowRunScreen)
    return screen


async def listed(pilot: Pilot[int]) -> None:
    await pilot.press("7")
    await opened(pilot, RunsScreen)
    await until(pilot, lambda: "seen" in text(pilot))


async def test_a_workflow_is_started_by_a_form_and_watched_to_its_end(host_runs: Hosting, runs: Road) -> None:
    async with driven(host_runs.program(first="console"), 100, 40) as pilot:
        await listed(pilot)
        await shows(pilot, "Nothing has run yet", "requests left")
        await pilot.press("u")
        await shows(pilot, "Greet [bold]all[/]  greet.yml")
        await paste(pilot, "\ngreet.yml\r\n")
        await pilot.press("enter")
        await opened(pilot, LaunchScreen)
        await shows(pilot, "Where [red]to[/red]", "● Development", "○ Production  ⚠ production")
        await pilot.press("shift+tab", "ctrl+u")
        await paste(pilot, "main\n")
        await pilot.press("tab", "j", "space", "tab", "j", "space", "tab", *"!")
        await paste(pilot, " and\r\n  [b]more[/b]\n")
        await pilot.press("ctrl+g")
        await opened(pilot, WorkflowRunScreen)
        await shows(pilot, "Greet UAT [b]x[/b]", "✓ Check ─▶ ✓ UAT", "✓ success  UAT", "after Check", "over")
        [run] = github(runs)
        assert (run["event"]["inputs"], run["conclusion"]) == (
            {"to": "UAT", "loud": "true", "note": "hello! and [b]more[/b]"},
            "success",
        )
        await pilot.press("escape")
        await shows(pilot, "✓ success", "UAT", "main")


async def test_by_mouse_alone_a_workflow_is_started_and_its_log_read(host_runs: Hosting, runs: Road) -> None:
    async with driven(host_runs.program(first="console"), 100, 40) as pilot:
        await listed(pilot)
        await footer(pilot, "u Launch")
        await click_on(pilot, "Greet [bold]all[/]")
        await opened(pilot, LaunchScreen)
        await click_on(pilot, "○ UAT")
        await footer(pilot, "^g Start")
        await opened(pilot, WorkflowRunScreen)
        await shows(pilot, "✓ success  UAT", "over")
        await pilot.resize_terminal(80, 24)
        await click_on(pilot, "✓ success  UAT")
        await opened(pilot, JobLogScreen)
        await shows(pilot, "deployed")
        await footer(pilot, "Back")
        await opened(pilot, WorkflowRunScreen)
        await footer(pilot, "Back")
        await opened(pilot, RunsScreen)
    [run] = github(runs)
    assert (run["event"]["inputs"]["to"], run["conclusion"]) == ("UAT", "success")


async def test_runs_are_listed_by_environment_branch_and_state(host_runs: Hosting) -> None:
    async with driven(host_runs.program(first="console"), 120, 30) as pilot:
        await listed(pilot)
        for answers in ((), ("j", "space", "tab", "tab", *"\b" * 5, "ctrl+u", *"wrong")):
            await launch(pilot, "greet", *answers)
            await shows(pilot, "over")
            await pilot.press("escape")
            await opened(pilot, RunsScreen)
        table = pilot.app.screen.query_one(Table)
        await until(pilot, lambda: table.row_count == 2 and "Development" in text(pilot))
        for key, chosen, count in (
            ("e", "uat", 0),
            ("e", "dev", 1),
            ("e", "any", 2),
            ("s", "failed", 1),
            ("b", "main", 1),
        ):
            await pilot.press(key)
            await shows(pilot, "Runs of which")
            await pilot.press(*chosen, "enter")
            await until(pilot, lambda count=count: table.row_count == count)  # type: ignore[misc]
        await shows(pilot, "branch: main", "state: failed", "✗ failed", "Greet UAT [b]x[/b]")
        await pilot.press("slash", *"nothing", "enter")
        await shows(pilot, "No run fits")


async def test_what_failed_comes_first_and_is_run_again(host_runs: Hosting, runs: Road) -> None:
    async with driven(host_runs.program(first="console"), 100, 40) as pilot:
        await listed(pilot)
        await launch(pilot, "greet", "tab", "tab", "ctrl+u", *"wrong")
        await shows(
            pilot,
            "✗ failed  Check / Decide",
            "role-not-grantable: it may not give [b]Owner[/b]",
            "→ Run setup again.",
            "○ skipped  deploy",
        )
        assert text(pilot).index("→ Run setup again.") < text(pilot).index("▼ ✗ failed  Check")
        await pilot.press("F", "enter")  # Cancel has the focus
        await opened(pilot, WorkflowRunScreen)
        assert github(runs)[0]["attempt"] == 1
        await pilot.press("F", "tab", "enter")
        await shows(pilot, "attempt 2", "over", "→ Run setup again.")
        await pilot.press("R", "tab", "enter")
        await shows(pilot, "attempt 3", "over")
        assert github(runs)[0]["attempt"] == 3


async def test_production_is_approved_by_who_types_its_name(host_runs: Hosting, runs: Road) -> None:
    async with driven(host_runs.program(first="console"), 100, 30) as pilot:
        await listed(pilot)
        await launch(pilot, "greet", "j", "j", "space")
        await shows(pilot, "! waiting: Production for ada", "a approves or rejects")
        await pilot.press("a")
        await opened(pilot, ReviewDialog)
        await pilot.press(*"fine [b]by me", "enter", "enter")  # goes to Cancel
        await opened(pilot, WorkflowRunScreen)
        assert github(runs)[0]["status"] != "completed"
        await pilot.press("a")
        await opened(pilot, ReviewDialog)
        await pilot.press(*"fine [b]by me", "tab", "tab", "tab", "enter")
        await shows(pilot, "To go on, type Production")
        await pilot.press(*"Production", "enter", "enter")
        await shows(pilot, "✓ success  Production", "over")
    with runs.store() as store:
        [review] = store.all("github.review")
    assert (review["state"], review["comment"]) == ("approved", "fine [b]by me")


async def test_what_waits_is_rejected(host_runs: Hosting, runs: Road) -> None:
    async with driven(host_runs.program(first="console"), 80, 24) as pilot:
        await listed(pilot)
        await launch(pilot, "greet", "j", "j", "space")
        await shows(pilot, "! waiting: Production")
        await pilot.press("a")
        await opened(pilot, ReviewDialog)
        await pilot.press("tab", "enter")
        await shows(pilot, "✗ failed  Production", "over")
        await click_on(pilot, "✗ failed  Production", lowest=True)
        await opened(pilot, JobLogScreen)
        await shows(pilot, "ended before its first step")
    assert github(runs)[0]["conclusion"] == "failure"


async def test_a_run_is_cancelled_and_has_its_steps_until_there_is_a_log(host_runs: Hosting, runs: Road) -> None:
    async with driven(host_runs.program(first="console"), 80, 24) as pilot:
        await listed(pilot)
        await launch(pilot, "long")
        await shows(pilot, "▶ running  Nap")
        await pilot.press("g", "enter")
        await opened(pilot, JobLogScreen)
        await shows(pilot, "GitHub gives a job's log when the job has ended", "▶ running  Nap")
        await pilot.press("escape")
        await opened(pilot, WorkflowRunScreen)
        tree: Branches[Any] = pilot.app.screen.query_one(Branches)
        await pilot.press("g", "space")  # what is closed stays closed
        await pilot.press("c", "tab", "enter")
        await shows(pilot, "■ cancelled  Long", "over")
        assert not tree.root.children[0].is_expanded
    assert github(runs)[0]["conclusion"] == "cancelled"


async def test_read_only_starts_nothing(runs: Road) -> None:
    with hosting(runs.folder) as host:
        decide(host, "review")
        async with driven(host.program("--read-only", first="console"), 100, 30) as pilot:
            await listed(pilot)
            await pilot.press("u")
            await shows(pilot, "Start which workflow")
            await pilot.press(*"greet", "enter")
            await opened(pilot, LaunchScreen)
            await pilot.press("ctrl+g")
            await until(pilot, lambda: "read-only" in error(pilot))
    assert github(runs) == []


@pytest.fixture
def ran(runs: Road) -> Road:
    """With a run that has ended."""
    given = ("--repo", seed.REPOSITORY, "-i", "to=Development", "--follow")
    assert runs.run("runs", "launch", "greet.yml", *given).code == 0
    return runs


async def test_a_token_for_runs_alone_sees_them(ran: Road) -> None:
    """Neither the workflow's file nor the deployments: what is still to come and the environments are not told."""
    with ran.change() as store:
        may = {"actions": "write", "metadata": "read"}
        add_token(store, "github_pat_runs", "ada", kind="fine-grained", permissions=may)
        repository = store.get("github.repository", seed.REPOSITORY) or {}
        store.put("github.repository", seed.REPOSITORY, {**repository, "private": True})
    with hosting(ran.folder, GH_TOKEN="github_pat_runs", AZURE_TENANT_ID=TENANT_ID) as host:
        decide(host, "review")
        async with driven(host.program(first="console"), 120, 30) as pilot:
            await listed(pilot)
            await shows(pilot, "✓ success", "Greet Development [b]x[/b]")
            await pilot.press("enter")
            await shows(pilot, "✓ success  Check", "✓ success  Development", "over")
            assert "after Check" not in text(pilot)
            assert not error(pilot)


async def test_a_log_is_grouped_coloured_searched_copied_and_saved(host_runs: Hosting) -> None:
    async with driven(host_runs.program(first="console"), 80, 24) as pilot:
        await listed(pilot)
        await launch(pilot, "greet")
        await shows(pilot, "over")
        await pilot.press("g", "enter")
        screen = await opened(pilot, JobLogScreen)
        await until(pilot, lambda: screen.view.read)
        await shows(pilot, "▾ Many [b]lines[/b]", "  line 1")
        await pilot.press("z")
        await shows(pilot, "▸ Many [b]lines[/b]", "red [i]", "told hello Development false")
        assert "line 1" not in text(pilot)
        await pilot.press("slash", *"LINE 4", "enter")
        await shows(pilot, "▾ Many [b]lines[/b]", "  line 4\n")
        await pilot.press("n")
        await shows(pilot, "  line 40")
        await pilot.press("N", "t")
        await until(pilot, lambda: any(line[2:3] == ":" and "line 4" in line for line in text(pilot).splitlines()))
        await pilot.press("y")
        assert "line 4" in pilot.app.clipboard
        assert "\x1b" not in pilot.app.clipboard
        await pilot.press("Y")
        [saved] = (host_runs.folder / ".state" / "exports").glob("job-*.log")
        assert "line 50\n" in saved.read_text("utf-8")
        [kept] = (host_runs.folder / ".state" / "github-logs").iterdir()
        assert kept.stat().st_mode & 0o777 == 0o600
        assert kept.read_bytes() == saved.read_bytes()


async def test_each_fault_of_github_is_told_and_passes(ran: Road, restless: None) -> None:
    """The list, a run, and the log of its job, each with every fault."""
    with hosting(ran.folder) as host:
        decide(host, "review")
        await _with_every_fault(host, ran)


async def _with_every_fault(host: Hosting, ran: Road) -> None:
    async with driven(host.program(first="wizard"), 120, 40) as pilot:
        await pilot.press("7")

        async def again() -> None:
            await pilot.press("r")

        def told() -> bool:
            return "→" in error(pilot)

        await until(pilot, lambda: "Greet Development" in text(pilot) and "seen" in text(pilot))
        await withstands(pilot, ran, again, told, lambda: "Greet Development" in text(pilot), service="github")
        await pilot.press("enter")
        await until(pilot, lambda: "over" in text(pilot))

        def given_up() -> bool:
            return told() and "not followed any more: r looks again" in text(pilot)

        await withstands(pilot, ran, again, given_up, lambda: "over" in text(pilot), service="github")
        assert "✓ success  Check" in text(pilot)
        for name in (*ENDLESS, *FAULTS):
            with faulty(ran, name, service="github"):
                await pilot.press("g", "enter")
                await until(pilot, lambda: isinstance(pilot.app.screen, JobLogScreen))
                if name != "stale":
                    await until(pilot, told)
                    assert "✓ success  Decide" in text(pilot)  # its steps are known all the same
                await settled(pilot)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(pilot.app.screen, WorkflowRunScreen))
        await pilot.press("g", "enter")
        await until(pilot, lambda: "▾ Many [b]lines[/b]" in text(pilot))
        await pilot.press("G")
        await until(pilot, lambda: "told hello Development" in text(pilot))
        assert not error(pilot)
    assert_no_defect(ran)


async def test_a_look_that_fails_is_told_until_github_answers_again(host_runs: Hosting, runs: Road) -> None:
    async with driven(host_runs.program(first="console"), 80, 24) as pilot:
        await listed(pilot)
        await launch(pilot, "greet", "j", "j", "space")
        await shows(pilot, "! waiting: Production", "live, seen")
        with faulty(runs, "503", service="github"):
            await shows(pilot, "↻ trying again since", "↻ last seen", "github-unavailable", "! waiting: Production")
            assert "live" not in text(pilot)
        await shows(pilot, "live, seen")
        assert "trying again" not in text(pilot)
        assert not error(pilot)
        await pilot.press("a", "tab", "enter")
        await shows(pilot, "✗ failed  Production", "over")
    assert github(runs)[0]["conclusion"] == "failure"


async def test_github_that_never_answers_holds_up_nobody(
    host_runs: Hosting, runs: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github_runs, "_LATE", 0.0)
    program = host_runs.program(first="console")
    async with driven(program, 80, 24) as pilot:
        await listed(pilot)
        await launch(pilot, "greet", "j", "j", "space")
        await shows(pilot, "! waiting: Production")
        await pilot.press("escape")
        await shows(pilot, "Greet Production")
        await pilot.press("enter")
        await shows(pilot, "! waiting: Production", "live, seen")
        with faulty(runs, "endless", service="github"):
            await shows(pilot, "stale, no answer yet", "! waiting: Production")
            await pilot.press("r")
            await shows(pilot, "… asking GitHub", "! waiting: Production")
            await pilot.press("escape")
            await opened(pilot, RunsScreen)
            await shows(pilot, "stale, no answer yet", "Greet Production")
            await pilot.press("r")
            await until(pilot, lambda: waits(pilot) == "asking GitHub")
            await pilot.press("slash", *"nothing", "enter")
            await shows(pilot, "No run fits")
            await pilot.press("slash", "ctrl+u", "enter", "enter")
            await opened(pilot, WorkflowRunScreen)
            await shows(pilot, "Greet Production", "… asking GitHub")
            await pilot.press("6")
            await shows(pilot, "lines")
            await pilot.press("q")
    assert program.return_code == 0
    host_runs.join()


def test_only_what_is_shown_of_a_log_is_read(tmp_path: Path) -> None:
    """50 MB: what is held does not grow with it."""
    path = tmp_path / "job.log"
    line = b"2026-09-01T08:00:00.1234567Z " + b"x" * 70 + b"\n"
    with path.open("wb") as file:
        for _ in range(500):
            file.write(line * 1000)
        file.write(b"2026-09-01T08:00:00.1234567Z the end")
    log = LogFile(path)
    tracemalloc.start()
    while log.grow(whole=True):
        pass
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert log.lines == 500_001
    assert log.read(500_000, 1)[0].endswith("the end")
    assert held < 1_000_000
    assert most < 5_000_000
    assert [found for found in log.find("THE END", 0, 1) if found is not None] == [500_000]
    log.close()
