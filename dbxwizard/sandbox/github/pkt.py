"""The lines in which git speaks: git-scm.com/docs/protocol-common#_pkt_line_format."""

from __future__ import annotations

from collections.abc import Iterable

FLUSH = b"0000"
_MOST = 65_000  # bytes of a line with a band, which may have 65,520 with its length


def pkt(content: str | bytes) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return f"{len(data) + 4:04x}".encode() + data


def read_lines(data: bytes) -> tuple[list[bytes], bytes]:
    """The lines up to a flush, and what follows it. Raises ValueError."""
    lines: list[bytes] = []
    while True:
        size = int(data[:4], 16)
        if size == 0:
            return lines, data[4:]
        if size < 4 or size > len(data):
            raise ValueError("a line is cut off")
        lines.append(data[4:size])
        data = data[size:]


def banded(band: int, content: bytes) -> Iterable[bytes]:
    """`content` in lines of one of the bands: 1 is the answer, 2 what a person reads."""
    for start in range(0, len(content), _MOST):
        yield pkt(bytes([band]) + content[start : start + _MOST])
