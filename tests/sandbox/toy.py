"""A service of a few lines, for what the kernel promises to every service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dbxwizard.sandbox.http import ApiError, Call, Request, Response, Service, TaskContext
from dbxwizard.sandbox.server import SandboxServer


class Toy(Service):
    """Notes under /notes/NAME; `fail` and `break` write one and then end in an error, ours or a defect."""

    name = "arm"  # the kernel knows hosts by these names alone

    def __init__(self) -> None:
        super().__init__()
        body = {"text": str, "more?": {"deep?": [int]}}
        self.route("PUT", "/notes/{name}", body=body)(self._put)
        self.route("GET", "/notes/{name}")(self._get)
        self.route("GET", "/exact/a.b+c/{rest...}", public=True)(self._rest)
        self.route("POST", "/fail/{name}")(self._fail)
        self.route("POST", "/break/{name}")(self._break)
        self.route("POST", "/host/{name}")(self._open)
        self.route("DELETE", "/host/{name}")(self._close)
        self.task("toy.note")(self._note)

    def authenticate(self, call: Call) -> str:
        token = call.request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            raise ApiError(401, "NoToken", "no token")
        return token

    def unknown_field(self, call: Call, problem: str, path: str) -> ApiError:
        return ApiError(400, "BadField", f"{path}: {problem}")

    def malformed(self, call: Call) -> ApiError:
        return ApiError(400, "Malformed", "no JSON")

    def no_route(self, request: Request) -> ApiError:
        return ApiError(404, "NoRoute", request.path)

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        return Response(error.status, {"code": error.code, "message": error.message})

    def _put(self, call: Call) -> Response:
        call.store.put("toy.note", call.params["name"], call.body)
        return Response(200, {"id": call.new_id("note", call.params["name"])})

    def _get(self, call: Call) -> Response:
        return Response(200, {"name": call.params["name"], "body": call.store.get("toy.note", call.params["name"])})

    def _rest(self, call: Call) -> Response:
        return Response(200, {"rest": call.params["rest"]})

    def _fail(self, call: Call) -> Response:
        call.store.put("toy.note", call.params["name"], {})
        call.later(0, "toy.note", name="never")
        raise ApiError(409, "Failed", "after a write")

    def _break(self, call: Call) -> Response:
        call.store.put("toy.note", call.params["name"], {})
        raise KeyError(call.params["name"])

    def _open(self, call: Call) -> Response:
        return Response(200, {"url": call.hosts.open(f"arm:{call.params['name']}")})

    def _close(self, call: Call) -> Response:
        call.hosts.close(f"arm:{call.params['name']}")
        return Response(204)

    def _note(self, context: TaskContext, body: dict[str, Any]) -> None:
        """Adds a name to the notes in the order of time; `then` schedules another after so many seconds."""
        done = (context.store.get("toy.done", "all") or {"names": []})["names"]
        context.store.put("toy.done", "all", {"names": [*done, [body["name"], context.now]]})
        if "then" in body:
            context.later(body["then"], "toy.note", name=f"{body['name']}+")


@contextmanager
def served(state: Path) -> Iterator[SandboxServer]:
    """The toy, served by this process."""
    server = SandboxServer(state, {"arm": Toy()})
    server.start()
    try:
        yield server
    finally:
        server.stop()
