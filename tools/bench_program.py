"""The terminal program's part of `make bench`: each figure against the same Textual widget without our code.

Each side runs in a process of its own, in turns, on the same machine at the same time. `python -m tools.bench_program`
runs it alone.
"""

# ruff: noqa: S603 - only our own commands are run
from __future__ import annotations

import json
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from tools.bench import generate
from tools.bench_sides import FLEET, FROM, LARGE, LINES, REFRESHES

_ROOT = Path(__file__).parent.parent
_SIDES = Path(__file__).with_name("bench_sides.py")
_DEPLOYED = 20  # of the fleet
_ROUNDS = 7
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
    with _project(make) as project:
        _first_frame(project)
        for kind in ("tree", "log"):
            _compare(f"scrolling {LINES} lines of a {kind}", project, kind)
        _editing(project)
        _compare("key to the board while four deploy", project, "board", "bare-board")
        _memory(project)
    with _project(make) as project:
        _compare("key to the run while four deploy", project, "run")
    with _project(make) as project:
        _fleet(project)


@contextmanager
def _project(make: Callable[[Path], Project]) -> Iterator[Project]:
    """A new one, set up."""
    with tempfile.TemporaryDirectory(prefix="dbxwizard-bench-") as folder:
        project = make(Path(folder))
        with project.served("zero"):
            project.set_up()
            yield project


def _line(name: str, ours: float, bare: float, unit: str = "ms", scale: float = 1000) -> None:
    print(f"{name:<44} {ours * scale:>6.1f}{unit} {bare * scale:>6.1f}{unit} {ours / bare:>6.2f}", flush=True)


def _compare(name: str, project: Project, ours: str, bare: str = "") -> None:
    """Both sides at the same time."""
    sides = _child(project, ours), _child(project, bare or f"bare-{ours}")
    _line(name, *(statistics.median(_answer(side)) for side in sides))


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


# the sides


def _child(project: Project, what: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(_SIDES), what, str(project.folder)]
    environ = {**project.environ, "PYTHONPATH": str(_ROOT)}
    return subprocess.Popen(command, env=environ, cwd=project.folder, stdout=subprocess.PIPE, text=True)


def _answer(child: subprocess.Popen[str]) -> Any:
    said, _ = child.communicate()
    return json.loads(said.splitlines()[-1])


# what tells more than one figure


def _editing(project: Project) -> None:
    """Each key waits for its frame, and each problem for the pause after which the text is read."""
    typed, found = zip(*(_answer(_child(project, side)) for side in ("editor", "bare-editor")), strict=True)
    _line(f"key to screen in a text of {LARGE} lines", *map(statistics.median, typed))
    _line("key to problem shown there", *map(statistics.median, found))


def _fleet(project: Project) -> None:
    generate(project.folder / "environments", FLEET)
    deployed = [option for number in range(1, _DEPLOYED + 1) for option in ("-e", f"Fleet{number:03}")]
    project.run("deploy", "--yes", *deployed)
    ours, bare = (_answer(_child(project, side)) for side in ("fleet", "bare-fleet"))
    _line(f"key to a board of {FLEET}", statistics.median(ours.pop("keys")), statistics.median(bare))
    told = ", ".join(f"{name} {value:.1f}" for name, value in ours.items())
    print(f"{FLEET} environments, {_DEPLOYED} deployed: {told}", flush=True)


def _memory(project: Project) -> None:
    early, late, seconds = _answer(_child(project, "memory"))
    growth = (late - early) / early * 100
    name = f"memory after {FROM} and {REFRESHES} looks, in {seconds:.0f} s"
    print(f"{name:<44} {early:>6.1f}MB {late:>6.1f}MB {growth:>5.1f}%", flush=True)


if __name__ == "__main__":
    from tools.bench import Bench

    print(f"load when it began: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    measure(Bench)
    print(f"load when it ended: {os.getloadavg()[0]:.1f}")
