"""A host that speaks HTTP/1.1 and, to who asks for nothing but HTTP/2, gRPC: its calls are let through to a server.

The calls' headers are looked at, their bodies are not: what is let through goes on as it came.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from aiohttp import web
from hpack import HPACKError

from dbxwizard.sandbox import http2
from dbxwizard.sandbox.http import ApiError
from dbxwizard.sandbox.ports import LOOPBACK

# The port of the server that a call with these headers goes to. Raises ApiError to refuse it.
Decide = Callable[[Mapping[str, str]], Awaitable[int]]
_LINGER = 5.0  # seconds in which a client that was refused hangs up by itself
_AT_ONCE = 65536  # bytes
# github.com/grpc/grpc/blob/master/doc/statuscodes.md; by what the workspace calls an error, else by its HTTP status.
_BY_CODE = {"INVALID_STATE": 9, "INVALID_PARAMETER_VALUE": 3, "UNIMPLEMENTED": 12}
_BY_STATUS = {400: 9, 401: 16, 403: 7, 404: 5, 429: 8, 503: 14}
_INTERNAL = 13


class Door:
    """Listens on one socket until `stop`; `over_http1` makes what answers a connection of the usual kind."""

    def __init__(self, sock: socket.socket, tls: ssl.SSLContext, over_http1: web.Server, decide: Decide) -> None:
        self._socket, self._tls, self._over_http1, self._decide = sock, tls, over_http1, decide
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Either(self), sock=self._socket, ssl=self._tls)

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        for one in self._connections:
            one.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def protocol(self, chosen: str | None) -> asyncio.Protocol:
        """What speaks with a client that chose `chosen` by ALPN (RFC 7301)."""
        if chosen != "h2":
            return self._over_http1()
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._connected)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, HPACKError):  # a client that went away, or speaks nonsense
            try:
                await self._converse(reader, writer)
            finally:
                writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client calls once it knows our settings; the server behind has its own, which follow."""
        writer.write(http2.settings())
        held = await reader.readexactly(len(http2.PREFACE))
        if held != http2.PREFACE:
            return
        frames = http2.Frames(reader)
        while True:
            frame = await frames.next()
            held += b"" if frame.is_acknowledgement else frame.raw  # of our settings, not of the server's
            if frame.headers is not None:
                break
        try:
            port = await self._decide(frame.headers)
        except ApiError as error:
            await _refuse(reader, writer, frame.stream, error)
            return
        await self._let_through(frames, writer, held, port)

    async def _let_through(self, frames: http2.Frames, writer: asyncio.StreamWriter, held: bytes, port: int) -> None:
        """Until a call is refused: then the connection ends, and the client hears why when it calls again."""
        from_server, to_server = await asyncio.open_connection(LOOPBACK, port)
        answers = asyncio.create_task(_pass_on(from_server, writer))
        try:
            to_server.write(held)
            while True:
                await to_server.drain()
                frame = await frames.next()
                with suppress(ApiError):
                    if frame.headers is None or await self._decide(frame.headers) == port:
                        to_server.write(frame.raw)
                        continue
                return
        finally:
            answers.cancel()
            to_server.close()


class _Either(asyncio.Protocol):
    """A connection until it is known what the client speaks."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        protocol = self._door.protocol(transport.get_extra_info("ssl_object").selected_alpn_protocol())
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """When the server ends, so does the connection."""
    with suppress(OSError):
        while data := await reader.read(_AT_ONCE):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: int, error: ApiError) -> None:
    status = _BY_CODE.get(error.code) or _BY_STATUS.get(error.status, _INTERNAL)
    words = error.message if error.code.isdigit() else f"{error.code}: {error.message}"
    writer.write(http2.settings(acknowledge=True) + http2.refusal(stream, status, words))
    await writer.drain()
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while await reader.read(_AT_ONCE):
                pass
