"""One side of what `bench_program` compares: the program, or the same Textual widget without our code.

Each runs in a process of its own, `bench_sides.py SIDE FOLDER`, and prints what it measured as JSON. What is measured
is loaded where it is measured.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App
    from textual.widget import Widget

LINES = 10_000
REFRESHES, FROM = 3600, 600
FLEET = 200  # environments
LARGE = 5_000  # lines of a parameter file
_KEYS, _PROBLEMS = 200, 15


async def _pressed(app: App[Any], keys: Sequence[str], state: Callable[[], object]) -> list[float]:
    """Seconds from each key to the frame that shows what it changed."""
    from textual import events

    drawn = asyncio.Event()
    display = app._display

    def note(*arguments: Any) -> None:
        display(*arguments)
        drawn.set()

    app._display = note  # type: ignore[method-assign,assignment]  # every frame goes through it
    times = []
    for key in keys:
        before, began = state(), time.perf_counter()
        app.post_message(events.Key(key, key if len(key) == 1 else None))
        while state() == before:
            drawn.clear()
            await drawn.wait()
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0)
    return times


def _scrolling(app: App[Any], widget: Callable[[], Widget]) -> Awaitable[list[float]]:
    keys = ["pagedown" if number < _KEYS // 2 else "pageup" for number in range(_KEYS)]
    return _pressed(app, keys, lambda: (widget().scroll_offset.y, getattr(widget(), "cursor_line", 0)))


async def _bare(widget: Widget, fill: Callable[[], None]) -> list[float]:
    from textual.app import App

    class Bare(App[None]):
        def compose(self) -> Any:
            yield widget

    app = Bare()
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot:
        fill()
        widget.focus()
        await pilot.pause()
        return await _scrolling(app, lambda: widget)


async def _bare_tree() -> list[float]:
    from textual.widgets import Tree

    tree: Tree[None] = Tree("root")

    def fill() -> None:
        tree.root.expand()
        tree.cursor_line = 0
        for number in range(LINES):
            tree.root.add_leaf(f"cluster-{number}  running")

    return await _bare(tree, fill)


async def _bare_log() -> list[float]:
    from textual.widgets import Log

    log = Log(auto_scroll=False)

    def fill() -> None:
        log.write_lines(_texts())

    return await _bare(log, fill)


def _texts() -> list[str]:
    path = "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Databricks/workspaces"
    stamp = "2026-11-26 10:00:00,000 INFO dbxwizard.requests:"
    return [f"{stamp} GET management.azure.com {path}/{number} 200 30 ms" for number in range(LINES)]


async def _tree(folder: Path) -> list[float]:
    from dbxwizard.backend.console.items import Item
    from dbxwizard.backend.console.resources import Branch, EnvironmentResources
    from dbxwizard.screens import resources
    from dbxwizard.screens.widgets import Branches

    resources.PAGE = LINES  # as somebody sees it who has asked for all pages
    items = tuple(Item("cluster", str(number), f"cluster-{number}", "RUNNING") for number in range(LINES))
    seen = EnvironmentResources("Development", (Branch("Databricks", items=items),), time.time())
    program = _program(folder)
    async with program.run_test(size=(120, 40)) as pilot:
        await _ready(program)
        program.go_resources("Development")
        await _until(lambda: bool(program.screen.query(Branches)))
        await _until(lambda: bool(program.screen._seen))  # what there really is; it would come in between
        program.screen.post_message(resources.ResourcesSeen(seen))
        tree = program.screen.query_one(Branches)
        await _until(lambda: tree.last_line > LINES)
        await pilot.pause()
        times = await _scrolling(program, lambda: tree)
        program.backend.leave()
        return times


async def _log(folder: Path) -> list[float]:
    from dbxwizard.backend.process import LOG
    from dbxwizard.screens.log_view import LogView

    program = _program(folder)
    (program.opening.state_folder / LOG).parent.mkdir(parents=True, exist_ok=True)
    (program.opening.state_folder / LOG).write_text("\n".join(_texts()) + "\n", "utf-8")
    async with program.run_test(size=(120, 40)) as pilot:
        await _ready(program)
        await pilot.press("6")
        await _until(lambda: bool(program.screen.query(LogView)))
        view = program.screen.query_one(LogView)
        await _until(lambda: view.count[1] >= LINES)
        await pilot.press("f", "g")
        await pilot.pause()
        times = await _scrolling(program, lambda: view)
        program.backend.leave()
        return times


def _program(folder: Path) -> Any:
    from dbxwizard.app import DbxWizard, Opening

    state = Path(os.environ["DBXWIZARD_STATE_DIR"])
    return DbxWizard(Opening(("--sandbox", "--root", str(folder)), state, "console", sandbox=True, animated=False))


async def _ready(program: Any) -> None:
    await _until(lambda: program.situation is not None and program.current_mode == "environments")


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def _up_and_down() -> list[str]:
    return ["down", "down", "down", "up", "up", "up"] * (_KEYS // 6)


async def _board(folder: Path) -> list[float]:
    """The board, with a deployment of everything in the backend that it listens to."""
    from dbxwizard.screens.widgets import Table

    program = _program(folder)
    async with program.run_test(size=(120, 40)) as pilot:
        await _ready(program)
        await pilot.pause()
        plan = await program.backend.ask.plan_deploy()
        run = await program.backend.ask.apply(plan=plan.id)
        table = program.screen.query_one(Table)
        return await _until_ended(program, run, lambda: table.cursor_row)


async def _run_view(folder: Path) -> list[float]:
    """The steps of that deployment, as they go on."""
    from dbxwizard.screens.deployments import RunScreen
    from dbxwizard.screens.widgets import Table

    program = _program(folder)
    async with program.run_test(size=(120, 40)) as pilot:
        await _ready(program)
        await pilot.press("2")
        plan = await program.backend.ask.plan_deploy()
        run = await program.backend.ask.apply(plan=plan.id)
        await program.push_screen(RunScreen(run, plan.steps))
        table = program.screen.query_one("#run-steps", Table)
        await pilot.press("home")  # from now on the cursor is the reader's
        return await _until_ended(program, run, lambda: table.cursor_row)


async def _until_ended(program: Any, run: str, state: Callable[[], object]) -> list[float]:
    times: list[float] = []
    while (await program.backend.ask.events(run=run)).ended is False:
        times += await _pressed(program, _up_and_down(), state)
    program.backend.leave()
    return times


async def _bare_table(columns: Sequence[str], rows: int, seconds: float) -> list[float]:
    """For so long, or once."""
    from textual.app import App
    from textual.widgets import DataTable

    table: DataTable[str] = DataTable(cursor_type="row", zebra_stripes=True)

    class Bare(App[None]):
        def compose(self) -> Any:
            yield table

    app = Bare()
    times: list[float] = []
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot:
        table.add_columns(*columns)
        for number in range(rows):
            table.add_row(*(f"{column} {number}" for column in columns))
        await pilot.pause()
        ends = time.perf_counter() + seconds
        while not times or time.perf_counter() < ends:
            times += await _pressed(app, _up_and_down(), lambda: table.cursor_row)
    return times


_BOARD = ("environment", "state", "drift", "running", "last deployment", "ends soon", "seen")
_STEPS = ("state", "took", "environment", "step", "what")


# the editor


def _large(folder: Path) -> Path:
    """Development with so many clusters that its file has some LARGE lines."""
    path = folder / "environments" / "Development.json"
    text = path.read_text("utf-8")
    start = text.index("{", text.index('"Clusters": ['))
    cluster = text[start : text.index("\n    },\n", start) + len("\n    },\n")]
    copies = (cluster.replace("dbx-sp-cluster", f"etl-{number}") for number in range(LARGE // cluster.count("\n")))
    path.write_text(text[:start] + "    ".join((*copies, "")) + text[start:], "utf-8")
    return path


async def _editor(folder: Path) -> tuple[list[float], list[float]]:
    """Seconds from keys in a comment to their frames, and from keys that make and mend a problem until it shows."""
    from dbxwizard.screens.editing.text_editor import TextEditor

    path = folder / "environments" / "Development.json"
    before = path.read_text("utf-8")
    _large(folder)
    program = _program(folder)
    async with program.run_test(size=(160, 40)) as pilot:
        await _ready(program)
        await pilot.press("4")
        await _until(lambda: bool(program.screen.query(TextEditor)))
        screen = program.screen
        await _until(lambda: screen.analysis is not None)
        editor = screen.query_one(TextEditor)
        editor.focus()
        await pilot.pause()
        times = await _typing(program, editor, lambda: screen.marks)
        program.backend.leave()
    path.write_text(before, "utf-8")
    return times


async def _bare_editor(folder: Path) -> tuple[list[float], list[float]]:
    """A text area that says after the same pause how often it was asked."""
    from textual import on
    from textual.app import App
    from textual.widgets import Static, TextArea

    from dbxwizard.screens.editing.base import PAUSE

    path = folder / "environments" / "Development.json"
    before = path.read_text("utf-8")
    area = TextArea(_large(folder).read_text("utf-8"), soft_wrap=False, show_line_numbers=True)
    path.write_text(before, "utf-8")
    said = Static("")

    class Bare(App[None]):
        asked, _pause = 0, None

        def compose(self) -> Any:
            yield area
            yield said

        @on(TextArea.Changed)
        def wait(self) -> None:
            if self._pause:
                self._pause.stop()
            self._pause = self.set_timer(PAUSE, self.tell)

        def tell(self) -> None:
            self.asked += 1
            said.update(f"{self.asked} times")

    app = Bare()
    app.animation_level = "none"
    async with app.run_test(size=(160, 40)) as pilot:
        area.focus()
        await pilot.pause()
        return await _typing(app, area, lambda: app.asked)


async def _typing(app: App[Any], area: Any, problems: Callable[[], object]) -> tuple[list[float], list[float]]:
    lines = area.document.lines
    comment = next(row for row, line in enumerate(lines) if line.lstrip().startswith("//"))
    region = next(row for row, line in enumerate(lines) if '"Location"' in line)
    area.move_cursor((comment, len(lines[comment])))
    typed = await _pressed(app, ["x", "y"] * (_KEYS // 2), lambda: area.cursor_location)
    await asyncio.sleep(1.0)  # what was typed is read
    area.move_cursor((region, lines[region].rindex('"')))
    found = [await _pressed(app, [key], problems) for key in ("x", "backspace") * _PROBLEMS]
    return typed, [seconds for times in found for seconds in times]


# two hundred environments


async def _fleet(folder: Path) -> dict[str, Any]:
    """The board of a fleet: seconds until it is there and until all is seen, megabytes, and keys meanwhile."""
    from dbxwizard.screens.widgets import Table

    program, began = _program(folder), time.perf_counter()
    async with program.run_test(size=(120, 40)) as pilot:
        await _ready(program)
        table = program.screen.query_one(Table)
        await _until(lambda: table.row_count == FLEET)
        opened = time.perf_counter() - began
        await pilot.pause()
        keys, rows = [], program.screen._rows
        while not all(row.at for row in rows.values()):
            keys += await _pressed(program, _up_and_down(), lambda: table.cursor_row)
        seen = time.perf_counter() - began
        megabytes = _megabytes(), *map(_megabytes, _children_of(os.getpid()))
        program.backend.leave()
    told = {"seconds to the board": opened, "to all states": seen}
    return told | dict(zip(("MB of the program", "of its backend"), megabytes, strict=True)) | {"keys": keys}


def _children_of(process: int) -> list[int]:
    """Whichever of its threads started them."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(one) for task in tasks for one in task.read_text().split()]


# memory


class _Time:
    """A clock that jumps to the next moment somebody waits for, once all of the board's three loops wait."""

    def __init__(self) -> None:
        self._now = time.time()
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._now + seconds, future))
        self._waiting = [one for one in self._waiting if not one[1].done()]
        if len(self._waiting) >= 3:
            at, first = min(self._waiting, key=lambda one: one[0])
            self._now = max(self._now, at)
            first.set_result(None)
        await future


async def _refreshing(folder: Path) -> tuple[float, float, float]:
    """The program and its backend in one process, so that both count: megabytes after 600 and after 3,600 looks."""
    from tests.hosting import Hosting

    host = Hosting(folder, os.environ, clock=_Time())
    program, looks, sizes = host.program(first="console"), 0, {}
    done = asyncio.Event()

    def count(row: Any) -> None:
        nonlocal looks
        looks += not row.looking and row.at > 0
        if looks in (FROM, REFRESHES) and looks not in sizes:
            gc.collect()
            sizes[looks] = _megabytes()
        if looks >= REFRESHES:
            done.set()

    began = time.perf_counter()
    async with program.run_test(size=(120, 40)):
        program.backend.listen("board", count)
        await _ready(program)
        await done.wait()
        program.backend.leave()
    return sizes[FROM], sizes[REFRESHES], time.perf_counter() - began


def _megabytes(process: int | str = "self") -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


_CHILDREN: Mapping[str, Callable[[Path], Awaitable[Any]]] = {
    "tree": _tree,
    "log": _log,
    "bare-tree": lambda _: _bare_tree(),
    "bare-log": lambda _: _bare_log(),
    "editor": _editor,
    "bare-editor": _bare_editor,
    "board": _board,
    "bare-board": lambda _: _bare_table(_BOARD, 4, 15),
    "run": _run_view,
    "bare-run": lambda _: _bare_table(_STEPS, 80, 15),
    "fleet": _fleet,
    "bare-fleet": lambda _: _bare_table(_BOARD, FLEET, 0),
    "memory": _refreshing,
}


async def _run(what: str, folder: Path) -> Any:
    return await _CHILDREN[what](folder)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(sys.argv[1], Path(sys.argv[2])))))
