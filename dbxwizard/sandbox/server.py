"""Serves the sandbox's hosts over HTTPS on 127.0.0.1, one request after the other, each in one transaction."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import jwt
from aiohttp import web

from dbxwizard.sandbox import faults, tls, tokens
from dbxwizard.sandbox.grpc_door import Door
from dbxwizard.sandbox.http import ApiError, Call, Context, Request, Response, Route, Service, TaskContext
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock

_LOG = logging.getLogger(__name__)
CONTROL = "/_sandbox"  # on every host, beside what the real one has
_MAX_BODY = 64 * 1024 * 1024
_GRPC = Route("POST", "/{call...}", lambda _: Response())
_SPOILED = ("garbage", "truncate", "empty")  # faults that answer with a status of success


class SandboxServer:
    """One state file, served from a thread of its own until `stop`."""

    def __init__(self, state: Path, services: Mapping[str, Service]) -> None:
        self.state = state
        self.services = services
        self._thread = threading.Thread(target=self._main, name="dbxwizard-sandbox", daemon=True)
        self._ready: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.moved: tuple[str, ...] = ()  # hosts on another port than before, which is taken

    def start(self) -> None:
        """Returns when every host listens; raises what kept it from starting."""
        self._thread.start()
        self._ready.result()

    def stop(self) -> None:
        if self._loop and self._stop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        frontend = _Frontend(self.state, self.services)
        try:
            await frontend.open()
            self.moved = tuple(frontend.ports.moved)
            self._ready.set_result(None)
            await self._stop.wait()
        finally:
            await frontend.close()


class _Frontend:
    """Sockets and HTTP around the services."""

    def __init__(self, state: Path, services: Mapping[str, Service]) -> None:
        self.state = state
        self.store = Store(state)
        self.clock = Clock(self.store)
        self.ports = Ports(self.store)
        self.services = services
        self._tls = tls.server_context(state.parent)
        self._tls_of_doors = tls.server_context(
            state.parent, "http/1.1", "h2"
        )  # curl, which offers both, gets the first
        self._sites: dict[str, web.SockSite | Door] = {}
        self._syncing = asyncio.Lock()
        self._answers = _Answers()
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)

    async def open(self) -> None:
        await self._runner.setup()
        with self.store.transaction():
            for name, service in self.services.items():
                if self.store.get("_seeded", name) is None:
                    service.seed(self.store, self.clock.now())
                    self.store.put("_seeded", name, {})
            hosts = {name for name, service in self.services.items() if service.always_open} | set(self.ports.known())
            for host in sorted(hosts):
                self.ports.open(host)
            context = Context(self.store, self.clock, self.ports, self.clock.now())
            for service in self.services.values():
                service.resume(context)
        await self._sync_sites()

    async def close(self) -> None:
        await asyncio.gather(*(site.stop() for site in self._sites.values() if isinstance(site, Door)))
        await self._runner.cleanup()
        for service in self.services.values():
            await asyncio.to_thread(service.close)
        self.store.close()

    async def _sync_sites(self) -> None:
        """Listens on every host of the state, and on no other.

        One request at a time: what one of them has just opened, another that began earlier would not know and close.
        """
        async with self._syncing:
            known = self.ports.known()
            for host in known.keys() - self._sites.keys():
                self.ports.open(host)
                self._sites[host] = site = self._site(host)
                await site.start()
            for host in self._sites.keys() - known.keys():
                await self._sites.pop(host).stop()
                self.ports.sockets.pop(host).close()

    def _site(self, host: str) -> web.SockSite | Door:
        sock = self.ports.sockets[host]
        if not self.services[host.split(":", 1)[0]].speaks_grpc:
            return web.SockSite(self._runner, sock, ssl_context=self._tls)
        assert self._runner.server is not None  # noqa: S101 - it is set up
        return Door(sock, self._tls_of_doors, self._runner.server, partial(self._relay, host))

    async def _relay(self, host: str, headers: Mapping[str, str]) -> int:
        """The port that a call of gRPC goes to. Raises ApiError to refuse it."""
        self._settle()
        service = self.services[host.split(":", 1)[0]]
        request = Request("POST", host, headers.get(":path", "/"), {}, headers, b"")
        now, status = self.clock.now(), 200
        try:
            with self.store.transaction():
                call = Call(self.store, self.clock, self.ports, now, request, _GRPC, {})
                relayed = service.relay(call)
            if isinstance(relayed, ApiError):
                raise relayed
        except ApiError as error:
            status = error.status
            raise
        finally:
            self._record(request, Response(status), self.store.changed, now)
        return await asyncio.to_thread(relayed)

    async def _answer(self, incoming: web.Request) -> web.StreamResponse:
        try:
            request = await self._read(incoming)
        except web.RequestPayloadError as error:  # not packed as its header says
            return web.Response(status=400, text=str(error))
        if request is None:
            return _hang_up(incoming)
        if request.path == CONTROL:
            return self._control()
        service = self.services[request.host.split(":", 1)[0]]
        with self.store.transaction():
            fault = faults.take(self.store, request)
        self._settle()
        await asyncio.sleep(self.clock.profile().seconds(f"request.{service.name}"))
        if fault and fault.when == "before" and fault.fault != "stale":
            return await self._break(incoming, request, service, fault)
        response = self._handle(service, request)
        await self._sync_sites()
        if fault and fault.fault == "stale":
            response = self._answers.before(request, response)
        elif fault:
            return await self._break(incoming, request, service, fault, response)
        return await _outgoing(incoming, response)

    async def _read(self, incoming: web.Request) -> Request | None:
        """None when the host was closed while the caller kept its connection."""
        assert incoming.transport is not None  # noqa: S101  aiohttp has one while a handler runs
        port = incoming.transport.get_extra_info("sockname")[1]
        host = next((name for name, known in self.ports.known().items() if known == port), None)
        if host is None:
            return None
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        query = dict(incoming.query.items())
        return Request(incoming.method, host, incoming.rel_url.raw_path, query, headers, await incoming.read())

    def _control(self) -> web.Response:
        """Where this sandbox is, for those who know one address of it; lets what is due happen. Not in the log."""
        self._settle()
        hosts = {name: self.ports.url(name) for name in self.ports.known()}
        authority = (self.state.parent / "ca.pem").read_text("ascii")
        return web.json_response({"hosts": hosts, "ca": authority, "state": str(self.state)})

    def _settle(self) -> None:
        """Does what has fallen due since the last request: asynchronous operations finish although nobody ran."""
        now = self.clock.now()
        while True:
            with self.store.transaction():
                due = self.store.take_due(now)
                if due is None:
                    return
                at, name, body = due
                task = next(service.tasks[name] for service in self.services.values() if name in service.tasks)
                task(TaskContext(self.store, self.clock, self.ports, at), body)

    def _handle(self, service: Service, request: Request) -> Response:
        now = self.clock.now()
        call: Call | None = None
        try:
            with self.store.transaction():
                call = self._call(service, request, now)
                response = service.handle(call)
            write = self.store.changed
        except ApiError as error:
            response, write = service.render(request, error, now), False
            response.headers.update(error.headers)
        except Exception as error:  # a defect of ours, answered as the real service answers its own
            _LOG.debug("%s %s", request.method, request.path, exc_info=True)
            message = f"The sandbox has a defect: {type(error).__name__}."
            response, write = service.render(request, ApiError(500, "InternalServerError", message), now), False
        service.decorate(call, request, response)
        self._record(request, response, write, now)
        self._answers.keep(request, response)
        return response

    def _call(self, service: Service, request: Request, now: float) -> Call:
        matched = service.match(request)
        if matched is None:
            raise service.no_route(request)
        route, params = matched
        decoded = {name: unquote(value) for name, value in params.items()}
        return Call(self.store, self.clock, self.ports, now, request, route, decoded)

    def _record(self, request: Request, response: Response, write: bool, now: float) -> None:
        detail = {"api_version": request.query["api-version"]} if "api-version" in request.query else {}
        self.store.log(now, request.method, request.host, unquote(request.path), response.status, write, detail)

    async def _break(
        self,
        incoming: web.Request,
        request: Request,
        service: Service,
        fault: faults.Fault,
        response: Response | None = None,
    ) -> web.StreamResponse:
        """Answers as `fault` says; `response` is what the service had answered where the work was done."""
        if response is None:
            status = fault.status if fault.fault == "status" else 200 if fault.fault in _SPOILED else 0  # 0: no answer
            self._record(request, Response(status), False, self.clock.now())
        if fault.fault == "kill":
            faults.kill(fault)
        if fault.fault == "stall":
            await asyncio.sleep(fault.seconds)
        if fault.fault == "status":
            return await _outgoing(incoming, self._refuse(service, request, fault))
        if fault.fault in _SPOILED:
            return await _spoil(incoming, response or Response(200, {}), fault)
        return _hang_up(incoming)

    def _refuse(self, service: Service, request: Request, fault: faults.Fault) -> Response:
        code = "TooManyRequests" if fault.status == 429 else "ServiceUnavailable"
        if fault.status == 409 and service.name == "graph":
            code = "Directory_ConcurrencyViolation"  # what Graph says to writes at the same time
        now = self.clock.now()
        response = service.render(request, ApiError(fault.status, code, "The request was refused on demand."), now)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = f"{fault.retry_after:g}"
        service.decorate(None, request, response)
        return response


class _Answers:
    """The last two answers to each reading that differ, so that a stale one can be given again."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], list[Response]] = {}

    def keep(self, request: Request, response: Response) -> None:
        if request.method != "GET" or response.status not in (200, 404) or response.stream is not None:
            return
        kept = self._kept.setdefault(_identity(request), [])
        if not kept or _differ(kept[-1], response):
            self._kept[_identity(request)] = [*kept[-1:], response]

    def before(self, request: Request, response: Response) -> Response:
        """What was answered before the state changed; `response` where nobody asked then."""
        kept = self._kept.get(_identity(request), [])
        return kept[0] if response.status in (200, 404) and len(kept) > 1 else response


def _identity(request: Request) -> tuple[str, ...]:
    """What is asked, and by whom: a principal keeps its answers when its token is renewed."""
    query = (f"{name}={value}" for name, value in sorted(request.query.items()))
    return request.host, request.path, _caller(request), *query


def _caller(request: Request) -> str:
    token = tokens.bearer(request.headers.get("authorization", ""))
    try:
        return str(tokens.unverified(token)["oid"])
    except (jwt.InvalidTokenError, KeyError):
        return token


def _differ(one: Response, other: Response) -> bool:
    """Errors of one status are the same: their bodies may hold request ids."""
    return one.status != other.status or (one.status == 200 and one.encoded() != other.encoded())


def _hang_up(incoming: web.Request) -> web.Response:
    """Resets the connection, as a network that breaks: no answer and no orderly end."""
    transport = incoming.transport
    if transport is not None:
        lingering = struct.pack("ii", 1, 0)  # on, for no time: closing sends RST
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
        transport.abort()
    return web.Response()


async def _outgoing(incoming: web.Request, response: Response) -> web.StreamResponse:
    if response.stream is None:
        body = response.encoded()
        return web.Response(status=response.status, body=body, headers=response.headers)
    outgoing = web.StreamResponse(status=response.status, headers=response.headers)
    await outgoing.prepare(incoming)
    for piece in response.stream:  # other requests are answered in between
        await outgoing.write(piece)
    await outgoing.write_eof()
    return outgoing


async def _spoil(incoming: web.Request, response: Response, fault: faults.Fault) -> web.StreamResponse:
    """The answer with its end cut off, with a body that is none of this service's, or with none."""
    if fault.fault == "garbage":
        foreign = b"<html>\xff\x00 not what you asked for"
        return web.Response(status=response.status, body=foreign, content_type="text/html")
    if fault.fault == "empty":
        return web.Response(status=response.status, content_type="application/json")
    body = response.encoded()
    if not body or incoming.transport is None:
        return _hang_up(incoming)
    headers = {**response.headers, "Content-Length": str(len(body) + 64)}
    spoiled = web.StreamResponse(status=response.status, headers=headers)
    await spoiled.prepare(incoming)
    await spoiled.write(body[: len(body) // 2])
    incoming.transport.close()
    return spoiled
