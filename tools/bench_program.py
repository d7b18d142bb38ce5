"""The terminal program's part of `make bench`: each figure against the same Textual widget without our code.

Each side runs in a process of its own, in turns, on the same machine at the same time. `python -m tools.bench_program`
runs it alone.
"""

# ruff: noqa: S603 - only our own commands are run; what is measured is loaded where it is measured
from __future__ import annotations

import asyncio
import gc
import json
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from textual.app import App
    from textual.widget import Widget

_ROOT = Path(__file__).parent.parent
_ROUNDS = 7
_KEYS = 200
_LINES = 10_000
_REFRESHES, _FROM = 3600, 600
_EMPTY = """
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static("Looking at what is here")

Empty().run()
"""
_MARK = "Looking at what is here"


class Project(Protocol):
    """A project in a folder, whose sandbox another process serves."""

    folder: Path
    environ: dict[str, str]

    def run(self, *arguments: str) -> Any: ...

    def served(self, latency: str) -> AbstractContextManager[None]: ...

    def set_up(self) -> None: ...


def measure(make: Callable[[Path], Project]) -> None:
    print(f"\n{'terminal program':<44} {'ours':>8} {'bare':>8} {'ratio':>6}")
    with tempfile.TemporaryDirectory(prefix="dbxwizard-bench-") as folder:
        project = make(Path(folder))
        with project.served("zero"):
            project.set_up()
            _first_frame(project)
            for kind in ("tree", "log"):
                _compare(
                    f"scrolling {_LINES} lines of a {kind}", _child(project, kind), _child(project, f"bare-{kind}")
                )
            _while_deploying(project)
            _memory(project)


def _line(name: str, ours: float, bare: float, unit: str = "ms", scale: float = 1000) -> None:
    print(f"{name:<44} {ours * scale:>6.1f}{unit} {bare * scale:>6.1f}{unit} {ours / bare:>6.2f}", flush=True)


def _compare(name: str, *children: subprocess.Popen[str]) -> None:
    ours, bare = (_answer(child) for child in children)
    _line(name, statistics.median(ours), statistics.median(bare))


# the first frame


def _first_frame(project: Project) -> None:
    ours = [sys.executable, "-m", "dbxwizard", "--sandbox", "--console"]
    bare = [sys.executable, "-c", _EMPTY]
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        for command, times in zip((ours, bare), taken, strict=True):
            times.append(_until_shown(command, project))
    _line("first frame", statistics.median(taken[0]), statistics.median(taken[1]))


def _until_shown(command: Sequence[str], project: Project) -> float:
    """Seconds until the mark is on a terminal of its own."""
    began = time.perf_counter()
    child, terminal = pty.fork()
    if not child:
        os.chdir(project.folder)
        os.execvpe(command[0], list(command), {**project.environ, "TERM": "xterm-256color"})  # noqa: S606
    seen = b""
    while _MARK.encode() not in seen:
        if select.select([terminal], [], [], 60)[0]:
            seen += os.read(terminal, 65536)
    taken = time.perf_counter() - began
    os.write(terminal, b"\x11")  # ctrl+q
    _drain(terminal)
    os.waitpid(child, 0)
    os.close(terminal)
    return taken


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:  # how a terminal ends
        return


# children: each measures one side and prints its times as JSON


def _child(project: Project, what: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(Path(__file__)), what, str(project.folder)]
    environ = {**project.environ, "PYTHONPATH": str(_ROOT)}
    return subprocess.Popen(command, env=environ, cwd=project.folder, stdout=subprocess.PIPE, text=True)


def _answer(child: subprocess.Popen[str]) -> Any:
    said, _ = child.communicate()
    return json.loads(said.splitlines()[-1])


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
        for number in range(_LINES):
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
    return [f"{stamp} GET management.azure.com {path}/{number} 200 30 ms" for number in range(_LINES)]


async def _tree(folder: Path) -> list[float]:
    from dbxwizard.backend.items import Item
    from dbxwizard.backend.resources import Branch, EnvironmentResources
    from dbxwizard.screens import resources
    from dbxwizard.screens.widgets import Branches

    resources.PAGE = _LINES  # as somebody sees it who has asked for all pages
    items = tuple(Item("cluster", str(number), f"cluster-{number}", "RUNNING") for number in range(_LINES))
    seen = EnvironmentResources("Development", (Branch("Databricks", items=items),), time.time())
    program = _program(folder)
    async with program.run_test(size=(120, 40)) as pilot:
        await _ready(program)
        program.go_resources("Development")
        await _until(lambda: bool(program.screen.query(Branches)))
        await _until(lambda: bool(program.screen._seen))  # what there really is; it would come in between
        program.screen.post_message(resources.ResourcesSeen(seen))
        tree = program.screen.query_one(Branches)
        await _until(lambda: tree.last_line > _LINES)
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
        await _until(lambda: view.count[1] >= _LINES)
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


# keys while four environments deploy


def _while_deploying(project: Project) -> None:
    ours, bare = _child(project, "deploying"), _child(project, "bare-table")
    _compare("key to screen while four environments deploy", ours, bare)


def _up_and_down() -> list[str]:
    return ["down", "down", "down", "up", "up", "up"] * (_KEYS // 6)


async def _deploying(folder: Path) -> list[float]:
    """The board, with a deployment of everything in the backend that it listens to."""
    from dbxwizard.screens.widgets import Table

    program = _program(folder)
    async with program.run_test(size=(120, 40)) as pilot:
        await _ready(program)
        await pilot.pause()
        plan = await program.backend.ask.plan_deploy()
        run = await program.backend.ask.apply(plan=plan.id)
        table, times = program.screen.query_one(Table), []
        while (await program.backend.ask.events(run=run)).ended is False:
            times += await _pressed(program, _up_and_down(), lambda: table.cursor_row)
        program.backend.leave()
        return times


async def _bare_table() -> list[float]:
    from textual.app import App
    from textual.widgets import DataTable

    table: DataTable[str] = DataTable(cursor_type="row", zebra_stripes=True)

    class Bare(App[None]):
        def compose(self) -> Any:
            yield table

    app, times = Bare(), []
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot:
        table.add_columns("environment", "state", "drift", "running", "last deployment", "ends soon", "seen")
        for name in ("Development", "UAT", "PreProduction", "Production"):
            table.add_row(name, "deployed", "none", "2 of 2", "success", "", "3 s")
        await pilot.pause()
        ends = time.perf_counter() + 15
        while time.perf_counter() < ends:
            times += await _pressed(app, _up_and_down(), lambda: table.cursor_row)
    return times


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


def _memory(project: Project) -> None:
    early, late, seconds = _answer(_child(project, "memory"))
    growth = (late - early) / early * 100
    name = f"memory after {_FROM} and {_REFRESHES} looks, in {seconds:.0f} s"
    print(f"{name:<44} {early:>6.1f}MB {late:>6.1f}MB {growth:>5.1f}%", flush=True)


async def _refreshing(folder: Path) -> tuple[float, float, float]:
    """The program and its backend in one process, so that both count: megabytes after 600 and after 3,600 looks."""
    from tests.hosting import Hosting

    host = Hosting(folder, os.environ, clock=_Time())
    program, looks, sizes = host.program(first="console"), 0, {}
    done = asyncio.Event()

    def count(row: Any) -> None:
        nonlocal looks
        looks += not row.looking and row.at > 0
        if looks in (_FROM, _REFRESHES) and looks not in sizes:
            gc.collect()
            sizes[looks] = _megabytes()
        if looks >= _REFRESHES:
            done.set()

    began = time.perf_counter()
    async with program.run_test(size=(120, 40)):
        program.backend.listen("board", count)
        await _ready(program)
        await done.wait()
        program.backend.leave()
    return sizes[_FROM], sizes[_REFRESHES], time.perf_counter() - began


def _megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


_CHILDREN: Mapping[str, Callable[[Path], Awaitable[Any]]] = {
    "tree": _tree,
    "log": _log,
    "bare-tree": lambda _: _bare_tree(),
    "bare-log": lambda _: _bare_log(),
    "deploying": _deploying,
    "bare-table": lambda _: _bare_table(),
    "memory": _refreshing,
}


async def _run(what: str, folder: Path) -> Any:
    return await _CHILDREN[what](folder)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(asyncio.run(_run(sys.argv[1], Path(sys.argv[2])))))
    else:
        from tools.bench import Bench

        print(f"load when it began: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        measure(Bench)
        print(f"load when it ended: {os.getloadavg()[0]:.1f}")
