"""All environments side by side."""

from __future__ import annotations

from pathlib import Path

from textual import events

from dbxwizard.parameters.editing.matrix import Key
from dbxwizard.screens.editing.matrix_view import MatrixView
from dbxwizard.screens.matrix import MatrixScreen
from tests.editor.conftest import Editing, editing, filled
from tests.editor.test_editor import content

NAMES = ("Development", "UAT", "PreProduction", "Production")


async def at(editor: Editing, key: Key, column: int = 0) -> None:
    """Opens the matrix there."""
    if not isinstance(editor.pilot.app.screen, MatrixScreen):
        await editor.press("m")
    view = editor.pilot.app.screen.query_one(MatrixView)
    view.column = column
    view.place = next(place for place, row in enumerate(view.rows) if row.key == key)
    await editor.settled()


async def test_a_value_is_copied_to_all_others_and_saved(project_folder: Path) -> None:
    async with editing(project_folder, width=120, height=40) as editor:
        await at(editor, ("Resources", "KeyVault"))
        await editor.press("enter")
        await at(editor, ("Resources", "KeyVault", "Sku"), 3)
        await editor.press("c", "enter")
        await editor.save()

    for name in NAMES:
        vault = filled(name).index('"KeyVault": {')
        old = filled(name)
        assert content(project_folder, name) == old[:vault] + old[vault:].replace(
            '"Sku": "standard"', '"Sku": "premium"', 1
        )


async def test_some_files_can_be_left_out(project_folder: Path) -> None:
    async with editing(project_folder, width=120, height=40) as editor:
        await at(editor, ("Location",))
        await editor.press("enter", *"ukwest", "enter", "c", "space", "enter")
        await editor.save()

    changed = [name for name in NAMES if '"ukwest"' in content(project_folder, name)]
    assert changed == ["Development", "PreProduction", "Production"]


async def test_by_mouse_alone_a_value_is_written_pasted_and_copied(project_folder: Path) -> None:
    async with editing(project_folder, width=80, height=24) as editor:
        await at(editor, ("Environment",))
        await editor.pilot.resize_terminal(140, 40)
        await editor.settled()
        lines = editor.screen_text().splitlines()
        row = next(row for row, line in enumerate(lines) if "Location" in line)
        await editor.pilot.click(offset=(lines[row].index("uksouth"), row), times=2)
        await editor.settled()
        editor.pilot.app.post_message(events.Paste("ukwest"))
        await editor.settled()
        await editor.press("enter")
        keys = editor.screen_text().splitlines()[-1]
        await editor.pilot.click(offset=(keys.index("c Copy"), 39))
        await editor.settled()
        await editor.pilot.click("#copy")
        await editor.settled()
        await editor.save()

    assert all('"ukwest"' in content(project_folder, name) for name in NAMES)


async def test_an_entry_is_copied_to_a_file_that_lacks_it(project_folder: Path) -> None:
    async with editing(project_folder, width=120, height=40) as editor:
        await at(editor, ("Clusters", "dbx-sp-cluster2"))
        await editor.press("c", "enter")
        await editor.save()

    assert '"cluster_name": "dbx-sp-cluster2"' in content(project_folder, "Production")


async def test_a_field_of_an_entry_that_a_file_lacks_is_refused(project_folder: Path) -> None:
    async with editing(project_folder, width=120, height=40) as editor:
        await at(editor, ("Clusters", "dbx-sp-cluster2"))
        await editor.press("enter")
        await at(editor, ("Clusters", "dbx-sp-cluster2", "runtime_engine"))
        await editor.press("c", "enter")

        assert "copy that entry as a whole first" in editor.screen_text()
        assert not editor.page.project.changed


async def test_a_copy_is_undone_in_every_file(project_folder: Path) -> None:
    async with editing(project_folder, width=120, height=40) as editor:
        await at(editor, ("Resources", "Tags"))
        await editor.press("c", "enter")
        assert len(editor.page.project.changed) == 3
        await editor.press("u")
        assert not editor.page.project.changed
        await editor.press("escape")

    assert content(project_folder, "UAT") == filled("UAT")


async def test_differences_alone_and_what_a_filter_finds(project_folder: Path) -> None:
    async with editing(project_folder, width=120, height=40) as editor:
        await at(editor, ("Location",))
        await editor.press("o")
        view = editor.pilot.app.screen.query_one(MatrixView)
        assert view.rows
        assert all(row.differs for row in view.rows)
        await editor.press("o", "slash", *"locat", "enter")
        assert [row.key for row in view.rows] == [("Location",)]


async def test_what_is_changed_here_is_in_the_editor_too(project_folder: Path) -> None:
    async with editing(project_folder, width=120, height=40) as editor:
        await at(editor, ("Location",))
        await editor.press("enter", *"ukwest", "enter", "escape")
        await editor.settled()

        assert '"ukwest"' in editor.text.text
        row = next(row for row in editor.form.rows if row.path == ("Location",))
        assert row.value == "ukwest"


async def test_forty_columns_show_one_environment_after_the_other(project_folder: Path) -> None:
    async with editing(project_folder, width=40, height=20) as editor:
        await at(editor, ("Environment",))
        assert "1–2 of 4" in editor.screen_text()
        await editor.press("l", "l", "l")
        assert "Production" in editor.screen_text().splitlines()[1]


async def test_a_broken_file_has_no_values_and_the_others_are_edited(project_folder: Path) -> None:
    (project_folder / "environments" / "UAT.json").write_text("{")
    async with editing(project_folder, width=120, height=40) as editor:
        await at(editor, ("Location",))
        await editor.press("enter", *"ukwest", "enter", "l", "enter")
        await editor.save()

    assert '"ukwest"' in content(project_folder)
    assert content(project_folder, "UAT") == "{"
