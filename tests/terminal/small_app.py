"""A program of one screen that ends in every way that a program can end. `python small_app.py FOLDER`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import Static

from dbxwizard.cli import crash
from dbxwizard.core.secret import Secret

PASSWORD = "correct-horse-battery-staple"


class SmallApp(App[None]):
    """Each key is a way to end."""

    BINDINGS = [  # noqa: RUF012  as Textual has it
        ("q", "quit", "Quit"),
        ("h", "fail", "Fail in a handler"),
        ("w", "fail_in_worker", "Fail in a worker"),
        ("x", "leave_the_loop", "An exception that no handler of Textual's takes"),
        ("b", "block", "Block the loop"),
    ]

    def compose(self) -> ComposeResult:
        yield Static("ready", markup=False)

    def action_fail(self) -> None:
        local = Secret(PASSWORD).reveal()
        raise ValueError(f"no good: {local}")

    def action_fail_in_worker(self) -> None:
        self.run_worker(self._fail())

    async def _fail(self) -> None:
        raise LookupError(f"nothing like {os.environ['TEST_PASSWORD'][:3]}")

    def action_leave_the_loop(self) -> None:
        asyncio.get_running_loop().call_soon(self._exit_hard)

    def _exit_hard(self) -> None:
        raise SystemExit(7)

    def action_block(self) -> None:
        os.write(2, b"blocked")
        while True:
            time.sleep(60)  # signals are taken, the loop is not reached


if __name__ == "__main__":
    sys.exit(crash.run(SmallApp(), Path(sys.argv[1])))
