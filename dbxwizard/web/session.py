"""One process of the program, joined to one tab of a browser; it ends with the tab."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, WSMsgType, web

from dbxwizard.core.secret import hide
from dbxwizard.web.driver import GRACE, LARGEST_FILE

LONGEST_MESSAGE = 1024 * 1024  # bytes of what a browser may send at once: a pasted file, not a flood
_LONGEST_FRAME = LARGEST_FILE + 1024
_SMALLEST, _LARGEST = (10, 4), (500, 200)  # columns and rows that are asked for in earnest
_LAST_WORDS = 4000  # characters of what the program said on stderr
_HEAD = struct.Struct(">cI")
_BEGIN = b"__GANGLION__\n"  # after this line come frames
_CLEAR = b"\x1b[?1049l\x1b[?1003l\x1b[?1000l\x1b[2J\x1b[H\x1b[0m"


class _ProtocolError(Exception):
    """One side does not keep to the protocol; the text says how."""


@dataclass(frozen=True, slots=True)
class File:
    """What the program hands over to be saved by the browser."""

    name: str
    content: bytes = b""


@dataclass(eq=False, slots=True)
class Session:
    """`command` is what runs, with PipeDriver; `socket` leads to the terminal in the browser."""

    command: Sequence[str]
    socket: web.WebSocketResponse
    files: dict[str, File] = field(default_factory=dict)  # handed over and not fetched yet, by key

    async def run(self, columns: int, rows: int) -> int:
        """Until the program leaves, the tab is closed or the task is cancelled. Returns the program's exit code."""
        process = await _start(self.command, columns, rows)
        words = asyncio.create_task(_last_words(process))
        try:
            await self._join(process)
        finally:
            code = await asyncio.shield(asyncio.ensure_future(_end(process)))
            await asyncio.wait([words], timeout=1)  # what it started may live on and hold its stderr
            words.cancel()
            await self._explain(code, words.result() if words.done() else "")
        return code

    async def _join(self, process: asyncio.subprocess.Process) -> None:
        tasks = [asyncio.create_task(self._draw(process)), asyncio.create_task(self._type(process))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # one of the two has gone; that is how a session ends
        except _ProtocolError as error:
            await self.socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode()[:100])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _explain(self, code: int, words: str) -> None:
        """Shows what the program said when it failed; a browser that has gone does not hear it."""
        with suppress(ConnectionError, RuntimeError):
            if code and words and not self.socket.closed:
                await self.socket.send_bytes(_CLEAR + hide(words).replace("\n", "\r\n").encode())
            await self.socket.close()

    # from the program to the browser

    async def _draw(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101  a pipe
        try:
            while (line := await process.stdout.readline()) and line != _BEGIN:
                pass
        except ValueError as error:  # a line without an end
            raise _ProtocolError("the program does not draw") from error
        while True:
            letter, length = _HEAD.unpack(await process.stdout.readexactly(_HEAD.size))
            if length > _LONGEST_FRAME:
                raise _ProtocolError("the program sent a frame that is too long")
            content = await process.stdout.readexactly(length)
            if letter == b"D":
                await self.socket.send_bytes(content)
            elif letter == b"M":
                await self._obey(json.loads(content))
            elif letter == b"F":
                await self._hand_over(content)

    async def _obey(self, told: dict[str, object]) -> None:
        if told.get("type") == "open_url" and urlsplit(str(told.get("url"))).scheme in ("http", "https"):
            await self.socket.send_json(["open_url", {"url": told["url"], "new_tab": True}])
        elif told.get("type") == "file":
            self.files.clear()  # one at a time: what was not fetched is not wanted
            self.files[str(told["key"])] = File(str(told["name"]))

    async def _hand_over(self, content: bytes) -> None:
        key = content[:32].decode()
        self.files[key] = File(self.files[key].name, content[32:])
        await self.socket.send_json(["deliver_file_start", key])

    # from the browser to the program

    async def _type(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101  a pipe
        async for message in self.socket:
            if message.type is not WSMsgType.TEXT:
                raise _ProtocolError("a message that is no text")
            frame = await self._read(message.data)
            if frame:
                process.stdin.write(_HEAD.pack(frame[:1], len(frame) - 1) + frame[1:])
                await process.stdin.drain()

    async def _read(self, text: str) -> bytes:
        """The frame for the program that a message stands for: a letter and its content."""
        match _parsed(text):
            case ["stdin", str(keys)]:
                return b"D" + keys.encode("utf-8", "replace")
            case ["resize", {"width": int(columns), "height": int(rows)}]:
                width, height = within(columns, rows)
                return b"M" + json.dumps({"type": "resize", "width": width, "height": height}).encode()
            case ["focus" | "blur" as kind]:
                return b"M" + json.dumps({"type": kind}).encode()
            case ["ping", str(number)]:
                await self.socket.send_json(["pong", number])
                return b""
        raise _ProtocolError("a message of no known form")


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def within(columns: int, rows: int) -> tuple[int, int]:
    """The nearest size that a terminal may have: a picture takes memory for each of its cells."""
    width, height = (
        min(max(asked, least), most) for asked, least, most in zip((columns, rows), _SMALLEST, _LARGEST, strict=True)
    )
    return width, height


async def _start(command: Sequence[str], columns: int, rows: int) -> asyncio.subprocess.Process:
    """In a process group of its own, so that all of it can be ended."""
    environ = {
        **os.environ,
        "TEXTUAL_DRIVER": "dbxwizard.web.driver:PipeDriver",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "TERM": "xterm-256color",
        "COLUMNS": str(columns),
        "ROWS": str(rows),
        "LINES": str(rows),
    }
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=pipe, env=environ, start_new_session=True
    )


async def _last_words(process: asyncio.subprocess.Process) -> str:
    """The end of what it says on stderr, which is read so that it can't be held up there."""
    assert process.stderr is not None  # noqa: S101  a pipe
    said = b""
    while read := await process.stderr.read(4096):
        said = (said + read)[-_LAST_WORDS:]
    return said.decode("utf-8", "replace").strip()


async def _end(process: asyncio.subprocess.Process) -> int:
    """Closes its pipe, at which it leaves; ends its group when it does not. Returns its exit code."""
    assert process.stdin is not None  # noqa: S101  pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.close()
    reading = asyncio.create_task(_discard(process.stdout))  # it must not hang in a write to us
    try:
        async with asyncio.timeout(GRACE + 2):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        reading.cancel()
    return await process.wait()


async def _discard(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass
