"""The program itself in Chromium, with the mouse alone: signing in on the sandbox, set up, one deployment, left."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from tests.conftest import new_state
from tests.driving import dbxwizard
from tests.roads import Road
from tests.terminal.driving import processes_with, wait_until_ended
from tests.web.devtools import PATIENCE, Tab, chromium, installed
from tests.web.test_browser import different_lines

pytestmark = pytest.mark.skipif(installed() is None, reason="no Chromium; tools/install_chromium.sh can't install it")


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A folder with the files of one environment, and a sandbox in which nothing takes time."""
    new_state(tmp_path / ".state")
    road = Road(tmp_path)
    assert road.run("init").code == 0
    for name in ("UAT", "PreProduction", "Production"):
        (tmp_path / "environments" / f"{name}.json").unlink()
    return road


@pytest.fixture
async def address(road: Road) -> AsyncIterator[str]:
    """Where the program of that folder is served."""
    clean = {name: value for name, value in os.environ.items() if name not in ("CI", "GITHUB_ACTIONS", "NO_COLOR")}
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dbxwizard", "serve", "--sandbox", "--port", "0"),
        cwd=road.folder,
        env={**clean, "DBXWIZARD_STATE_DIR": str(road.folder / ".state")},
        stdout=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    assert server.stdout
    try:
        async with asyncio.timeout(PATIENCE):
            said = await server.stdout.readline()
        yield said.decode().strip()
        server.terminate()
        async with asyncio.timeout(PATIENCE):
            assert await server.wait() == 0
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()


async def on_page(tab: Tab, name: str) -> None:
    """Until it is drawn, the path beside it too: before that its buttons are elsewhere."""
    heading = re.compile(rf"Wizard \d/9  {name}")
    await tab.wait(lambda: bool(heading.search(tab.screen.text)) and f" ▸ {name}" in tab.screen.text)


def is_quiet(tab: Tab) -> bool:
    """Whether nothing is waited for: what comes moves what is below it, so that a click would meet something else."""
    return "…" not in tab.screen.display[0]


def shows(tab: Tab, *texts: str) -> bool:
    """All of it, and nothing more to come."""
    return all(text in tab.screen.text for text in texts) and is_quiet(tab)


async def forward(tab: Tab, name: str) -> None:
    """Clicks on the button beside Back, once it is called `name`, is bright, and nothing is waited for."""
    button = rf"  Back  +({name})(?:   |$)"

    def ready() -> bool:
        places = tab.places(button)
        assert len(places) < 2
        return bool(places) and tab.is_bright(*places[0]) and is_quiet(tab)

    await tab.wait(ready)
    await tab.click_on(button)


async def test_signing_in_and_one_deployment(road: Road, address: str) -> None:
    program = installed()
    assert program
    async with chromium(program) as browser:
        tab = await browser.new_tab(address, width=1100, height=760)
        await on_page(tab, "Welcome")
        await forward(tab, "Next")
        await signed_in(tab)
        for name in ("Custom role", "Service principals", "GitHub", "Environments"):
            await forward(tab, "Next")
            await on_page(tab, name)
        await forward(tab, "Next")
        for setup in (True, False):
            await on_page(tab, "Review")
            await forward(tab, "Apply")
            await on_page(tab, "Apply")
            await tab.wait_for("✓ success")
            (road.folder / "applied.png").write_bytes(await tab.screenshot())
            await forward(tab, "Review the deployment" if setup else "Next")
        await on_page(tab, "Done")
        assert tab.failures == []
    assert any("/providers/Microsoft.Resources/deployments/" in write for write in road.writes())
    assert different_lines((road.folder / "applied.png").read_bytes()) > 100
    # Whoever serves the sandbox next begins when the program's backend, which did so, has ended.
    backends = processes_with(f"DBXWIZARD_STATE_DIR={road.folder / '.state'}", "host")
    await asyncio.to_thread(wait_until_ended, backends)
    left = await asyncio.to_thread(dbxwizard, "plan", "--sandbox", "--detailed-exitcode", cwd=road.folder)
    assert left.returncode == 0, left.stdout


async def signed_in(tab: Tab) -> None:
    """By device code, approved as the sandbox's person; the first subscription and the first repository are taken."""
    await tab.wait(partial(shows, tab, "ada@contoso.example"))
    await tab.click_on("Device code")
    await tab.wait_for("Approve in the sandbox")
    await tab.enter()
    # What was chosen moves the rows below it, so it has to be there before they are clicked on.
    for row, missing, drawn in (
        (1, "choose a subscription", "scopes read:org"),
        (2, "choose a repository", SUBSCRIPTION_ID),
    ):
        await tab.wait(partial(shows, tab, missing, drawn))
        await tab.click_on("Choose", row)
        await tab.wait_for("1 shown, 1 in all")
        await tab.enter()
