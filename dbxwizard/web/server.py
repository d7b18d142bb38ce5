"""The HTTP server: lets a browser in by its token, hands out the page, and starts a session for each socket."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import WSCloseCode, web

from dbxwizard.core.errors import UsageError
from dbxwizard.web import pages
from dbxwizard.web.access import Access, Own, own_names
from dbxwizard.web.driver import GRACE
from dbxwizard.web.session import LONGEST_MESSAGE, Session, within
from dbxwizard.web.tls import Tls

COOKIE = "dbxwizard"
_READER = "screen-reader"  # in an address, and the option of the program
_HEARTBEAT = 15.0  # seconds between two looks whether a tab is still there
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Settings:
    """`command` runs in each session, at most `sessions` at once. `port` 0: any that is free. `screen_reader`: every
    tab is for one; else those that ask for it."""

    command: Sequence[str]
    host: str = "127.0.0.1"
    port: int = 8000
    tls: Tls | None = None
    sessions: int = 8
    title: str = "dbxwizard"
    screen_reader: bool = False


class Server:
    """Use `start`, `new_address`, `stop`. `tell` hears, as a line of text, what happens."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self._settings = settings
        self._tell = tell
        self._access = Access()
        self._files = pages.load_files()
        self._sessions: dict[Session, str] = {}  # with the place of its browser
        self._started = 0

    async def start(self) -> None:
        """Raises UsageError where the port or the host can't be had."""
        settings = self._settings
        names = own_names(settings.host, settings.tls.names if settings.tls else ())
        application = web.Application(middlewares=[self._guard])
        application.add_routes(
            [
                web.get("/", self._enter, allow_head=False),
                web.get("/{place}/", self._page),
                web.get("/{place}/static/{name}", self._static),
                web.get("/{place}/download/{key}", self._download, allow_head=False),
                web.get("/{place}/socket", self._socket, allow_head=False),
                web.get("/{place}/socket/screen-reader", self._socket, allow_head=False),
            ]
        )
        application.on_response_prepare.append(self._sign)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=GRACE + 5)
        await self._runner.setup()
        context = settings.tls.context if settings.tls else None
        try:
            await web.TCPSite(self._runner, settings.host, settings.port, ssl_context=context).start()
        except OSError as error:
            await self._runner.cleanup()
            raise UsageError(
                "port-taken" if settings.port else "host-unknown",
                f"can't listen on {settings.host}, port {settings.port}: {error.strerror or error}",
                resource="dbxwizard serve",
                fix="Give another --host or --port; --port 0 takes any that is free.",
            ) from error
        self._own = Own(names, self._runner.addresses[0][1], settings.tls is not None)
        self._headers = pages.headers(self._own)

    def new_address(self) -> str:
        """Lets one browser in, once."""
        return self._own.address(f"/?token={self._access.new_token().reveal()}")

    async def stop(self) -> None:
        """Ends all sessions; returns when their processes have ended."""
        away = WSCloseCode.GOING_AWAY
        await asyncio.gather(*(one.socket.close(code=away) for one in self._sessions), return_exceptions=True)
        await self._runner.cleanup()

    # what every request goes through

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Refuses every name but our own, and, but for the entrance, everybody without the cookie of that place."""
        if not self._own.is_host(_only(request, "Host")):
            return _refused("this is not the server of that name")
        place = request.match_info.get("place", "")
        is_entrance = request.path == "/"
        if not is_entrance and not self._access.admits(place, request.cookies.get(COOKIE, "")):
            return _refused("the address with its token, as the server printed it, is needed")
        return await handler(request)

    async def _sign(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._headers)

    # the pages

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        if "prefetch" in request.headers.get("Sec-Purpose", ""):
            return _refused("not ahead of time")  # or the token would be used up before anybody came
        browser = self._access.redeem(request.query.get("token", ""))
        if browser is None:
            return _refused("a token that was not used yet is needed: take the address that the server printed last")
        place = f"/{browser.place}/"
        asked = f"?{_READER}" if _READER in request.query else ""
        response = web.Response(text=pages.entrance(f"{place}{asked}"), content_type="text/html")
        secure = self._settings.tls is not None
        response.set_cookie(
            COOKIE, browser.cookie.reveal(), path=place, httponly=True, samesite="Strict", secure=secure
        )
        self._tell("a browser came in")
        return response

    async def _page(self, request: web.Request) -> web.StreamResponse:
        reader = self._settings.screen_reader or _READER in request.query
        path = f"{request.path}socket" + (f"/{_READER}" if reader else "")
        socket = self._own.address(path).replace("http", "ws", 1)
        text = pages.page(self._settings.title, socket, screen_reader=reader)
        return web.Response(text=text, content_type="text/html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        content, kind = found
        return web.Response(body=content, content_type=kind, charset="utf-8" if kind.startswith("text/") else None)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """A file that a session of that browser handed over, once."""
        key, place = request.match_info["key"], request.match_info["place"]
        for session, of in self._sessions.items():
            if of == place and key in session.files:
                file = session.files.pop(key)
                response = web.Response(body=file.content, content_type="application/octet-stream")
                name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in file.name)
                response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
                return response
        raise web.HTTPNotFound

    # the sessions

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if not self._own.is_origin(_only(request, "Origin")):
            return _refused("the page of another server may not come in here")
        socket = web.WebSocketResponse(
            timeout=2, heartbeat=_HEARTBEAT, max_msg_size=LONGEST_MESSAGE, compress=False, autoping=True
        )
        await socket.prepare(request)
        if len(self._sessions) >= self._settings.sessions:
            await socket.send_bytes(f"{len(self._sessions)} sessions are open, more are not allowed".encode())
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER)
        else:
            more = [f"--{_READER}"] if request.path.endswith(_READER) and not self._settings.screen_reader else []
            await self._hold(Session([*self._settings.command, *more], socket), request)
        return socket

    async def _hold(self, session: Session, request: web.Request) -> None:
        self._started += 1
        name = f"session {self._started}"
        self._sessions[session] = request.match_info["place"]
        self._tell(f"{name} began")
        try:
            code = await session.run(*within(_number(request, "width", 80), _number(request, "height", 24)))
            self._tell(f"{name} ended" + (f" with exit code {code}" if code else ""))
        finally:
            del self._sessions[session]


async def serve(
    settings: Settings, announce: Callable[[str], None], tell: Callable[[str], None], again: int | None = None
) -> None:
    """Until a signal ends it. `announce` hears the address that lets a browser in, and another one whenever somebody
    presses enter at the terminal `again`."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            loop.add_signal_handler(number, over.set)
    server = Server(settings, tell)
    await server.start()
    announce(server.new_address())
    if again is not None:
        loop.add_reader(again, _answer, again, lambda: announce(server.new_address()))
    await over.wait()
    await server.stop()


def _answer(terminal: int, announce: Callable[[], None]) -> None:
    """A process in the background would be stopped by reading from its terminal."""
    if os.tcgetpgrp(terminal) != os.getpgrp():
        return
    if os.read(terminal, 1024):
        announce()
    else:
        asyncio.get_running_loop().remove_reader(terminal)


def _refused(why: str) -> web.Response:
    return web.Response(status=403, text=f"refused: {why}\n")


def _only(request: web.Request, header: str) -> str:
    """The value of a header that has to be there once; else ""."""
    values = request.headers.getall(header, [])
    return values[0] if len(values) == 1 else ""


def _number(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else otherwise
