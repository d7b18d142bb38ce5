"""What the server lets in and what it refuses, asked as a browser asks and as nobody should."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from dbxwizard.web.session import LONGEST_MESSAGE
from tests.web.visiting import Visitor, ended, processes, served

FILES = ("", "static/page.js", "static/textual.js", "static/xterm.css", "static/font.ttf", "socket", "download/1")


async def test_nothing_without_the_token(folder: Path, visitor: Visitor) -> None:
    async with served() as server, Visitor() as stranger:
        await visitor.enter(server.new_address())
        stranger.place = visitor.place
        for path in (*FILES, "/", "/?token=", "/?token=guessed", "/favicon.ico", "/other/", "/../etc/passwd"):
            assert await stranger.status(path) == 403, path
        cookie = {"Cookie": "dbxwizard=guessed"}
        assert [await stranger.status(path, headers=cookie) for path in FILES] == [403] * len(FILES)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await stranger.connect()
    assert processes(folder) == []


async def test_a_token_is_used_once(visitor: Visitor) -> None:
    async with served() as server, Visitor() as second:
        address = server.new_address()
        async with visitor.http.head(address) as answer:
            assert answer.status == 405
        assert await visitor.status(address, headers={"Sec-Purpose": "prefetch;prerender"}) == 403
        await visitor.enter(address)
        assert await second.status(address) == 403
        assert await visitor.status(address) == 403
        assert [await visitor.status(path) for path in FILES[:5]] == [200] * 5
        assert await visitor.status("static/../page.html") != 200
        assert await visitor.status("static/session.py") == 404


@pytest.mark.parametrize("always", [False, True])
async def test_a_screen_reader_can_be_asked_for_in_the_address_or_for_all(
    always: bool, folder: Path, visitor: Visitor
) -> None:
    async with served(screen_reader=always) as server:
        await visitor.enter(server.new_address() + "&screen-reader")
        assert visitor.place.query_string == "screen-reader"
        for path, wanted in (("?screen-reader", True), ("", always)):
            async with visitor.http.get(visitor.place.with_query("").join(URL(path))) as answer:
                page = await answer.text()
            assert ("data-screen-reader" in page) is wanted, path
            assert ("/socket/screen-reader" in page) is wanted, path
        terminal = await visitor.connect("/screen-reader")
        await terminal.wait_for("ready" if always else "--screen-reader")  # the command of all has it already
    assert len(processes(folder)) == 1


async def test_the_cookie_is_for_its_browser_and_place(visitor: Visitor) -> None:
    async with served() as server, Visitor() as second:
        async with visitor.http.get(server.new_address()) as answer:
            (cookie,) = answer.headers.getall("Set-Cookie")
        parts = {part.strip().partition("=")[0].lower(): part.strip().partition("=")[2] for part in cookie.split(";")}
        assert parts["samesite"] == "Strict"
        assert "httponly" in parts
        assert len(parts["path"]) > 20
        assert parts.keys().isdisjoint({"domain", "expires", "max-age", "secure"})
        await visitor.enter(server.new_address())
        await second.enter(server.new_address())
        second.place = visitor.place
        assert await second.status() == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", ""])
async def test_another_host(visitor: Visitor, host: str) -> None:
    async with served() as server:
        address = server.new_address()
        headers = {"Host": host.format(port=URL(address).port)}
        assert await visitor.status(address, headers=headers) == 403
        await visitor.enter(address)
        assert await visitor.status(headers=headers) == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await visitor.connect(**headers)


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "https://{host}", "null", ""])
async def test_a_socket_from_the_page_of_another(folder: Path, visitor: Visitor, origin: str) -> None:
    async with served() as server:
        await visitor.enter(server.new_address())
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await visitor.connect(Origin=origin.format(host=visitor.place.authority))
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await visitor.http.ws_connect(visitor.place.join(URL("socket")))
    assert processes(folder) == []


async def test_every_answer_allows_our_own_files_only(visitor: Visitor) -> None:
    async with served() as server:
        await visitor.enter(server.new_address())
        for path in ("", "static/page.js", "static/none", "/none", "/"):
            async with visitor.http.get(visitor.place.join(URL(path))) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert f"connect-src ws://{visitor.place.authority};" in policy
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["X-Frame-Options"] == "DENY"
                assert answer.headers["Cache-Control"] == "no-store"
                assert "Python" not in answer.headers["Server"]


async def test_a_session(folder: Path, visitor: Visitor) -> None:
    async with served() as server:
        await visitor.enter(server.new_address())
        terminal = await visitor.connect("?width=100&height=30")
        await terminal.wait_for("ready, size 100x30")
        await terminal.wait_for("● größer")
        await terminal.socket.send_json(["resize", {"width": 90, "height": 25}])
        await terminal.wait_for("90x25")
        await terminal.socket.send_json(["ping", "7"])
        await terminal.say("leave")
        assert await terminal.wait_for_close() == aiohttp.WSCloseCode.OK
        assert (folder / "typed").read_text() == "leave"
        await ended(processes(folder)[0])


@pytest.mark.parametrize(
    ("asked", "given"), [("?width=99999&height=99999", "500x200"), ("?width=1&height=x", "10x24"), ("", "80x24")]
)
async def test_the_size_has_bounds(folder: Path, visitor: Visitor, asked: str, given: str) -> None:
    async with served() as server:
        await visitor.enter(server.new_address())
        terminal = await visitor.connect(asked)
        await terminal.wait_for(f"size {given}")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{}",
        "[",
        "[" * 100_000,
        '["stdin"]',
        '["stdin", 1]',
        '["resize", {"width": "1", "height": 1}]',
        '["exit"]',
        '["deliver_chunk_request", {}]',
    ],
)
async def test_a_message_of_no_known_form_ends_the_session(folder: Path, visitor: Visitor, message: str) -> None:
    async with served() as server:
        await visitor.enter(server.new_address())
        terminal = await visitor.connect()
        await terminal.wait_for("ready")
        await terminal.socket.send_str(message)
        assert await terminal.wait_for_close() == aiohttp.WSCloseCode.POLICY_VIOLATION
        await ended(processes(folder)[0])


async def test_a_message_that_is_too_long_ends_the_session(folder: Path, visitor: Visitor) -> None:
    async with served() as server:
        await visitor.enter(server.new_address())
        terminal = await visitor.connect()
        await terminal.wait_for("ready")
        await terminal.socket.send_str(json.dumps(["stdin", "x" * LONGEST_MESSAGE]))
        assert await terminal.wait_for_close() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        await ended(processes(folder)[0])


async def test_there_are_so_many_sessions_and_no_more(folder: Path, visitor: Visitor) -> None:
    async with served(sessions=1) as server:
        await visitor.enter(server.new_address())
        first = await visitor.connect()
        await first.wait_for("ready")
        second = await visitor.connect()
        assert await second.wait_for_close() == aiohttp.WSCloseCode.TRY_AGAIN_LATER
        assert b"1 sessions are open" in second.drawn
        await first.say("leave")
        await first.wait_for_close()
        third = await visitor.connect()
        await third.wait_for("ready")
    assert len(processes(folder)) == 2


async def test_what_a_failing_program_says_is_shown_without_secrets(folder: Path, visitor: Visitor) -> None:
    async with served() as server:
        await visitor.enter(server.new_address())
        terminal = await visitor.connect()
        await terminal.wait_for("ready")
        await terminal.say("fail")
        await terminal.wait_for("it did not work: ***")
        await terminal.wait_for_close()
        assert b"github_pat" not in terminal.drawn


async def test_a_program_that_does_not_start(visitor: Visitor) -> None:
    async with served(command=("/bin/sh", "-c", "echo no such environment >&2; exit 2")) as server:
        await visitor.enter(server.new_address())
        terminal = await visitor.connect()
        await terminal.wait_for("no such environment")
        await terminal.wait_for_close()


async def test_a_file_is_handed_over_once_and_to_its_own_browser(folder: Path, visitor: Visitor) -> None:
    async with served() as server, Visitor() as other:
        await visitor.enter(server.new_address())
        await other.enter(server.new_address())
        terminal = await visitor.connect()
        await terminal.wait_for("ready")
        await terminal.say("file")
        await terminal.wait_for("you said file")
        while not terminal.told:
            terminal.told.append((await terminal.socket.receive()).json())
        kind, key = terminal.told[0]
        assert kind == "deliver_file_start"
        assert await other.status(f"download/{key}") == 404
        async with visitor.http.get(visitor.place.join(URL(f"download/{key}"))) as answer:
            assert await answer.text() == "column\n1\n"
            assert answer.headers["Content-Disposition"] == 'attachment; filename="table_one.csv"'
        assert await visitor.status(f"download/{key}") == 404


async def test_sessions_of_two_tabs_are_two_processes_that_end_with_the_server(folder: Path, visitor: Visitor) -> None:
    async with served() as server:
        await visitor.enter(server.new_address())
        tabs = [await visitor.connect(), await visitor.connect()]
        for tab in tabs:
            await tab.wait_for("ready")
        both = processes(folder)
    assert len(both) == 2
    await asyncio.gather(*map(ended, both))
