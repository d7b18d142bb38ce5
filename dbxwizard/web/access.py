"""Who may come in: a browser that brings the one-time token, later its cookie, and that to our own name only."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from dbxwizard.core.errors import UsageError
from dbxwizard.core.secret import Secret

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_LONGEST = 1024  # characters of what a stranger may have hashed


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`, an address or a name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def own_names(host: str, certified: Sequence[str]) -> Sequence[str]:
    """The names of a server that listens on `host` and shows a certificate for the names `certified`, as Own has them.

    Raises UsageError where nothing says what it is called.
    """
    if is_loopback(host):
        return tuple(dict.fromkeys((in_url(host), "localhost", *certified)))
    everywhere = host in ("0.0.0.0", "::")  # noqa: S104  compared with what was asked for
    names = (*certified, *(() if everywhere else (in_url(host),)))
    if all(name.startswith("*") for name in names):
        raise UsageError(
            "tls-cert-names-no-host",
            "neither the certificate nor --host says what this server is called",
            resource="--tls-cert",
            fix="Give the certificate a subjectAltName, or the address to --host.",
        )
    return names


def in_url(host: str) -> str:
    """IPv6 addresses have brackets there (RFC 3986 3.2.2)."""
    return f"[{host.lower()}]" if ":" in host else host.lower()


@dataclass(frozen=True, slots=True)
class Own:
    """What this server is called. `names`: in lower case, IPv6 addresses in brackets, `*.` for any one label."""

    names: Sequence[str]
    port: int
    tls: bool

    def is_host(self, header: str) -> bool:
        """Whether a Host header means this server. Another name that leads here is DNS rebinding."""
        found = _HOST.fullmatch(header.lower())
        if not found:
            return False
        port = int(found["port"]) if found["port"] else (443 if self.tls else 80)
        name = found["name"]
        return port == self.port and any(one in (name, f"*.{name.partition('.')[2]}") for one in self.names)

    def is_origin(self, header: str) -> bool:
        """Whether an Origin header names a page of this server."""
        scheme, separator, host = header.partition("://")
        return separator != "" and scheme == self._scheme and self.is_host(host)

    def address(self, path: str) -> str:
        """A URL of this server under the first of its names."""
        name = next(name for name in self.names if not name.startswith("*"))
        return f"{self._scheme}://{name}:{self.port}{path}"

    @property
    def _scheme(self) -> str:
        return "https" if self.tls else "http"


@dataclass(frozen=True, slots=True)
class Browser:
    """One that was let in. `place` is the path below which everything of it lies.

    Browsers send cookies to every port of a host: to a path that nobody else knows they send them to us alone.
    """

    place: str
    cookie: Secret


class Access:
    """Tokens that were not used yet, and browsers that used one. Keeps hashes only."""

    def __init__(self) -> None:
        self._tokens: set[bytes] = set()
        self._browsers: dict[str, bytes] = {}

    def new_token(self) -> Secret:
        """Lets one browser in, once."""
        token = Secret(secrets.token_urlsafe(32))  # so that it is hidden wherever text of others is logged or shown
        self._tokens.add(_digest(token.reveal()))
        return token

    def redeem(self, token: str) -> Browser | None:
        """Uses up `token`; None where it is not, or no longer, one of ours."""
        digest = _digest(token)
        if digest not in self._tokens:
            return None
        self._tokens.remove(digest)
        browser = Browser(secrets.token_urlsafe(16), Secret(secrets.token_urlsafe(32)))
        self._browsers[browser.place] = _digest(browser.cookie.reveal())
        return browser

    def admits(self, place: str, cookie: str) -> bool:
        known = self._browsers.get(place)
        return known is not None and hmac.compare_digest(known, _digest(cookie))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text[:_LONGEST].encode("utf-8", "surrogateescape")).digest()
