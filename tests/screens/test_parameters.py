"""The editor in the program: its mode, the services' lists, leaving with changes, the wizard's way there."""

from __future__ import annotations

from textual.pilot import Pilot

from dbxwizard.screens.parameters import ParametersScreen
from tests.hosting import Hosting
from tests.screens.pilots import driven, settled, text, until


async def editor_of(pilot: Pilot[int]) -> ParametersScreen:
    await pilot.press("4")
    await settled(pilot)
    page = pilot.app.screen
    assert isinstance(page, ParametersScreen)
    return page


async def test_the_mode_edits_the_projects_files(host: Hosting) -> None:
    file = host.folder / "environments" / "Development.json"
    before = file.read_text()
    async with driven(host.program(first="console")) as pilot:
        page = await editor_of(pilot)
        page.form.go_to(("Location",))
        await pilot.press("enter", *"ukwest", "enter")
        file.with_stem("Extra").write_text(before.replace('"Development"', '"Extra"'))  # by somebody else, meanwhile
        await pilot.press("ctrl+o")
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("2", "d")
        await until(pilot, lambda: "Extra" in text(pilot))  # the other modes know what lies there now

    assert file.read_text() == before.replace('"uksouth"', '"ukwest"')


async def test_leaving_asks_about_what_is_not_saved(host: Hosting) -> None:
    program = host.program(first="console")
    async with driven(program) as pilot:
        page = await editor_of(pilot)
        page.form.go_to(("Location",))
        await pilot.press("delete", "5", "ctrl+q")
        assert "Development: what was changed in the editor is lost" in " ".join(text(pilot).split())
        await pilot.press("escape")
        assert program.return_code is None
        await pilot.press("ctrl+q", "right", "enter")
    assert program.return_code == 0


async def test_read_only_refuses_in_the_editor_too(host: Hosting) -> None:
    async with driven(host.program("--read-only", first="console")) as pilot:
        page = await editor_of(pilot)
        page.form.go_to(("Location",))
        await pilot.press("delete")
        assert "read-only" in text(pilot)
        assert not page.session.changed


async def test_the_services_lists_are_offered_where_somebody_is_signed_in(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program()) as pilot:
        page = await editor_of(pilot)
        page.form.go_to(("Location",))
        await pilot.press("enter")
        await settled_but_for_the_dialog(pilot)
        assert "from the services, just now" in text(pilot)


async def settled_but_for_the_dialog(pilot: Pilot[int]) -> None:
    """The one that waits for an answer goes on."""
    await until(pilot, lambda: "asking the services" not in text(pilot))
