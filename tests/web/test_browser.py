"""The program in a real Chromium: what a person sees, and what the browser asks for and lets through."""

from __future__ import annotations

import asyncio
import re
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dbxwizard.web.server import Server
from tests.web.devtools import Browser, Tab, chromium, installed
from tests.web.visiting import ended, processes, served

pytestmark = pytest.mark.skipif(
    installed() is None, reason="no Chromium: tools/install_chromium.sh could not install it"
)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    program = installed()
    assert program
    async with chromium(program) as started:
        yield started


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[Server]:
    async with served() as started:
        yield started


async def opened(browser: Browser, server: Server) -> Tab:
    tab = await browser.new_tab(server.new_address())
    await tab.wait_for("ready")
    return tab


async def test_a_person_uses_it(browser: Browser, server: Server, folder: Path) -> None:
    tab = await opened(browser, server)
    await tab.type("größer")  # goes to the terminal without a click
    await tab.enter()
    await tab.wait_for("you said größer")
    assert (folder / "typed").read_text() == "größer"
    assert different_lines(await tab.screenshot()) > 10
    assert tab.failures == []


async def test_it_asks_no_other_host_for_anything(browser: Browser, server: Server, folder: Path) -> None:
    tab = await opened(browser, server)
    assert await tab.value("document.fonts.check('15px \"Roboto Mono\"')")
    own = urlsplit(server.new_address()).netloc
    assert {urlsplit(address).netloc for address in tab.requests} == {own}
    assert {urlsplit(address).scheme for address in tab.requests} == {"http", "ws"}
    # The page's own policy stops what a script in it might ask for.
    asked = "fetch('http://127.0.0.2:9/').then(() => 'reached', () => 'stopped')"
    assert await tab.value(asked) == "stopped"
    await tab.wait(lambda: any("Content Security Policy" in failure for failure in tab.failures))


async def test_the_token_is_for_one_browser_and_stays_in_no_address(browser: Browser, server: Server) -> None:
    address = server.new_address()
    tab = await browser.new_tab(address)
    await tab.wait_for("ready")
    assert "token" not in await tab.value("location.href")
    assert await tab.value("document.cookie") == ""
    place = await tab.value("location.href")
    context = (await browser.do("Target.createBrowserContext"))["browserContextId"]
    stranger = await browser.new_tab(address, browserContextId=context)
    await stranger.wait(lambda: stranger.answers.get(address) == 403)
    await stranger.go(place)
    await stranger.wait(lambda: stranger.answers.get(place) == 403)
    again = await browser.new_tab(place)
    await again.wait_for("ready")


async def test_a_page_of_another_origin_gets_nothing(browser: Browser, server: Server, folder: Path) -> None:
    tab = await opened(browser, server)
    place = await tab.value("location.href")
    async with served() as other:  # the same host, the same browser, another port: cookies know no ports
        foreign = await browser.new_tab(other.new_address())
        await foreign.wait_for("ready")
        await foreign.do("Page.setBypassCSP", enabled=True)
        await foreign.do("Page.reload")
        await foreign.wait(lambda: foreign.sockets_opened == 2 and "ready" in foreign.screen.text)
        socket = place.replace("http", "ws", 1) + "socket?width=80&height=24"
        tried = f"new Promise(done => {{ const s = new WebSocket('{socket}'); s.onopen = () => done('open');"
        assert await foreign.value(f"{tried} s.onerror = () => done('refused'); }})") == "refused"
        assert await foreign.value(f"fetch('{place}').then(() => 'read', () => 'refused')") == "refused"
    assert tab.sockets_closed == 0


async def test_a_screen_reader_is_told_the_text_where_somebody_asks_for_it(browser: Browser, server: Server) -> None:
    tab = await opened(browser, server)
    assert await tab.value("document.querySelector('.xterm-accessibility') === null")
    assert await tab.value("document.querySelector('#reader a').innerText") == "For a screen reader"
    await tab.do("Runtime.evaluate", expression="document.querySelector('#reader a').click()")
    await tab.wait_for("--screen-reader")
    told = "document.querySelector('.xterm-accessibility')?.textContent.includes('größer')"
    assert await tab.value(
        f"new Promise(done => {{ const look = () => {told} ? done(true) : setTimeout(look); look() }})"
    )
    assert tab.failures == []


async def test_a_session_ends_with_its_tab(browser: Browser, server: Server, folder: Path) -> None:
    first, second = await opened(browser, server), await opened(browser, server)
    one, other = processes(folder)
    await first.close()
    await ended(one)
    await second.type("still here")
    await second.enter()
    await second.wait_for("you said still here")
    await second.go("about:blank")
    await ended(other)


async def test_leaving_is_said_and_another_session_can_be_started(browser: Browser, server: Server) -> None:
    tab = await opened(browser, server)
    await tab.type("leave")
    await tab.enter()
    await tab.wait(lambda: tab.sockets_closed == 1)
    assert "This session has ended" in await tab.value("document.body.innerText")
    await tab.value("document.querySelector('#ended a').click()")
    await tab.wait(lambda: tab.sockets_opened == 2 and "ready" in tab.screen.text)


async def test_the_picture_follows_the_window(browser: Browser, server: Server) -> None:
    tab = await opened(browser, server)
    before = size(tab)
    await tab.do("Emulation.setDeviceMetricsOverride", width=640, height=400, deviceScaleFactor=1, mobile=False)
    await tab.wait(lambda: size(tab) not in (None, before))
    assert before
    assert before[0] > 120
    assert size(tab) == pytest.approx((before[0] // 2, before[1] // 2), abs=2)


def size(tab: Tab) -> tuple[int, int] | None:
    """The columns and rows that the program says it has."""
    found = re.search(r"size (\d+)x(\d+)", tab.screen.text)
    return (int(found[1]), int(found[2])) if found else None


async def test_copying_and_pasting(browser: Browser, server: Server, folder: Path) -> None:
    tab = await opened(browser, server)
    await tab.do("Page.bringToFront")
    await tab.value(_WATCH_COPIES)
    await tab.type("copy")
    await tab.enter()
    assert await tab.value("copied") == "größer"
    await tab.value(_PASTE)
    await tab.enter()
    await tab.wait_for("you said pasted")
    assert (folder / "typed").read_text() == "pasted [200~ größer"


_WATCH_COPIES = """
const write = navigator.clipboard.writeText.bind(navigator.clipboard);
window.copied = new Promise(done => {
  navigator.clipboard.writeText = text => write(text).then(() => done(text), problem => done(String(problem)));
});
undefined
"""
_PASTE = """
const data = new DataTransfer();
data.setData("text/plain", "pasted [200~ größer");
document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
undefined
"""


async def test_a_file_goes_to_the_browser(browser: Browser, server: Server, folder: Path) -> None:
    tab = await opened(browser, server)
    await browser.do("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder), eventsEnabled=True)
    finished = browser.event("Browser.downloadProgress", lambda event: event["state"] == "completed")
    await tab.type("file")
    await tab.enter()
    await asyncio.wait_for(finished, 120)
    assert (folder / "table_one.csv").read_text() == "column\n1\n"


def different_lines(png: bytes) -> int:
    """How many lines of pixels a picture has that are not alike (PNG, RFC 2083): a blank one has one."""
    width, channels = struct.unpack(">I", png[16:20])[0], {2: 3, 6: 4}[png[25]]
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        data += png[at + 8 : at + 8 + length] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    lines, stride = zlib.decompress(data), width * channels + 1
    return len({lines[at : at + stride] for at in range(0, len(lines), stride)})
