"""Chromium without a window, driven over the DevTools protocol (chromedevtools.github.io/devtools-protocol)."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pyte

PATIENCE = 120.0  # seconds; a busy machine proves nothing
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--ignore-certificate-errors",
)


def installed() -> str | None:
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


class Screen(pyte.Screen):
    """What a terminal shows. Textual asks for modes and keyboard protocols that pyte does not know."""

    def report_device_status(self, *_: Any, **__: Any) -> None:
        """Nobody hears the answer."""

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.display)


class Tab:
    """One page. `requests`: the address of each request that it has made; `screen`: what its terminal was sent."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self.target = target
        self.requests: list[str] = []
        self.failures: list[str] = []
        self.answers: dict[str, int] = {}
        self.screen = Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        self.sockets_opened = self.sockets_closed = 0
        self.changed = asyncio.Condition()

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command of the protocol, for this page."""
        return await self._browser.do(method, self._session, **parameters)

    async def hear(self, method: str, event: dict[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.requests.append(event["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(event["url"])
                self.sockets_opened += 1
                self.screen.reset()
                self._resize(**dict(pair.split("=") for pair in urlsplit(event["url"]).query.split("&")))
            case "Network.responseReceived":
                self.answers[event["response"]["url"]] = event["response"]["status"]
            case "Network.webSocketFrameReceived" if event["response"]["opcode"] == 2:
                self._stream.feed(base64.b64decode(event["response"]["payloadData"]))
            case "Network.webSocketFrameSent" if event["response"]["payloadData"].startswith('["resize"'):
                self._resize(**json.loads(event["response"]["payloadData"])[1])
            case "Network.webSocketClosed":
                self.sockets_closed += 1
            case "Log.entryAdded" if event["entry"]["level"] == "error":
                self.failures.append(event["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.failures.append(str(event["exceptionDetails"]))
        async with self.changed:
            self.changed.notify_all()

    def _resize(self, width: str | int, height: str | int) -> None:
        self.screen.resize(int(height), int(width))

    async def wait(self, done: Callable[[], bool]) -> None:
        """Until `done`, looked at whenever something has happened."""
        try:
            async with asyncio.timeout(PATIENCE), self.changed:
                await self.changed.wait_for(done)
        except TimeoutError:
            raise AssertionError(f"waited in vain; failures {self.failures}, screen:\n{self.screen.text}") from None

    async def wait_for(self, text: str) -> None:
        await self.wait(lambda: text in self.screen.text)

    async def go(self, address: str) -> None:
        await self.do("Page.navigate", url=address)

    async def value(self, expression: str) -> Any:
        """What the expression gives, in the page; a promise is waited for."""
        answer = await self.do("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def type(self, text: str) -> None:
        await self.do("Input.insertText", text=text)

    async def press(self, key: str, code: int, modifiers: int = 0, text: str = "") -> None:
        """A key by its name and number (W3C UI Events); modifiers: 1 alt, 2 control, 8 shift."""
        described = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers, "text": text}
        await self.do("Input.dispatchKeyEvent", type="keyDown", **described)
        await self.do("Input.dispatchKeyEvent", type="keyUp", **described)

    async def enter(self) -> None:
        await self.press("Enter", 13, text="\r")

    async def click(self, x: int, y: int) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.do("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def click_on(self, pattern: str, which: int = 0) -> None:
        """The middle of what `pattern` (its group, where it has one) matches in a line of the terminal, the first time
        or a later one."""
        await self.wait(lambda: len(self.places(pattern)) > which)
        column, row = self.places(pattern)[which]
        area = await self.value("document.querySelector('.xterm-screen').getBoundingClientRect().toJSON()")
        x = area["x"] + column * area["width"] / self.screen.columns
        y = area["y"] + (row + 0.5) * area["height"] / self.screen.lines
        await self.click(round(x), round(y))

    def is_bright(self, column: float, row: int) -> bool:
        """Whether a button there can be pressed: those that can't are drawn darker."""
        ground = self.screen.buffer[row][int(column)].bg
        return len(ground) == 6 and max(bytes.fromhex(ground)) > 0xF0

    def places(self, pattern: str) -> list[tuple[float, int]]:
        """Column and row of each match."""
        found = [(re.finditer(pattern, line), row) for row, line in enumerate(self.screen.display)]
        return [(sum(one.span(one.re.groups)) / 2, row) for matches, row in found for one in matches]

    async def screenshot(self) -> bytes:
        """A PNG, once what was sent is drawn."""
        await self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return base64.b64decode((await self.do("Page.captureScreenshot", format="png"))["data"])

    async def close(self) -> None:
        await self._browser.do("Target.closeTarget", targetId=self.target)


class Browser:
    """One running Chromium with a profile of its own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tabs: dict[str, Tab] = {}
        self._listeners: list[tuple[str, Callable[[dict[str, Any]], bool], asyncio.Future[None]]] = []

    async def do(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        to = {"sessionId": session} if session else {}
        await self._socket.send_json({"id": number, "method": method, "params": parameters, **to})
        async with asyncio.timeout(PATIENCE):
            found: dict[str, Any] = await answer
            return found

    async def listen(self) -> None:
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._settle(told)
            elif (tab := self._tabs.get(told.get("sessionId", ""))) is not None:
                await tab.hear(told["method"], told["params"])
            else:
                self._hear(told["method"], told["params"])

    def _hear(self, method: str, event: dict[str, Any]) -> None:
        for wanted, done, heard in self._listeners:
            if wanted == method and not heard.done() and done(event):
                heard.set_result(None)

    def _settle(self, told: dict[str, Any]) -> None:
        waiting = self._waiting.pop(told["id"])
        if waiting.done():  # nobody waits any more
            return
        if "error" in told:
            waiting.set_exception(RuntimeError(told["error"]["message"]))
        else:
            waiting.set_result(told["result"])

    def event(self, method: str, done: Callable[[dict[str, Any]], bool]) -> asyncio.Future[None]:
        """Settled at the first event of the browser itself for which `done` says so."""
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listeners.append((method, done, heard))
        return heard

    async def new_tab(self, address: str, *, width: int = 1280, height: int = 800, **options: Any) -> Tab:
        """`options`: more of Target.createTarget's."""
        target = (await self.do("Target.createTarget", url="about:blank", **options))["targetId"]
        session = (await self.do("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        tab = self._tabs[session] = Tab(self, session, target)
        for domain in ("Network", "Page", "Runtime", "Log"):
            await tab.do(f"{domain}.enable")
        await tab.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        await tab.go(address)
        return tab


@asynccontextmanager
async def chromium(program: str) -> AsyncIterator[Browser]:
    """Started with an empty profile, ended with the block."""
    with tempfile.TemporaryDirectory(prefix="dbxwizard-chromium-", ignore_cleanup_errors=True) as profile:
        root = ("--no-sandbox",) if os.getuid() == 0 else ()
        process = await asyncio.create_subprocess_exec(
            program,
            *_FLAGS,
            *root,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            address = await _address(process)
            async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
                browser = Browser(socket)
                tasks = [asyncio.create_task(browser.listen()), asyncio.create_task(_discard(process))]
                yield browser
                for task in tasks:
                    task.cancel()
        finally:
            await _end(process)


async def _address(process: asyncio.subprocess.Process) -> str:
    """Where it listens, as it says on stderr."""
    assert process.stderr is not None
    said = b""
    async with asyncio.timeout(PATIENCE):
        while line := await process.stderr.readline():
            said += line
            if line.startswith(b"DevTools listening on "):
                return line.split()[-1].decode()
    raise AssertionError(f"Chromium did not start: {said.decode()}")


async def _discard(process: asyncio.subprocess.Process) -> None:
    """It says a lot, and would stop where nobody reads."""
    assert process.stderr is not None
    while await process.stderr.read(65536):
        pass


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
