"""What of each screen is tried by keys, mouse, paste and resize; and that a screen is whole at any size."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.screens import canned
from tests.screens.pilots import driven, text
from tests.screens.test_console_pictures import (
    doctor,
    environments,
    job_log,
    logs,
    resources,
    workflow,
)

TESTS = Path(__file__).parents[1]
HERE = "screens/test_overview.py::test_a_screen_is_whole_at_any_size"
ANY = "screens/test_pasting.py::test_what_is_looked_for_in_a_plan"  # the line of `/`
# screen → by keys, by mouse, pasted, resized; each a test that ends on the sandbox's state or a file, but HERE.
TRIED = {
    "wizard": (
        "screens/test_whole_wizard.py::test_by_keyboard_alone",
        "screens/test_whole_wizard.py::test_by_mouse_alone",
        "screens/test_pasting.py::test_a_token_is_checked_and_never_shown",
        "screens/test_pasting.py::test_a_subscription_that_is_in_no_list",
    ),
    "environments": (
        "screens/test_environments.py::test_enter_opens_the_resources_and_d_hands_over_what_was_selected",
        "screens/test_mouse.py::test_the_board",
        ANY,
        HERE,
    ),
    "deployments": (
        "screens/test_deploying.py::test_a_run_is_cancelled_and_running_again_completes_it",
        "screens/test_mouse.py::test_a_deployment_from_the_first_click_to_its_history",
        "screens/test_pasting.py::test_a_name_is_pasted_where_it_has_to_be_typed",
        "screens/test_mouse.py::test_a_deployment_from_the_first_click_to_its_history",
    ),
    "resources": (
        "screens/test_resources.py::test_a_cluster_is_stopped_and_started_in_earnest",
        "screens/test_mouse.py::test_a_cluster_is_looked_at_and_stopped",
        "screens/test_pasting.py::test_a_name_is_pasted_where_it_has_to_be_typed",
        HERE,
    ),
    "parameters": (
        "editor/test_editor.py::test_a_field_is_written_and_saved_after_a_look_at_the_diff",
        "editor/test_editor.py::test_the_mouse_opens_files_containers_and_values",
        "editor/test_editor.py::test_a_paste_gets_the_files_line_ends_and_is_one_step",
        "editor/test_editor.py::test_a_resized_terminal_shows_both_sides_or_one",
    ),
    "matrix": (
        "editor/test_matrix.py::test_a_value_is_copied_to_all_others_and_saved",
        "editor/test_matrix.py::test_by_mouse_alone_a_value_is_written_pasted_and_copied",
        "editor/test_matrix.py::test_by_mouse_alone_a_value_is_written_pasted_and_copied",
        "editor/test_matrix.py::test_by_mouse_alone_a_value_is_written_pasted_and_copied",
    ),
    "doctor": (
        "screens/test_program.py::test_one_check_is_made_again_and_each_tells_its_age",
        "screens/test_mouse.py::test_doctor_checks_again_what_is_clicked_on",
        ANY,
        HERE,
    ),
    "logs": (
        "screens/test_logs.py::test_the_log_is_followed_filtered_searched_and_saved",
        "screens/test_mouse.py::test_the_wheel_turns_the_log_and_what_comes_leaves_the_reader_alone",
        ANY,
        HERE,
    ),
    "telemetry": (
        "screens/test_telemetry.py::test_what_code_tells_is_followed_by_level_and_commit_and_saved",
        "screens/test_telemetry.py::test_from_the_logs_by_mouse_and_what_fails_is_told",
        ANY,
        "screens/test_telemetry.py::test_from_the_logs_by_mouse_and_what_fails_is_told",
    ),
    "runs": (
        "screens/test_runs.py::test_a_workflow_is_started_by_a_form_and_watched_to_its_end",
        "screens/test_runs.py::test_by_mouse_alone_a_workflow_is_started_and_its_log_read",
        ANY,
        "screens/test_runs.py::test_by_mouse_alone_a_workflow_is_started_and_its_log_read",
    ),
    "workflow_run": (
        "screens/test_runs.py::test_production_is_approved_by_who_types_its_name",
        "screens/test_runs.py::test_by_mouse_alone_a_workflow_is_started_and_its_log_read",
        ANY,
        HERE,
    ),
    "job_log": (
        "screens/test_runs.py::test_a_log_is_grouped_coloured_searched_copied_and_saved",
        "screens/test_runs.py::test_by_mouse_alone_a_workflow_is_started_and_its_log_read",
        ANY,
        HERE,
    ),
    "launching": (
        "screens/test_runs.py::test_what_failed_comes_first_and_is_run_again",
        "screens/test_runs.py::test_by_mouse_alone_a_workflow_is_started_and_its_log_read",
        "screens/test_runs.py::test_a_workflow_is_started_by_a_form_and_watched_to_its_end",
        "screens/test_runs.py::test_by_mouse_alone_a_workflow_is_started_and_its_log_read",
    ),
    "developer": (
        "screens/test_developer.py::test_a_script_is_run_with_its_words_and_ends_as_it_ends",
        "screens/test_developer.py::test_a_run_that_is_cancelled_here_is_cancelled_there",
        "screens/test_developer.py::test_a_script_is_run_with_its_words_and_ends_as_it_ends",
        "screens/test_developer.py::test_a_run_that_is_cancelled_here_is_cancelled_there",
    ),
}
# Screens that are parts or the beginnings of others: pages without anything of their own to be done.
PARTS = {"deploying", "lines_page", "opening", "page"}

EDITOR = {"parameters", "matrix"}  # a screen of Textual's own, with views


def test_every_screen_has_its_line() -> None:
    folder = TESTS.parent / "screens"
    with_pages = {
        path.stem
        for path in folder.glob("*.py")
        if re.search(r"^class \w+\((?:\w+, )*(?:\w*Page|Screen\[.*\])\)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert set(TRIED) - EDITOR == with_pages - PARTS


@pytest.mark.parametrize("screen", TRIED)
def test_what_is_said_to_be_tried_is(screen: str) -> None:
    for named in TRIED[screen]:
        path, _, test = named.partition("::")
        assert f"def {test}(" in (TESTS / path).read_text("utf-8"), named


WALKS = (environments, resources, doctor, logs, workflow, job_log)
SIZES = ((200, 60), (40, 15), (80, 24))


@pytest.mark.parametrize("walk", WALKS)
async def test_a_screen_is_whole_at_any_size(
    walk: Callable[[Pilot[int]], Awaitable[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its edges stay, with the key that names the others, and what is saved is the same whatever the size."""
    canned.stop_the_clock(monkeypatch)
    async with driven(canned.program(tmp_path), 100, 30) as pilot:
        await walk(pilot)
        before = await saved(pilot, tmp_path)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            lines = text(pilot).splitlines()
            assert len(lines) == height
            assert "SANDBOX" in lines[0]
            assert "? Keys" in lines[-1], (width, lines[-1])
            assert await saved(pilot, tmp_path) == before


async def saved(pilot: Pilot[int], state: Path) -> dict[str, str]:
    """What `Y` writes."""
    await pilot.press("Y")
    await pilot.pause()
    exports = state / "exports"
    return {path.name: path.read_text("utf-8") for path in exports.iterdir()} if exports.is_dir() else {}
