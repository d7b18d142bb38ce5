"""What gRPC's clients send over HTTP/2 (RFC 9113), as far as the headers of calls tell; and how a call is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from hpack import Decoder, Encoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _SETTINGS, _GOAWAY, _CONTINUATION = 0x1, 0x4, 0x7, 0x9
_ACK, _END_STREAM, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20


@dataclass(frozen=True, slots=True)
class Frame:
    """`raw`: its bytes. `headers`: of the call that begins with it, None where none does."""

    stream: int
    raw: bytes
    is_acknowledgement: bool = False
    headers: Mapping[str, str] | None = None


class Frames:
    """The frames of one client, in their order: header compression has a state of its own for each connection."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._decoder = Decoder()
        self._block = b""

    async def next(self) -> Frame:
        """Raises IncompleteReadError when the client has ended, HPACKError for headers that can't be read."""
        head = await self._reader.readexactly(9)
        kind, flags = head[3], head[4]
        stream = int.from_bytes(head[5:]) & 0x7FFFFFFF
        payload = await self._reader.readexactly(int.from_bytes(head[:3]))
        if kind not in (_HEADERS, _CONTINUATION):
            return Frame(stream, head + payload, kind == _SETTINGS and bool(flags & _ACK))
        self._block += payload if kind == _CONTINUATION else _unpadded(payload, flags)
        if not flags & _END_HEADERS:
            return Frame(stream, head + payload)
        block, self._block = self._block, b""
        headers = {_text(name): _text(value) for name, value in self._decoder.decode(block)}
        return Frame(stream, head + payload, headers=headers)


def _unpadded(payload: bytes, flags: int) -> bytes:
    padding = payload[0] if flags & _PADDED else 0
    start = bool(flags & _PADDED) + (5 if flags & _PRIORITY else 0)
    return payload[start : len(payload) - padding]


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def settings(*, acknowledge: bool = False) -> bytes:
    return _frame(_SETTINGS, _ACK if acknowledge else 0, 0, b"")


def refusal(stream: int, status: int, message: str) -> bytes:
    """Ends the call with a status of gRPC and a message, and asks the client to make its next call elsewhere.

    github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: Trailers-Only.
    """
    headers = [
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", str(status)),
        ("grpc-message", quote(message, safe=" !\"#$&'()*+,/:;<=>?@[\\]^`{|}~")),
    ]
    block = Encoder().encode(headers, huffman=False)
    goodbye = _frame(_GOAWAY, 0, 0, stream.to_bytes(4) + bytes(4))
    return _frame(_HEADERS, _END_STREAM | _END_HEADERS, stream, block) + goodbye


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload
