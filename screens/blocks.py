"""Pictures of two pixels a character: QR codes, and letters that can be read from a distance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
_QUIET = 2  # modules around a QR code; the standard has 4, readers are content with 2 on a plain ground
_GLYPH_ROWS = 7


def qr_matrix(text: str) -> list[list[bool]]:
    """The modules of a QR code, its quiet zone around it; True is dark (ISO/IEC 18004)."""
    import segno

    code = segno.make_qr(text, error="l", boost_error=False)
    return [[bool(module) for module in row] for row in code.matrix_iter(border=_QUIET)]


def in_halves(pixels: Sequence[Sequence[bool]]) -> str:
    """Two rows of `pixels` to a line of text; True is drawn."""
    nothing = [False] * len(pixels[0])
    rows = [*pixels, nothing] if len(pixels) % 2 else [*pixels]
    return "\n".join(
        "".join(map(_HALVES.__getitem__, zip(above, below, strict=True)))
        for above, below in zip(rows[::2], rows[1::2], strict=True)
    )


def large(text: str, width: int) -> str:
    """`text` in letters of six columns and four lines, as many beside each other as fit into `width` columns.

    Characters that have no glyph stay blank.
    """
    per_line = max(1, (width + 1) // 6)
    lines = [text[start : start + per_line] for start in range(0, len(text), per_line)]
    return "\n".join(in_halves(_pixels(line)) for line in lines)


def _pixels(line: str) -> list[list[bool]]:
    blank = ("." * 5,) * _GLYPH_ROWS
    found = [_glyphs().get(letter, blank) for letter in line.upper()]
    return [[pixel == "#" for glyph in found for pixel in f"{glyph[row]}."] for row in range(_GLYPH_ROWS)]


@cache
def _glyphs() -> dict[str, tuple[str, ...]]:
    lines = (Path(__file__).parent / "data" / "glyphs.txt").read_text("utf-8").splitlines()
    return {name: tuple(rows) for name, *rows in map(str.split, lines)}
