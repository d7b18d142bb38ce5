"""What code that ran in an environment tells, on its screen: what the sandbox's Application Insights has."""

from __future__ import annotations

from textual.pilot import Pilot

from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from dbxwizard.screens.telemetry import TelemetryScreen
from tests.cli.test_logs import COMMIT, tell
from tests.hosting import Hosting
from tests.roads import Road
from tests.screens.pilots import driven, error, text, until
from tests.screens.walking import click_on, footer

OF_RUN = {"dbk.commit": COMMIT, "dbk.job_run": "42", "dbk.task": "train"}


async def opened(pilot: Pilot[int]) -> TelemetryScreen:
    await until(pilot, lambda: isinstance(pilot.app.screen, TelemetryScreen))
    screen = pilot.app.screen
    assert isinstance(screen, TelemetryScreen)
    await until(pilot, lambda: "seen" in text(pilot))
    return screen


def told(screen: TelemetryScreen) -> list[str]:
    """Without the time."""
    return [line.split(maxsplit=1)[1] for line in screen.view.texts]


async def test_what_code_tells_is_followed_by_level_and_commit_and_saved(
    host_deployed: Hosting, deployed: Road
) -> None:
    tell(
        deployed, ("150 rows [b]x[/b]", "Information", OF_RUN), ("few rows", "Warning", OF_RUN), ("other", "Error", {})
    )
    async with driven(host_deployed.program(first="console"), 80, 24) as pilot:
        await until(pilot, lambda: "● deployed" in text(pilot))
        await pilot.press("t")
        screen = await opened(pilot)
        await until(pilot, lambda: "150 rows [b]x[/b]" in text(pilot))
        tell(deployed, ("later", "Information", OF_RUN))
        await until(pilot, lambda: len(told(screen)) == 4)  # nobody has asked for it
        assert told(screen)[-1] == f"INFORMATION later  (task train, run 42, commit {COMMIT})"
        await pilot.press("L")
        await until(pilot, lambda: [line.split()[1] for line in told(screen)] == ["few", "other"])
        await pilot.press("b")
        await until(pilot, lambda: "Of which commit?" in text(pilot))
        await pilot.press(*COMMIT[:6], "enter")
        await until(pilot, lambda: [line.split()[1] for line in told(screen)] == ["few"])
        assert f"commit: {COMMIT[:12]}" in " ".join(text(pilot).split())
        await pilot.press("Y")
        saved = (host_deployed.folder / ".state" / "exports" / "telemetry.txt").read_text("utf-8")
        assert "few rows" in saved
        assert "other" not in saved
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.current_mode == "environments" and "● deployed" in text(pilot))


async def test_from_the_logs_by_mouse_and_what_fails_is_told(host_deployed: Hosting, deployed: Road) -> None:
    tell(deployed, ("150 rows", "Information", OF_RUN))
    async with driven(host_deployed.program(first="console"), 120, 40) as pilot:
        await footer(pilot, "6 Logs")
        await until(pilot, lambda: "lines" in text(pilot))
        await footer(pilot, "t Telemetry")
        await click_on(pilot, "UAT")
        await until(pilot, lambda: "UAT has no Application Insights yet" in error(pilot))
        assert "→ Deploy it: dbxwizard deploy -e UAT" in error(pilot)
        await footer(pilot, "esc Back")
        await footer(pilot, "t Telemetry")
        await click_on(pilot, "Development")
        await opened(pilot)
        await until(pilot, lambda: "150 rows" in text(pilot))
        with deployed.store() as store:
            faults.add(store, Fault("status", status=503, service="insights", times=1000))
        await pilot.press("r")
        await until(pilot, lambda: "→" in error(pilot) and "the last look failed" in text(pilot))
        assert "150 rows" in text(pilot)  # what was known before stays
        with deployed.store() as store:
            faults.clear(store)
        await pilot.resize_terminal(60, 20)
        await pilot.press("r")
        await until(pilot, lambda: "seen" in text(pilot) and not error(pilot) and "150 rows" in text(pilot))
