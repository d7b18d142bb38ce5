"""Draws the program into a pipe, as the server has it, and ends it when the pipe closes.

Textual's own web driver goes on without input when its server is gone, at full load; this one does not.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO

from textual import messages
from textual.drivers.web_driver import WebDriver

GRACE = 3.0  # seconds in which the program may end by itself
LARGEST_FILE = 16 * 1024 * 1024  # bytes that are handed to the browser in one piece


class PipeDriver(WebDriver):
    """Frames on the pipe, in both directions: a letter, the length in four bytes (big endian), the content.

    D: what a terminal would get or send; M: a JSON object; F: a file, the 32 characters of its key first, after an M
    that names it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._write = partial(self._send)
        self._sending = threading.Lock()
        self._is_lost = threading.Event()

    def _send(self, frame: bytes) -> int:
        rest = memoryview(frame)
        try:
            with self._sending:
                while rest and not self._is_lost.is_set():
                    rest = rest[os.write(self.fileno, rest) :]
        except BrokenPipeError:
            self._lose()
        return len(frame)

    def run_input_thread(self) -> None:
        """Returns when the program leaves, or its pipe was closed."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._lose()

    def _lose(self) -> None:
        """Nobody looks any more: the program may leave in order, then it is ended with all that it started."""
        if self._is_lost.is_set():
            return
        self._is_lost.set()
        last = threading.Timer(GRACE, _end)
        last.daemon = True
        last.start()
        self._app.post_message(messages.ExitApp())

    def _deliver_file(
        self,
        binary: BinaryIO | TextIO,
        *,
        delivery_key: str,
        save_path: Path,
        open_method: Literal["browser", "download"],
        encoding: str | None = None,
        mime_type: str | None = None,
        name: str | None = None,
    ) -> None:
        """Hands over the whole file; the name is that of `save_path`. In a thread, as Textual's drivers do it."""

        def deliver() -> None:
            try:
                content = _read(binary, encoding or "utf-8")
            except (OSError, ValueError) as error:
                self._delivery_failed(delivery_key, exception=error, name=name)
                return
            told = {"type": "file", "key": delivery_key, "name": save_path.name}
            self._send_frame(b"M", json.dumps(told).encode())
            self._send_frame(b"F", delivery_key.encode() + content)
            self._delivery_complete(delivery_key, save_path=None, name=name)

        threading.Thread(target=deliver, daemon=True).start()

    def _send_frame(self, letter: bytes, content: bytes) -> None:
        self._send(letter + len(content).to_bytes(4, "big") + content)


def _read(file: BinaryIO | TextIO, encoding: str) -> bytes:
    """All of it. Raises ValueError where it is larger than LARGEST_FILE."""
    with file:
        file.seek(0)
        read = file.read(LARGEST_FILE + 1)
    content = read.encode(encoding) if isinstance(read, str) else read
    if len(content) > LARGEST_FILE:
        raise ValueError("the file is too large for the browser")
    return content


def _end() -> None:
    """Ends this process, and its group where it leads one, as under the server."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
