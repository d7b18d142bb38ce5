"""The mode Dev: what is done there is done on this machine and on the sandbox's cluster."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from dbxwizard.screens.developer import DeveloperScreen
from dbxwizard.screens.dialogs import Question
from dbxwizard.screens.leaving import DevelopingDialog
from dbxwizard.screens.script_dialog import ScriptDialog
from tests.dev.conftest import _beside, runtime, wheels  # noqa: F401  fixtures
from tests.dev.desk import ADA, content, libraries, runs, script
from tests.hosting import Hosting, hosting
from tests.roads import Road
from tests.screens.pilots import driven, error, settled, text, until
from tests.screens.test_pasting import paste
from tests.screens.walking import click_on, footer


async def opened(pilot: Pilot[int]) -> DeveloperScreen:
    await pilot.press("8")
    await until(pilot, lambda: isinstance(pilot.app.screen, DeveloperScreen))
    await until(pilot, lambda: "environment: Development" in text(pilot))
    screen = pilot.app.screen
    assert isinstance(screen, DeveloperScreen)
    return screen


async def asked(pilot: Pilot[int], kind: type[Any]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.is_mounted)
    await pilot.pause()


def lines(screen: DeveloperScreen) -> str:
    return "\n".join(screen.view.texts)


async def test_a_script_is_run_with_its_words_and_ends_as_it_ends(host_deployed: Hosting, deployed: Road) -> None:
    value = str(random.randrange(10**9))
    script(deployed, "import sys\nprint('given', sys.argv[1:], '[b]x[/b]')\nsys.exit(7)\n", "ends.py")
    async with driven(host_deployed.program(first="console"), 80, 24) as pilot:
        screen = await opened(pilot)
        await pilot.press("u")
        await until(pilot, lambda: "ends.py" in text(pilot) and "remote_analysis.py" in text(pilot))
        await paste(pilot, "ends.py\n")
        await pilot.press("enter")
        await asked(pilot, ScriptDialog)
        await pilot.press(*f"--value '{value} and more' ")
        await paste(pilot, "--first one \\\r\n  --last two\n")
        await pilot.press("enter")
        await until(pilot, lambda: "exit code 7" in lines(screen))
        given = f"['--value', '{value} and more', '--first', 'one', '--last', 'two']"
        assert f"│ given {given} [b]x[/b]" in lines(screen)
        await settled(pilot)
        await pilot.press("Y")
        saved = (host_deployed.folder / ".state" / "exports" / "developer.txt").read_text("utf-8")
        assert value in saved
    [run] = runs(deployed)
    assert value in str(run)


async def test_a_run_that_is_cancelled_here_is_cancelled_there(host_deployed: Hosting, deployed: Road) -> None:
    script(deployed, "import time\nprint('begun', flush=True)\ntime.sleep(600)\n", "long.py")
    async with driven(host_deployed.program(first="console"), 120, 40) as pilot:
        screen = await opened(pilot)
        await footer(pilot, "u Run")
        await click_on(pilot, "long.py")
        await asked(pilot, ScriptDialog)
        assert await pilot.click("#run")
        await until(pilot, lambda: "RUNNING" in lines(screen))
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: "c Cancel" in text(pilot) and pilot.app.size.width == 60)
        await pilot.press("c")
        await until(pilot, lambda: "■ cancelled: running long.py" in lines(screen))
        await settled(pilot)
    host_deployed.join()
    [run] = runs(deployed)
    assert "CANCELED" in str(run)


async def test_leaving_asks_before_it_cancels_a_run(host_deployed: Hosting, deployed: Road) -> None:
    script(deployed, "import time\nprint('begun', flush=True)\ntime.sleep(600)\n", "long.py")
    program = host_deployed.program(first="console")
    async with driven(program, 80, 24) as pilot:
        screen = await opened(pilot)
        await pilot.press("u")
        await until(pilot, lambda: "long.py" in text(pilot))
        await pilot.press(*"long", "enter")
        await asked(pilot, ScriptDialog)
        await pilot.press("enter")
        await until(pilot, lambda: "RUNNING" in lines(screen))
        await pilot.press("q")
        await asked(pilot, DevelopingDialog)
        assert "The mode Dev is running long.py" in text(pilot)
        await pilot.press("ctrl+q", "enter")  # Stay has the focus
        await asked(pilot, DeveloperScreen)
        assert program.return_code is None
        await pilot.press("6", "q")  # from another mode too
        await asked(pilot, DevelopingDialog)
        [run] = runs(deployed)
        assert "CANCELED" not in str(run)
        await pilot.press("tab", "enter")
    assert program.return_code == 0
    host_deployed.join()
    [run] = runs(deployed)
    assert "CANCELED" in str(run)


async def test_the_framework_is_pushed_once_the_restart_was_agreed_to(host_deployed: Hosting, deployed: Road) -> None:
    before = set(libraries(deployed))
    module = deployed.folder / "framework" / "src" / "dbkframework" / "__init__.py"
    module.write_text(f"{module.read_text('utf-8')}\nPUSHED = True\n", "utf-8")
    async with driven(host_deployed.program(first="console"), 100, 30) as pilot:
        screen = await opened(pilot)
        await pilot.press("p")
        await asked(pilot, Question)
        assert "Restart cluster dbx-sp-cluster?" in text(pilot)
        await pilot.press("enter")  # Cancel has the focus
        await until(pilot, lambda: "nothing was changed" in lines(screen))
        assert set(libraries(deployed)) == before
        await pilot.press("p")
        await asked(pilot, Question)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "is on cluster dbx-sp-cluster" in lines(screen))
        await settled(pilot)
        assert not error(pilot)
        await pilot.press("p")
        await until(pilot, lambda: "has it already; nothing was sent" in lines(screen))
    assert set(libraries(deployed)) != before


async def test_this_machine_is_set_up_as_it_was_shown(
    _beside: Road,  # noqa: F811, PT019
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    road = _beside.copy(tmp_path / "project")
    for name, value in road.environ.items():
        monkeypatch.setenv(name, value)
    with hosting(road.folder, **road.environ) as host:
        async with driven(host.program(first="console"), 100, 30) as pilot:
            screen = await opened(pilot)
            await pilot.press("a")
            await until(pilot, lambda: "How does code on this machine sign in?" in text(pilot))
            await pilot.press(*"token", "enter")
            await until(pilot, lambda: "code signs in with a token" in text(pilot))
            await pilot.press("s")
            await asked(pilot, Question)
            assert not (road.folder / ".env").exists()
            assert "create .env" in text(pilot)
            await pilot.press("tab", "enter")
            await until(pilot, lambda: "✓ this machine is ready" in lines(screen))
            written = (road.folder / ".env").read_text("utf-8")
            assert "DATABRICKS_CLUSTER_ID" in written
            assert "DATABRICKS_TOKEN=dapi" in written
            await settled(pilot)
            await pilot.press("s")
            await until(pilot, lambda: "everything is as it should be" in lines(screen))


async def test_this_folder_is_kept_the_same_as_one_of_the_workspace(host_deployed: Hosting, deployed: Road) -> None:
    mine = script(deployed, "print('mine')\n", "mine.py")
    there = f"/Users/{ADA}/{deployed.folder.resolve().name}/mine.py"
    async with driven(host_deployed.program(first="console"), 100, 30) as pilot:
        screen = await opened(pilot)
        await pilot.press("b")
        await asked(pilot, Question)
        assert "in the workspace" in text(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "to the workspace" in lines(screen) and "✓ " in lines(screen))
        assert content(deployed, there) == mine.read_bytes()
        await settled(pilot)
        await pilot.press("b")
        await asked(pilot, Question)
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: "c Cancel" in text(pilot))
        mine.write_text("print('saved')\n", "utf-8")
        await until(pilot, lambda: content(deployed, there) == b"print('saved')\n")
        await pilot.press("c")
        await until(pilot, lambda: "■ cancelled: syncing on every save" in lines(screen))


async def test_another_cluster_gets_what_is_saved_until_it_is_cancelled(host_deployed: Hosting, deployed: Road) -> None:
    deployed.edit("Development", '["dbx-sp-cluster"]', '["dbx-sp-cluster", "dbx-sp-cluster2"]')
    module = deployed.folder / "framework" / "src" / "dbkframework" / "__init__.py"
    async with driven(host_deployed.program(first="console"), 100, 30) as pilot:
        screen = await opened(pilot)
        await pilot.press("C")
        await until(pilot, lambda: "On which cluster?" in text(pilot) and "running" in text(pilot))
        await pilot.press(*"cluster2", "enter")
        await until(pilot, lambda: "cluster: dbx-sp-cluster2" in text(pilot))
        await pilot.press("W")
        await asked(pilot, Question)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "is on cluster dbx-sp-cluster2" in lines(screen))
        first = libraries(deployed, "dbx-sp-cluster2")
        module.write_text(f"{module.read_text('utf-8')}\nSAVED = True\n", "utf-8")
        await until(pilot, lambda: lines(screen).count("is on cluster dbx-sp-cluster2") == 2)
        await pilot.press("c")
        await until(pilot, lambda: "■ cancelled: pushing on every save" in lines(screen))
        await settled(pilot)
    assert set(libraries(deployed, "dbx-sp-cluster2")) != set(first)


async def test_read_only_and_what_is_missing_are_told(deployed: Road) -> None:
    script(deployed, "print('no')\n", "no.py")
    with hosting(deployed.folder) as host:
        async with driven(host.program("--read-only", first="console"), 100, 30) as pilot:
            screen = await opened(pilot)
            await pilot.press("u")
            await until(pilot, lambda: "no.py" in text(pilot))
            await pilot.press(*"no.py", "enter")
            await asked(pilot, ScriptDialog)
            await pilot.press("enter")
            await until(pilot, lambda: "read-only" in error(pilot))
            await pilot.press("x", "e")
            await until(pilot, lambda: "Beside which environment?" in text(pilot))
            await pilot.press(*"UAT", "enter")
            await until(pilot, lambda: "environment: UAT" in text(pilot))
            await pilot.press("p")
            await until(pilot, lambda: "→ Deploy it: dbxwizard deploy -e UAT" in error(pilot))
            await pilot.press("e")
            await until(pilot, lambda: "Beside which environment?" in text(pilot))
            await pilot.press(*"Development", "enter")
            await until(pilot, lambda: "environment: Development" in text(pilot))
            await pilot.press("t")
            await until(pilot, lambda: "checks failed" in lines(screen) or "check failed" in lines(screen))
            assert "→ Make it: dbxwizard dev setup -e Development" in lines(screen)  # nothing was set up here
    assert runs(deployed) == []
