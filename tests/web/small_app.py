"""A program of one screen, to be served. It says which process it is in the folder that TEST_FOLDER names."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

from textual.app import App, ComposeResult
from textual.events import Resize
from textual.widgets import Input, Static

FOLDER = Path(os.environ["TEST_FOLDER"])


class SmallApp(App[None]):
    """What is typed is shown and kept; some words do something."""

    def compose(self) -> ComposeResult:
        yield Static("", id="said", markup=False)
        yield Static("● größer", markup=False)
        yield Input()

    def on_mount(self) -> None:
        (FOLDER / f"{os.getpid()}.pid").write_text("")
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        word = event.value
        event.input.clear()
        (FOLDER / "typed").write_text(word)
        self.query_one("#said", Static).update(f"you said {word}")
        if word == "leave":
            self.exit()
        elif word == "fail":
            self.exit(return_code=3, message="it did not work: github_pat_0123456789abcdef")
        elif word == "hang":
            child = subprocess.Popen(["sleep", "10000"])
            (FOLDER / f"{child.pid}.child").write_text("")
            assert self._driver
            self._driver.write("hanging")
            time.sleep(10_000)
        elif word == "copy":
            self.copy_to_clipboard("größer")
        elif word == "file":
            self.deliver_text(io.StringIO("column\n1\n"), save_filename="table one.csv")

    def on_resize(self, event: Resize) -> None:
        told = f"ready, size {event.size.width}x{event.size.height} {' '.join(sys.argv[1:])}"
        self.query_one("#said", Static).update(told)


if __name__ == "__main__":
    app = SmallApp()
    app.run()
    sys.exit(app.return_code or 0)
