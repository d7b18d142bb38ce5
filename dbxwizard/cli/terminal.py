"""The terminal that the program draws on: whether it can be drawn on, and how it is given back after any end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

from dbxwizard.core.errors import UsageError

GRACE = 3.0  # seconds in which the program may end by itself after a signal
_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
# What Textual's driver turns on, turned off: keyboard protocol (it belongs to the alternate screen, so it goes first),
# paste brackets, mouse, focus, resize reports, synchronized output; then line wrap, colours, main screen and cursor.
_RESET = (
    b"\x1b[<u\x1b[?2004l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l\x1b[?2048l\x1b[?2026l"
    b"\x1b[?7h\x1b[0m\x1b[?1049l\x1b[?25h"
)


_KEYS, _PICTURE = 0, 2  # Textual reads stdin and draws on stderr


def is_served(environ: Mapping[str, str]) -> bool:
    """Whether `dbxwizard serve` draws for this process, in a browser."""
    return bool(environ.get("TEXTUAL_DRIVER"))


def require_terminal(environ: Mapping[str, str]) -> None:
    """Raises UsageError where no screen can be drawn."""
    if is_served(environ):
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "no-terminal",
            "the program needs a terminal for its keys and its picture",
            resource="dbxwizard",
            fix="Start it in a terminal, or use a command: dbxwizard --help.",
        )
    if environ.get("TERM") in ("dumb", "unknown"):
        raise UsageError(
            "terminal-dumb",
            f"TERM={environ['TERM']}: this terminal can't move its cursor",
            resource="dbxwizard",
            fix="Use another terminal, dbxwizard serve for a browser, or a command: dbxwizard --help.",
        )


class Terminal:
    """The terminal as it was before the program drew on it. Outside a terminal it does nothing."""

    def __init__(self) -> None:
        self.ended_by = 0  # number of the signal that ended the program
        self._settings = _settings()

    def restore_settings(self) -> None:
        if self._settings is not None:
            import termios

            with suppress(termios.error):
                termios.tcsetattr(_KEYS, termios.TCSANOW, self._settings)

    def restore(self) -> None:
        """Puts settings, screen, mouse and cursor back, whatever state the program left them in."""
        self.restore_settings()
        if self._settings is not None:
            with suppress(OSError):
                os.write(_PICTURE, _RESET)

    @contextmanager
    def ending(self, leave: Callable[[int], object]) -> Iterator[None]:
        """While it lasts, a signal that ends the program calls `leave` with its number, in the main thread; whoever has
        not left in GRACE seconds, or at the second signal, is ended with the terminal restored."""

        def ask(number: int, _frame: FrameType | None) -> None:
            if self.ended_by:
                self._force(number)
            self.ended_by = number
            patience = threading.Timer(GRACE, self._force, (number,))
            patience.daemon = True
            patience.start()
            leave(number)

        before = {number: signal.signal(number, ask) for number in _ENDING}
        try:
            yield
        finally:
            if not self.ended_by:  # else a thread that hangs may still keep the process from ending
                for number, handler in before.items():
                    signal.signal(number, handler)

    def _force(self, number: int) -> NoReturn:
        self.restore()
        os._exit(128 + number)


def _settings() -> list[Any] | None:
    try:
        import termios
    except ImportError:  # Windows, where Textual's driver has the console's modes
        return None
    try:
        return termios.tcgetattr(_KEYS)
    except termios.error:
        return None
