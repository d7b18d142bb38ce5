"""Somebody else writes the files while they are edited."""

from __future__ import annotations

from pathlib import Path

from dbxwizard.screens.bars import ErrorBar
from tests.editor.conftest import Editing, editing, filled
from tests.editor.test_editor import DEVELOPMENT, content, path_of


async def region(editor: Editing, name: str) -> None:
    await editor.go_to("Location")
    await editor.press("enter", *name, "enter")


async def look(editor: Editing) -> None:
    await editor.press("r")
    await editor.settled()


async def test_a_change_outside_is_taken_over_where_nothing_was_changed_here(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        path_of(project_folder).write_text(DEVELOPMENT.replace('"uksouth"', '"ukwest"'))
        await look(editor)
        row = next(row for row in editor.form.rows if row.path == ("Location",))
        assert row.value == "ukwest"
        await editor.press("u")
        await editor.save()

    assert content(project_folder) == DEVELOPMENT


async def test_changes_of_different_values_are_merged(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await region(editor, "ukwest")
        path_of(project_folder).write_text(DEVELOPMENT.replace('"RetentionDays": 30', '"RetentionDays": 60'))
        await look(editor)
        await editor.save()

    expected = DEVELOPMENT.replace('"uksouth"', '"ukwest"').replace('"RetentionDays": 30', '"RetentionDays": 60')
    assert content(project_folder) == expected


async def test_the_same_value_is_asked_about_and_theirs_is_taken(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await region(editor, "ukwest")
        path_of(project_folder).write_text(DEVELOPMENT.replace('"uksouth"', '"westeurope"'))
        await look(editor)
        assert "both changed Location" in editor.screen_text()
        assert "ukwest" in editor.screen_text()
        assert "westeurope" in editor.screen_text()
        await editor.pilot.click("#theirs")
        await editor.settled()
        assert not editor.page.session.changed

    assert content(project_folder) == DEVELOPMENT.replace('"uksouth"', '"westeurope"')


async def test_ones_own_can_be_kept(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await region(editor, "ukwest")
        path_of(project_folder).write_text(DEVELOPMENT.replace('"uksouth"', '"westeurope"') + "// theirs\n")
        await look(editor)
        await editor.press("right", "enter")
        await editor.save()

    assert content(project_folder) == DEVELOPMENT.replace('"uksouth"', '"ukwest"') + "// theirs\n"


async def test_a_decision_can_wait_and_nothing_is_overwritten(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await region(editor, "ukwest")
        theirs = DEVELOPMENT.replace('"uksouth"', '"westeurope"')
        path_of(project_folder).write_text(theirs)
        await look(editor)
        await editor.press("escape")
        await look(editor)
        assert "both changed" not in editor.screen_text()
        await editor.save()
        await editor.settled()

        assert "file-changed" in editor.page.query_one(ErrorBar).text
        assert "both changed Location" in editor.screen_text()
        assert content(project_folder) == theirs


async def test_a_change_between_the_diff_and_saving_is_not_lost(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await region(editor, "ukwest")
        await editor.press("ctrl+o")
        path_of(project_folder).write_text(DEVELOPMENT.replace('"RetentionDays": 30', '"RetentionDays": 60'))
        await editor.press("enter")
        await editor.settled()
        assert '"RetentionDays": 60' in editor.page.session.text
        await editor.save()

    expected = DEVELOPMENT.replace('"uksouth"', '"ukwest"').replace('"RetentionDays": 30', '"RetentionDays": 60')
    assert content(project_folder) == expected


async def test_a_deleted_file_can_be_made_anew(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        path_of(project_folder).unlink()
        await look(editor)
        assert "gone from the disk" in editor.screen_text()
        await editor.press("right", "enter")
        await editor.save()

    assert content(project_folder) == DEVELOPMENT


async def test_a_file_that_became_unreadable_is_said_and_the_text_stays(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        path_of(project_folder).write_bytes(b"\xff\xff")
        await look(editor)

        assert "not-text" in editor.page.query_one(ErrorBar).text
        assert editor.page.session.text == DEVELOPMENT
    assert path_of(project_folder).read_bytes() == b"\xff\xff"


async def test_another_files_change_is_taken_over_too(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.settled()
        path_of(project_folder, "UAT").write_text(filled("UAT").replace('"uksouth"', '"ukwest"'))
        await look(editor)
        await editor.press("right_square_bracket")

        assert "ukwest" in editor.screen_text()


async def test_nothing_changes_behind_an_open_dialog(project_folder: Path) -> None:
    async with editing(project_folder) as editor:
        await editor.go_to("Clusters", 1, "cluster_name")
        await editor.press("enter", "x")
        start = DEVELOPMENT.index('    {\n      "cluster_name": "dbx-sp-cluster",')
        end = DEVELOPMENT.index('    {\n      "cluster_name": "dbx-sp-cluster2"')
        path_of(project_folder).write_text(DEVELOPMENT[:start] + DEVELOPMENT[end:])
        editor.page.action_look()
        await editor.settled()
        assert editor.page.session.text == DEVELOPMENT
        await editor.press("enter")
        await look(editor)
        await editor.save()

    theirs = DEVELOPMENT[:start] + DEVELOPMENT[end:]
    assert content(project_folder) == theirs.replace('"cluster_name": "dbx-sp-cluster2"', '"cluster_name": "x"')


async def test_a_change_outside_is_seen_in_the_matrix(project_folder: Path) -> None:
    async with editing(project_folder, width=120) as editor:
        await editor.press("m")
        path_of(project_folder, "UAT").write_text(filled("UAT").replace('"uksouth"', '"ukwest"'))
        await look(editor)

        assert "ukwest" in editor.screen_text()
