"""The console by mouse alone: modes, rows, the keys in the footer, buttons, dialogs, the wheel."""

from __future__ import annotations

from functools import partial

from textual import events
from textual.pilot import Pilot

from dbxwizard.screens.device_code import DeviceCodeScreen
from dbxwizard.screens.dialogs import Question
from dbxwizard.screens.keys import KeysPanel
from dbxwizard.screens.log_view import LogView
from dbxwizard.screens.modes import MODES, Mode
from dbxwizard.screens.parameters import ParametersScreen
from dbxwizard.screens.picking import Picker
from tests.hosting import Hosting
from tests.roads import Road
from tests.screens.faulting import alone
from tests.screens.pilots import driven, settled, text, until
from tests.screens.test_deploying import ended, left, on_page, plan_shown
from tests.screens.test_resources import clusters
from tests.screens.test_wizard_pages import approvals
from tests.screens.walking import click, click_on, decide, footer, place


def on_mode(pilot: Pilot[int], name: str) -> bool:
    return pilot.app.current_mode == name


async def to_mode(pilot: Pilot[int], name: str) -> Mode:
    """By a click into the line of the modes, whatever they are called there."""
    mode = next(one for one in MODES if one.name == name)
    await click_on(pilot, f"{mode.key} ", lowest=True)
    await until(pilot, partial(on_mode, pilot, name))
    return mode


async def test_every_mode_is_a_click_away_however_wide_the_terminal_becomes(host_set_up: Hosting, set_up: Road) -> None:
    alone(set_up)
    async with driven(host_set_up.program(), 140, 24) as pilot:
        for width, names in ((120, MODES), (80, MODES[::-1]), (40, MODES[:2])):
            await pilot.resize_terminal(width, 24)
            for mode in names:
                await settled(pilot)
                line = text(pilot).splitlines()[-2]
                assert all(f"{one.key} " in f"{line} " for one in MODES), line
                await pilot.click(offset=(line.index(mode.key), 22))
                await until(pilot, partial(on_mode, pilot, mode.name))
                await settled(pilot)
                assert f"{mode.key} ▸{mode.title if width >= 100 else mode.short}" in text(pilot)


async def test_the_board(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program(), 120, 40) as pilot:
        await until(pilot, lambda: text(pilot).count("○ absent") >= 4)
        await click_on(pilot, "Production  PROD")
        assert "Production  PROD: absent" in text(pilot)
        await footer(pilot, "space Select")
        await click_on(pilot, "UAT")
        await footer(pilot, "space Select")
        await footer(pilot, "d Deploy")
        await until(pilot, plan_shown(pilot))
        assert getattr(pilot.app.screen, "plan").environments == ("UAT", "Production")  # noqa: B009
        await to_mode(pilot, "environments")
        await click_on(pilot, "Development", times=2)
        await until(pilot, lambda: pilot.app.current_mode == "resources")


async def test_a_deployment_from_the_first_click_to_its_history(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program(), 120, 40) as pilot:
        await to_mode(pilot, "deployments")
        await footer(pilot, "d New deployment")
        await until(pilot, on_page(pilot, "ChooseScreen"))
        await click_on(pilot, "Development")
        await click(pilot, "#plan")
        await until(pilot, on_page(pilot, "PlanScreen"))
        await until(pilot, plan_shown(pilot))
        await click_on(pilot, "cluster dbx-sp-cluster2")
        await until(pilot, lambda: "⇢ POST" in text(pilot))  # the request that makes it
        await click(pilot, "#apply")
        await until(pilot, on_page(pilot, "RunScreen"))
        assert await ended(pilot) == "success"
        await pilot.resize_terminal(80, 24)
        await click_on(pilot, "cluster dbx-sp-cluster2")
        await until(pilot, lambda: "created in" in text(pilot))  # its log
        await footer(pilot, "esc Back")
        await until(pilot, on_page(pilot, "DeploymentsScreen"))
        await settled(pilot)
        await click_on(pilot, "✓ success", times=2)
        await until(pilot, on_page(pilot, "RunScreen"))
    assert await left(host_set_up, "Development") == []


async def test_a_cluster_is_looked_at_and_stopped(host_deployed: Hosting, deployed: Road) -> None:
    alone(deployed)
    async with driven(host_deployed.program(), 120, 40) as pilot:
        await to_mode(pilot, "resources")
        await click_on(pilot, "▶ Development")
        await click_on(pilot, "dbx-sp-cluster2")
        await footer(pilot, "v JSON")
        await until(pilot, lambda: '"cluster_name": "dbx-sp-cluster2"' in text(pilot))
        await footer(pilot, "v JSON")
        for answer, then in (("#cancel", "RUNNING"), ("#stop", "TERMINATED")):
            await footer(pilot, "S Stop")
            await until(pilot, lambda: isinstance(pilot.app.screen, Question))
            await click(pilot, answer)
            assert clusters(deployed)["dbx-sp-cluster2"] == then
        assert "dbx-sp-cluster2  ■ terminated" in text(pilot)


async def test_doctor_checks_again_what_is_clicked_on(host_set_up: Hosting, set_up: Road) -> None:
    alone(set_up)
    async with driven(host_set_up.program(), 120, 50) as pilot:
        await to_mode(pilot, "doctor")
        await until(pilot, lambda: "quotas" in text(pilot))
        await settled(pilot)

        def asked() -> int:
            with set_up.store() as store:
                return sum(one["path"].endswith("/usages") for one in store.requests())

        before = asked()
        await click_on(pilot, "quotas")
        await footer(pilot, "Check this again")
        await settled(pilot)
        assert asked() > before
        once = asked()
        await footer(pilot, "r Check again")
        await settled(pilot)
        assert asked() > once


async def test_the_wheel_turns_the_log_and_what_comes_leaves_the_reader_alone(host: Hosting) -> None:
    async with driven(host.program(first="console"), 80, 24) as pilot:
        await to_mode(pilot, "logs")
        view = pilot.app.screen.query_one(LogView)
        view.add([("INFO", f"line {number}") for number in range(500)])
        await until(pilot, lambda: "line 499" in text(pilot))
        await pilot._post_mouse_events([events.MouseScrollUp], widget=view, times=20)
        await until(pilot, lambda: "line 499" not in text(pilot))
        view.add([("INFO", "line 500")])
        await pilot.pause()
        assert "line 500" not in text(pilot)
        await footer(pilot, "f Follow")
        await footer(pilot, "f Follow")
        await until(pilot, lambda: "line 500" in text(pilot))


async def test_a_panel_and_a_list_close_by_a_click_beside_them(host: Hosting) -> None:
    decide(host, "sign_in", subscription="")
    async with driven(host.program(), 120, 40) as pilot:
        await footer(pilot, "? Keys")
        await until(pilot, lambda: isinstance(pilot.app.screen, KeysPanel))
        await pilot.click(offset=(1, 1))
        await until(pilot, lambda: place(pilot) == "sign_in")
        await click(pilot, "#choose-subscription")
        await until(pilot, lambda: isinstance(pilot.app.screen, Picker))
        await pilot.click(offset=(1, 1))
        await until(pilot, lambda: place(pilot) == "sign_in")
        assert not pilot.app.answers.subscription  # type: ignore[attr-defined]
        await click(pilot, "#choose-subscription")
        await click_on(pilot, "dbxwizard sandbox", times=2)  # the second click has nothing to close any more
        await settled(pilot)
        assert place(pilot) == "sign_in"
        assert pilot.app.answers.subscription  # type: ignore[attr-defined]


async def test_a_device_code_is_copied_given_up_and_approved(host: Hosting) -> None:
    decide(host, "sign_in")
    async with driven(host.program("--sign-in", "browser"), 80, 24) as pilot:
        for answer in ("#give-up", "#approve"):
            await pilot.click("#device-code")
            await until(pilot, lambda: isinstance(pilot.app.screen, DeviceCodeScreen))
            await pilot.pause()
            await pilot.click("#copy")
            await pilot.pause()
            assert f"Enter {pilot.app.clipboard}" in text(pilot)
            await pilot.click(answer)
            await pilot.pause()
            await until(pilot, lambda: place(pilot) == "sign_in")
            await settled(pilot)
        assert "ada@contoso.example (user, device-code)" in text(pilot)
    assert approvals(host) == 1


async def test_leaving_with_changes_asks_and_stays_or_goes(host: Hosting) -> None:
    program = host.program(first="console")
    async with driven(program, 120, 40) as pilot:
        await to_mode(pilot, "parameters")
        await settled(pilot)
        page = pilot.app.screen
        assert isinstance(page, ParametersScreen)
        page.form.go_to(("Location",))
        await pilot.press("delete")
        for answer in ("#cancel", "#leave"):
            await footer(pilot, "q Quit")
            await until(pilot, lambda: isinstance(pilot.app.screen, Question))
            assert program.return_code is None
            await pilot.click(answer)
            await pilot.pause()
    assert program.return_code == 0
