"""Runs a program in a process group of its own, and ends the whole group.

docs.github.com/actions/reference/workflows-and-actions/workflow-cancellation: SIGINT, after 7.5 seconds SIGTERM, after
another 2.5 the group is killed. What a step leaves in the background is killed when the step has ended, as a runner
does at the job's end. When this process is killed itself, a guard ends the group.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_INTERRUPTED, _TERMINATED = 7.5, 2.5
_PACE = 0.02  # seconds between looks at a process
_LINGERING = 0.5  # seconds that what a shell left behind may still print
# Reads a word from whoever runs the step; without one, at the end of its input, that process is gone.
_GUARD = ("/bin/sh", "-c", 'read -r _ || kill -KILL "-$1"', "guard")
_LONGEST_LINE = 1024 * 1024  # characters; a longer one goes on in the next


@dataclass(frozen=True, slots=True)
class Ended:
    """`code`: as the shell has it, 128 and more for a signal. `reason`: empty, cancelled or timeout."""

    code: int
    reason: str = ""


class Stop:
    """Asks what runs to end: set once, from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        return self._event.wait(seconds)


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
    stop: Stop,
    seconds: float | None = None,
) -> Ended:
    """Runs `command`, whose output comes line by line. Raises OSError where it can't be started."""
    process = subprocess.Popen(  # noqa: S603 - a workflow's own steps are what this is for
        list(command),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
    )
    guard = subprocess.Popen(  # noqa: S603 - our own words
        [*_GUARD, str(process.pid)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    watch = _Watch(process, stop, seconds)
    watch.start()
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        with process.stdout as output:
            while line := output.readline(_LONGEST_LINE):
                on_line(line.rstrip("\r\n"))
    finally:
        watch.finish()
        guard.communicate(b"done\n")
    code = process.wait()
    return Ended(code if code >= 0 else 128 - code, watch.reason)


class _Watch(threading.Thread):
    """Ends the group when it is asked to or its time is over, and whatever is left of it in the end.

    The process is not reaped meanwhile, so that its number stays that of the group.
    """

    def __init__(self, process: subprocess.Popen[str], stop: Stop, seconds: float | None) -> None:
        super().__init__(name="dbxwizard-step", daemon=True)
        self._process = process
        self._asked = stop
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._output_ended = threading.Event()
        self.reason = ""

    def run(self) -> None:
        while not self._exited():
            if self._asked.wait(_PACE):
                self.reason = "cancelled"
            elif self._deadline is not None and time.monotonic() >= self._deadline:
                self.reason = "timeout"
            if self.reason:
                self._end()
                return
        # What the shell left in the background holds the pipe open.
        if not self._output_ended.wait(_LINGERING):
            self._signal(signal.SIGKILL)

    def _exited(self) -> bool:
        if not hasattr(os, "waitid"):  # macOS before Python 3.13: there it is reaped, and its number could be another's
            return self._process.poll() is not None
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _end(self) -> None:
        for number, patience in ((signal.SIGINT, _INTERRUPTED), (signal.SIGTERM, _TERMINATED)):
            self._signal(number)
            end = time.monotonic() + patience
            while not self._exited() and time.monotonic() < end:
                time.sleep(_PACE)
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def finish(self) -> None:
        """The output has ended: waits for the process, and leaves nothing of its group."""
        self._output_ended.set()
        self.join()
        self._signal(signal.SIGKILL)
