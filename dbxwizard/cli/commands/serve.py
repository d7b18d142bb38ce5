"""`dbxwizard serve`: the terminal program in a browser."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from dbxwizard.cli.commands import OPEN
from dbxwizard.cli.invocation import Invocation, forwarded
from dbxwizard.cli.logs import collected
from dbxwizard.cli.report import Report
from dbxwizard.core.errors import UsageError
from dbxwizard.core.result import Status
from dbxwizard.web import tls
from dbxwizard.web.access import is_loopback
from dbxwizard.web.server import Settings, serve

_MANY = 100  # sessions: each is a process of its own, with what it loads


def run(invocation: Invocation) -> Report:
    settings = _settings(invocation)
    again = sys.stdin.fileno() if sys.stdin.isatty() else None
    with collected(invocation.text("log_file")):
        asyncio.run(serve(settings, announce=_announce, tell=_teller(invocation), again=again))
    return Report("serve", invocation.run_id, Status.SUCCESS)


def _announce(address: str) -> None:
    """The one place where a token is shown: on stdout, never in a log."""
    print(address, flush=True)
    more = ", enter prints another address" if sys.stdin.isatty() else ""
    print(f"serving, lets one browser in; ctrl+c ends{more}", file=sys.stderr, flush=True)


def _teller(invocation: Invocation) -> Callable[[str], None]:
    quiet = invocation.flag("quiet")
    return lambda line: None if quiet else print(line, file=sys.stderr, flush=True)


def _settings(invocation: Invocation) -> Settings:
    """Raises UsageError for what can't be served as asked."""
    host = invocation.text("host")
    certificate = _tls(invocation)
    if certificate is None and not is_loopback(host):
        raise UsageError(
            "tls-needed",
            f"{host} can be reached from other machines, and what is typed would cross the network in the clear",
            resource="--host",
            fix="Give --tls-cert and --tls-key, or stay on 127.0.0.1 and reach it with ssh -L.",
        )
    return Settings(
        command=(sys.executable, "-m", "dbxwizard", OPEN, *forwarded(invocation, OPEN)),
        screen_reader=invocation.flag("screen_reader"),
        host="127.0.0.1" if host.lower() == "localhost" else host,
        port=_number(invocation, "port", 0, 65535),
        tls=certificate,
        sessions=_number(invocation, "sessions", 1, _MANY),
    )


def _tls(invocation: Invocation) -> tls.Tls | None:
    certificate, key = invocation.text("tls_cert"), invocation.text("tls_key")
    if bool(certificate) != bool(key):
        raise UsageError("usage", "--tls-cert and --tls-key belong together", resource="dbxwizard serve")
    return tls.load(Path(certificate).expanduser(), Path(key).expanduser()) if certificate else None


def _number(invocation: Invocation, name: str, least: int, most: int) -> int:
    text = invocation.text(name)
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and least <= int(text) <= most):
        raise UsageError("option-invalid", f"{text!r} is no number from {least} to {most}", resource=f"--{name}")
    return int(text)
