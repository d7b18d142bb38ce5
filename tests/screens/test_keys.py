"""The keys that docs/console.md lists are those that the screens declare."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.screen import Screen

from dbxwizard.app import DbxWizard
from dbxwizard.screens.modes import MODES, WIZARD
from dbxwizard.screens.page import Page
from tests.hosting import Hosting
from tests.screens.pilots import driven, text

GUIDE = (Path(__file__).parents[2] / "docs" / "console.md").read_text("utf-8")
SCREENS = {
    "every screen": "page.Page",
    "every page of the wizard": "wizard.WizardPage",
    "a plan, and Review": "deploying.PlanPage",
    "a run, and Apply": "deploying.RunPage",
    "Done": "wizard_pages.done.DonePage",
    "Environments": "environments.EnvironmentsScreen",
    "Deployments": "deployments.DeploymentsScreen",
    "a plan": "deployments.PlanScreen",
    "Resources": "resources.ResourcesScreen",
    "Doctor": "doctor.DoctorScreen",
    "Logs, and Telemetry": "lines_page.LinesPage",
    "Logs": "logs.LogsScreen",
    "Telemetry": "telemetry.TelemetryScreen",
    "Runs": "runs.RunsScreen",
    "Dev": "developer.DeveloperScreen",
    "a run on GitHub": "workflow_run.WorkflowRunScreen",
    "the log of a job": "job_log.JobLogScreen",
    "starting a workflow": "launching.LaunchScreen",
}
_SIGNS = {"slash": "/", "question_mark": "?", "escape": "esc", "ampersand": "&"}


def rows(after: str) -> dict[str, str]:
    """The first two cells of each row of the table below that heading."""
    part = GUIDE.partition(f"## {after}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| ([^|]+?) \| (.+?) \|(?:.*\|)?$", part, re.MULTILINE))


def declared(path: str) -> set[str]:
    """Each key with what it does, as the guide writes it, of the screen's own class."""
    module, _, name = path.rpartition(".")
    screen: type[Screen[object]] = getattr(import_module(f"dbxwizard.screens.{module}"), name)
    bindings = [*vars(screen)["BINDINGS"], *(DbxWizard.BINDINGS if screen is Page else ())]
    return {
        f"{', '.join(f'`{_SIGNS.get(key, key)}`' for key in binding.key.split(','))} {binding.description}"
        for binding in bindings
        if isinstance(binding, Binding) and not binding.action.startswith("go(")
    }


@pytest.mark.parametrize("name", SCREENS)
def test_the_guide_lists_the_keys_of_each_screen(name: str) -> None:
    assert set(rows("Keys")[name].split("; ")) == declared(SCREENS[name])


def test_the_guide_lists_the_modes() -> None:
    assert {key: title for key, title in rows("The console").items() if key.isdigit()} == {
        mode.key: mode.title for mode in (WIZARD, *MODES)
    }


async def test_the_panel_and_the_palette_name_each_action_once(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program(), 100, 60) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        shown = text(pilot)
        assert "Deploy" in shown
        assert "Go to Parameters" in shown
        assert "Focus Next" not in shown
        assert "Next match" not in shown  # nothing is searched on the board
        await pilot.press("escape")
        commands = [one.title for one in pilot.app.get_system_commands(pilot.app.screen)]
    assert len(commands) == len(set(commands))
    assert not [title for title in commands if title.istitle() and " " in title]  # as Textual writes them
    assert {"Parameters", "Deploy", "Copy", "Keys"} <= set(commands)
