"""What the server hands out: one page, and the files that it needs. Nothing of it comes from another host."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from dbxwizard.web.access import Own

_OURS = {"page.js": "text/javascript", "page.css": "text/css"}
# xterm.js, the script that joins it to a socket, and a font, as textual-serve packs them. Its server is not used.
_PACKED = {
    "textual.js": ("js/textual.js", "text/javascript"),
    "xterm.css": ("css/xterm.css", "text/css"),
    "font.ttf": ("fonts/RobotoMono-VariableFont_wght.ttf", "font/ttf"),
}


def load_files() -> Mapping[str, tuple[bytes, str]]:
    """Content and media type, by name."""
    found = find_spec("textual_serve")  # not imported: that would load its server
    assert found is not None  # noqa: S101  a dependency of ours
    assert found.origin is not None  # noqa: S101
    packed = Path(found.origin).parent / "static"
    ours = files("dbxwizard.web") / "data"
    found_files = {name: ((ours / name).read_bytes(), kind) for name, kind in _OURS.items()} | {
        name: ((packed / path).read_bytes(), kind) for name, (path, kind) in _PACKED.items()
    }
    script, kind = found_files["textual.js"]
    return found_files | {"textual.js": (_readable(script), kind)}


def _readable(script: bytes) -> bytes:
    """The terminal speaks to screen readers where the page says so: its script gives no way to ask for that."""
    made = b"new v.Terminal({"
    assert script.count(made) == 1  # noqa: S101  the package is pinned to the version that this was written for
    return script.replace(made, made + b'screenReaderMode:"screenReader"in e.dataset,')


def page(title: str, socket: str, *, screen_reader: bool = False) -> str:
    """The page with the terminal, which opens `socket`."""
    text = (files("dbxwizard.web") / "data" / "page.html").read_text("utf-8")
    reader = "data-screen-reader" if screen_reader else ""
    return Template(text).substitute(title=title, socket=socket, reader=reader)


def entrance(place: str) -> str:
    """Goes on to `place` as a step of our own: after a redirect a browser that came from another site would keep the
    SameSite=Strict cookie to itself."""
    return f'<!DOCTYPE html><meta http-equiv="refresh" content="0;url={place}"><title>dbxwizard</title>'


def headers(own: Own) -> Mapping[str, str]:
    """For every answer. Scripts and sockets of our own only; xterm.js writes its styles into the page."""
    socket = own.address("").replace("http", "ws", 1)
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src data:; "
        f"connect-src {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), clipboard-read=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
        "Server": "dbxwizard",
    }
