"""A program in a terminal of its own, as a person has it: keys in, picture out, and the state that it leaves behind."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import termios
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType

PATIENCE = 120.0  # seconds; a busy machine proves nothing
_MODES = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_AT_FIRST = frozenset({"7", "25"})  # what a terminal has turned on when nobody asked for anything: wrap and the cursor


class InTerminal:
    """Starts `command` in a new session whose terminal has 80 columns and 24 rows."""

    def __init__(self, *command: str, cwd: Path, **environ: str) -> None:
        self._master, self._slave = pty.openpty()
        termios.tcsetwinsize(self._slave, (24, 80))
        self.settings = termios.tcgetattr(self._slave)
        self.output = b""
        clean = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "TEXTUAL_DRIVER")}
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**clean, "TERM": "xterm-256color", **environ},
            preexec_fn=partial(os.login_tty, self._slave),  # noqa: PLW1509  nothing else runs here
        )
        self._ended = os.pidfd_open(self._process.pid)

    def __enter__(self) -> InTerminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for one in (self._master, self._slave, self._ended):
            os.close(one)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait_for(self, text: bytes) -> None:
        """Until `text` was drawn."""
        while text not in self.output:
            self.wait_for_more()

    def wait_for_more(self) -> None:
        """Until anything more was drawn."""
        assert self._read(), f"ended before that: {self.output!r}"

    def wait_for_end(self) -> int:
        """The exit code, all output read."""
        while self._read():
            pass
        return self._process.wait()

    def _read(self) -> bool:
        """Reads what there is; waits for more while the program runs. False: it has ended and all is read."""
        ready, _, _ = select.select([self._master, self._ended], [], [], PATIENCE)
        assert ready, f"nothing happened: {self.output[-400:]!r}"
        if self._master in ready:
            self.output += os.read(self._master, 65536)
            return True
        return False

    def assert_given_back(self) -> None:
        """The settings are those of before, and every mode that the program turned on is off again."""
        assert termios.tcgetattr(self._slave) == self.settings
        on = set(_AT_FIRST)
        for modes, letter in _MODES.findall(self.output):
            changed = set(modes.decode().split(";"))
            on = on | changed if letter == b"h" else on - changed
        assert on == _AT_FIRST
        assert self.output.count(b"\x1b[>") <= self.output.count(b"\x1b[<u")  # keyboard protocol

    @property
    def last_words(self) -> str:
        """What stands on the main screen after the program has left its own."""
        after = self.output.rpartition(b"\x1b[?1049l")[2]
        return re.sub(rb"\x1b\[[^a-zA-Z]*[a-zA-Z]", b"", after).decode().replace("\r\n", "\n").strip()


def processes_with(variable: str, argument: str) -> list[int]:
    """Those that have this variable in their environment and this argument (Linux, proc(5))."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):  # not ours, or ended meanwhile
            if folder.name.isdecimal() and variable.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found += [int(folder.name)] * (argument.encode() in (folder / "cmdline").read_bytes().split(b"\0"))
    return found


def wait_until_ended(processes: Iterable[int], *, kill: bool = False) -> None:
    """Whoever their parent is; `kill` ends them first."""
    for process in processes:
        try:
            handle = os.pidfd_open(process)
        except ProcessLookupError:
            continue
        if kill:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        ready, _, _ = select.select([handle], [], [], PATIENCE)
        os.close(handle)
        assert ready, f"{process} goes on"
