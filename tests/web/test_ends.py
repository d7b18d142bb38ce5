"""A session's process ends with it, whatever ends first and however."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.visiting import PATIENCE, Terminal, Visitor, ended, processes, served

_SERVER = Path(__file__).with_name("serve_small_app.py")


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A server that is a process of its own."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, str(_SERVER), stdout=pipe, stdin=pipe)
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def connected(server: asyncio.subprocess.Process, visitor: Visitor) -> Terminal:
    assert server.stdout
    async with asyncio.timeout(PATIENCE):
        address = (await server.stdout.readline()).decode().strip()
    await visitor.enter(address)
    terminal = await visitor.connect()
    await terminal.wait_for("ready")
    return terminal


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_the_server_ends(
    server: asyncio.subprocess.Process, folder: Path, visitor: Visitor, number: signal.Signals
) -> None:
    await connected(server, visitor)
    (process,) = processes(folder)
    server.send_signal(number)
    await ended(process)
    assert await server.wait() == (-number if number is signal.SIGKILL else 0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_the_server_ends_while_the_program_hangs(
    server: asyncio.subprocess.Process, folder: Path, visitor: Visitor, number: signal.Signals
) -> None:
    terminal = await connected(server, visitor)
    await terminal.say("hang")
    (process,) = processes(folder)
    await terminal.wait_for("hanging")
    (child,) = processes(folder, "child")
    server.send_signal(number)
    await asyncio.gather(ended(process), ended(child))


async def test_the_tab_ends_while_the_program_hangs(folder: Path, visitor: Visitor) -> None:
    async with served() as server:
        await visitor.enter(server.new_address())
        terminal = await visitor.connect()
        await terminal.wait_for("ready")
        await terminal.say("hang")
        await terminal.wait_for("hanging")
        await terminal.socket.close()
        await asyncio.gather(ended(processes(folder)[0]), ended(processes(folder, "child")[0]))
