"""A browser's part in a session, without a browser, and the processes behind it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from dbxwizard.web.server import Server, Settings

SMALL_APP = (sys.executable, str(Path(__file__).with_name("small_app.py")))
PATIENCE = 120.0  # seconds; a busy machine proves nothing


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[Server]:
    """A server of this process, with the small program where nothing else is said."""
    told: dict[str, Any] = {"command": SMALL_APP, "port": 0, **settings}
    server = Server(Settings(**told), tell=lambda _: None)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Visitor:
    """Keeps cookies as a browser does. `place` is the URL that the token led to."""

    def __init__(self) -> None:
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.place = URL()

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def enter(self, address: str, **options: Any) -> None:
        async with self.http.get(address, **options) as answer:
            assert answer.status == 200, await answer.text()
            found = re.search(r'url=([^"]+)"', await answer.text())
        assert found
        self.place = URL(address).join(URL(found[1]))

    async def status(self, path: str = "", **options: Any) -> int:
        async with self.http.get(self.place.join(URL(path)), **options) as answer:
            return answer.status

    async def connect(self, query: str = "", **headers: str) -> Terminal:
        """Opens the socket, as the page does."""
        address = self.place.join(URL(f"socket{query}"))
        return Terminal(await self.http.ws_connect(address, headers={"Origin": str(self.place.origin()), **headers}))


class Terminal:
    """The browser's end of a socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.drawn = b""
        self.told: list[list[object]] = []

    async def wait_for(self, text: str) -> None:
        """Until `text` was drawn."""
        while text.encode() not in self.drawn:
            message = await self.socket.receive(PATIENCE)
            if message.type is aiohttp.WSMsgType.BINARY:
                self.drawn += message.data
            elif message.type is aiohttp.WSMsgType.TEXT:
                self.told.append(message.json())
            else:
                raise AssertionError(f"closed without {text!r}: {self.drawn[-800:]!r}")

    async def wait_for_close(self) -> int | None:
        """The code that the server closes with."""
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.drawn += message.data
        return self.socket.close_code

    async def say(self, word: str) -> None:
        """Types a word and enter."""
        await self.socket.send_json(["stdin", f"{word}\r"])


def processes(folder: Path, kind: str = "pid") -> list[int]:
    """Those that the small program has told of, the last one last."""
    return [int(path.stem) for path in sorted(folder.glob(f"*.{kind}"), key=lambda path: path.stat().st_mtime_ns)]


async def ended(process: int) -> None:
    """Until that process has ended, whoever its parent is."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, over.set)
    try:
        async with asyncio.timeout(PATIENCE):
            await over.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
