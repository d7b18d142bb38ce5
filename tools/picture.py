"""Records the demo's terminal as docs/images/demo.svg, so that the README's picture stays true."""

from __future__ import annotations

import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "images" / "demo.svg"
WIDTH = 110
HEAD, TAIL = 6, 5  # lines shown of each command's output
# Cursor movements and erasures of the live board; what they draw over is not part of the record.
_CONTROL = re.compile(r"\x1b\[\??[0-9;]*[A-HJKSTfhlnsu]")


def main() -> None:
    lines = record([sys.executable, str(ROOT / "tools" / "demo.py")])
    console = Console(record=True, width=WIDTH, file=Path(os.devnull).open("w"))  # noqa: SIM115  closed at exit
    console.print(Text.from_ansi("\n".join(shortened(lines))), soft_wrap=False, overflow="ellipsis", no_wrap=True)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(TARGET), title="make demo")
    print(f"wrote {TARGET.relative_to(ROOT)}")


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
