"""Makes the pictures of the README, so that they stay true: `tools/pictures.py [NAME…]`, all of them without a name.

`demo` is what `make demo` prints; the others are the terminal program on a new sandbox, walked by keys. Made again they
are the same but for times and ports.
"""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text
from textual.pilot import Pilot

from dbxwizard.app import DbxWizard, Opening
from dbxwizard.backend.answers import AnswerFile, Answers
from dbxwizard.backend.project_files import write_missing
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.screens.environments import EnvironmentsScreen
from dbxwizard.screens.run_view import RunView
from dbxwizard.screens.wizard import WizardPage

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH = 110
SCREEN = (120, 36)  # columns and rows of the program's pictures
PATIENCE = 300.0  # seconds
HEAD, TAIL = 6, 5  # lines shown of each command's output
# Cursor movements and erasures of the live board; what they draw over is not part of the record.
_CONTROL = re.compile(r"\x1b\[\??[0-9;]*[A-HJKSTfhlnsu]")


def main() -> None:
    wanted = sys.argv[1:] or ["demo", *PROGRAM]
    unknown = [name for name in wanted if name not in ("demo", *PROGRAM)]
    if unknown:
        sys.exit(f"no such picture: {', '.join(unknown)}")
    IMAGES.mkdir(parents=True, exist_ok=True)
    if "demo" in wanted:
        picture_demo()
    if set(wanted) & set(PROGRAM):
        asyncio.run(picture_program(set(wanted)))


def save(name: str, svg: str) -> None:
    """Without the fonts that would be fetched from elsewhere: what shows the picture has a monospaced one."""
    local = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    lines = (line.rstrip() for line in local.splitlines())
    (IMAGES / f"{name}.svg").write_text("\n".join(lines) + "\n", "utf-8")
    print(f"wrote {(IMAGES / name).relative_to(ROOT)}.svg")


# the program


PROGRAM = {
    "review": "what setup would make",
    "apply": "a deployment of four environments",
    "board": "all environments",
    "editor": "the parameter files",
}


async def picture_program(wanted: set[str]) -> None:
    """A project whose wizard has come to Review; from there on by keys alone."""
    with tempfile.TemporaryDirectory(prefix="dbxwizard-pictures-") as folder:
        project, state = Path(folder) / "databricks", Path(folder) / "state"
        project.mkdir()
        write_missing(project)
        asked = ("welcome", "sign_in", "custom_role", "service_principals", "github", "environments")
        answers = Answers(subscription=SUBSCRIPTION_ID, repo=REPOSITORY, page="review", visited=asked)
        AnswerFile(state, project).write(answers)
        os.environ |= {"DBXWIZARD_STATE_DIR": str(state), "DBXWIZARD_SANDBOX": "1", "DBXWIZARD_NO_PROOF": "1"}
        os.environ.pop("NO_COLOR", None)
        os.chdir(project)
        program = DbxWizard(Opening(["--sandbox"], state, first="wizard", sandbox=True, animated=False))
        async with program.run_test(size=SCREEN) as pilot:
            try:
                await walk(pilot, project, partial(take, pilot, wanted))
            finally:
                program.backend.leave()


async def walk(pilot: Pilot[int], project: Path, picture: Callable[[str], Awaitable[None]]) -> None:
    await until(lambda: may_go_on(pilot, "review"))
    await picture("review")
    while planned(pilot) == "setup":  # once more where what it made was not to be seen at once
        await pilot.press("ctrl+g")
        await until(lambda: may_go_on(pilot, "apply"))
        await pilot.press("ctrl+g")
        await until(lambda: may_go_on(pilot, "review"))
    await pilot.press("ctrl+g")
    await until(lambda: well_under_way(pilot))
    await picture("apply")
    await until(lambda: may_go_on(pilot, "apply"))
    uat = project / "environments" / "UAT.json"
    uat.write_text(uat.read_text("utf-8").replace('"autotermination_minutes": 30', '"autotermination_minutes": 45', 1))
    await pilot.resize_terminal(SCREEN[0], 26)
    await pilot.press("1")
    await until(lambda: isinstance(pilot.app.screen, EnvironmentsScreen))
    board = pilot.app.screen
    assert isinstance(board, EnvironmentsScreen)  # noqa: S101  waited for
    await until(lambda: all(row.state for row in board._rows.values()) and board._rows.values())
    for _ in board._rows.values():
        await pilot.press("r", "down")
    await until(lambda: all(row.drift for row in board._rows.values()))
    await pilot.press("up", "up")
    await until(lambda: not toasts(pilot))
    await picture("board")
    await pilot.resize_terminal(*SCREEN)
    await pilot.press("4")
    await until(lambda: pilot.app.current_mode == "parameters")
    await pilot.press("slash", *"node_type", "enter", "down", "up")
    await until(lambda: not toasts(pilot))
    await picture("editor")


async def until(condition: Callable[[], object]) -> None:
    """Looks often: Pilot's own pause waits until nothing moves any more."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  what a screen shows tells nobody
            await asyncio.sleep(0.02)


def may_go_on(pilot: Pilot[int], page: str) -> bool:
    """On that page of the wizard, with nothing left to wait for and no toast in the way."""
    screen = pilot.app.screen
    if not isinstance(screen, WizardPage) or screen.key != page or toasts(pilot):
        return False
    return bool(screen.query("#next")) and not screen.may_go_on()


def planned(pilot: Pilot[int]) -> str:
    """The scope of the plan that Review shows."""
    plan = getattr(pilot.app.screen, "plan", None)
    return plan.scope if plan else ""


def toasts(pilot: Pilot[int]) -> bool:
    return bool(pilot.app.screen.query("Toast"))


def well_under_way(pilot: Pilot[int]) -> bool:
    """Of the run that is on the screen; by then something is under way in most environments."""
    for view in pilot.app.screen.query(RunView):
        steps = view.model.steps.values()
        return 3 * sum(step.state in ("done", "unchanged") for step in steps) > len(steps)
    return False


async def take(pilot: Pilot[int], wanted: set[str], name: str) -> None:
    await asyncio.sleep(0.3)  # until it is drawn; Pilot's pause would wait until a run has ended
    await until(lambda: pilot.app.screen.query("FooterKey"))  # drawn anew with each change of what can be done
    if name in wanted:
        save(name, pilot.app.export_screenshot(title=f"dbxwizard: {PROGRAM[name]}"))


# the demo


def picture_demo() -> None:
    lines = record([sys.executable, str(ROOT / "tools" / "demo.py")])
    console = Console(record=True, width=WIDTH, file=Path(os.devnull).open("w"))  # noqa: SIM115  closed at exit
    console.print(Text.from_ansi("\n".join(shortened(lines))), soft_wrap=False, overflow="ellipsis", no_wrap=True)
    save("demo", console.export_svg(title="make demo"))


def shortened(lines: list[str]) -> list[str]:
    """Each command with the beginning and the end of what it prints."""
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("$ "):
            parts.append([])
        parts[-1].append(line)
    shown: list[str] = []
    for part in parts:
        cut = len(part) > HEAD + TAIL + 1
        shown += [*part[:HEAD], "   …", *part[-TAIL:]] if cut else part
    return shown


def record(command: list[str]) -> list[str]:
    """What the command leaves on a plain terminal."""
    output = bytearray()

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 4096)
        output.extend(data)
        return data

    os.environ.update(CI="true", COLUMNS=str(WIDTH), TERM="xterm-256color")
    pty.spawn(command, read)
    text = _CONTROL.sub("", output.decode("utf-8", "replace")).replace("\r\n", "\n")
    return [line.rstrip() for line in text.split("\n")]


if __name__ == "__main__":
    main()
