"""What a service of the sandbox is made of: routes, calls, responses and errors."""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from dbxwizard.sandbox.fields import Spec, check
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock

# Every id that a service hands out is computed below this name, so that two runs of the same road give the same state.
WORLD = uuid.UUID("6f0d8f0e-5d3c-5b8e-9a53-0c6a5a1d2b77")


class ApiError(Exception):
    """An answer other than success; the service renders `code` and `message` in its own form."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.extra = extra


@dataclass(slots=True)
class Response:
    """`body`: None (no content), a JSON value, text or bytes. `stream`: a body that is not in memory as a whole."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None

    def encoded(self) -> bytes:
        if self.stream is not None:
            return b"".join(self.stream)
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        self.headers.setdefault("Content-Type", "application/json; charset=utf-8")
        return json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in. `host` is our name of it (`arm`, `vault:kv-1` …); header names lower case."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The body's, without parameters; "" when none is named."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Hosts(Protocol):
    """Where the sandbox's hosts listen."""

    def url(self, host: str) -> str: ...

    def open(self, host: str) -> str: ...

    def close(self, host: str) -> None: ...


@dataclass(slots=True)
class Context:
    """What a request and a task that has fallen due both work with. `now`: epoch seconds of the sandbox's time."""

    store: Store
    clock: Clock
    hosts: Hosts
    now: float

    def url(self, host: str) -> str:
        """`https://127.0.0.1:PORT` of a host that is open; KeyError when there is none."""
        return self.hosts.url(host)

    def seconds(self, operation: str) -> float:
        """How long `operation` takes under the latency profile in force."""
        return self.clock.profile().seconds(operation)

    def later(self, seconds: float, task: str, **body: Any) -> None:
        """Runs the service's `task` in `seconds` of the sandbox's time."""
        self.store.schedule(self.now + seconds, task, body)

    def new_id(self, kind: str, hint: str) -> str:
        """A GUID for a new object of `kind`: the same for the same `hint`, unless one of that id exists already."""
        candidates = (str(uuid.uuid5(WORLD, f"{kind}/{hint}/{number}")) for number in itertools.count())
        made = next(candidate for candidate in candidates if self.store.get("_id", candidate) is None)
        self.store.put("_id", made, {})
        return made


@dataclass(slots=True)
class Call(Context):
    """A request on its way through a route, with the state that it may change."""

    request: Request
    route: Route
    params: dict[str, str]
    principal: Any = None  # what the service's `authenticate` found
    body: Any = None

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query


@dataclass(slots=True)
class TaskContext(Context):
    """A task that has fallen due; `now` is the moment at which it was due."""


def read_json(body: bytes) -> Any:
    """What RFC 8259 calls JSON: no NaN, no Infinity. Raises ValueError."""
    return json.loads(body, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_text(body: Any) -> None:
    """Raises UnicodeEncodeError for half of a surrogate pair, which JSON can escape and nobody can store.

    The bytes of an uploaded file are no text.
    """
    json.dumps(body, ensure_ascii=False, default=lambda _: None).encode()


Handler = Callable[[Call], Response]
Task = Callable[[TaskContext, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of a service.

    `path` has `{name}` for a segment and `{name...}` for the rest. `api_versions` are those the real service
    documents (empty: it has none in the query). `body` describes the fields it knows (fields.py; None: no body).
    `action` is the right that the caller needs, in the service's own terms. `public`: no token is asked for.
    """

    method: str
    path: str
    handler: Handler
    api_versions: frozenset[str] = frozenset()
    body: Spec | None = None
    query: frozenset[str] = frozenset()
    action: str = ""
    public: bool = False
    pattern: re.Pattern[str] = field(default=re.compile(""), compare=False)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@cache
def _compile(path: str, ignore_case: bool) -> re.Pattern[str]:
    def segment(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"(?P<{name[:-3]}>.+)" if name.endswith("...") else f"(?P<{name}>[^/]+)"

    parts = re.split(r"(\{[^}]+\})", path)
    text = "".join(re.sub(r"\{([^}]+)\}", segment, part) if part.startswith("{") else re.escape(part) for part in parts)
    return re.compile(text, re.IGNORECASE if ignore_case else 0)


class Service:
    """One real host, played: its routes, how it knows callers, the form of its errors. Subclasses override hooks."""

    name = ""
    ignore_case = False  # of literal path segments
    prefix = ""  # an alias under which the same routes answer too
    always_open = True  # False: its hosts (one vault, one workspace) are opened as they are made
    speaks_grpc = False  # beside HTTP/1.1, on the same port

    def __init__(self) -> None:
        self.routes: list[Route] = []
        self.tasks: dict[str, Task] = {}

    def route(
        self,
        method: str,
        path: str,
        *,
        api_versions: Iterable[str] = (),
        body: Spec | None = None,
        query: Iterable[str] = (),
        action: str = "",
        public: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Registers the decorated function for `method path`. The first route that matches wins."""

        def register(handler: Handler) -> Handler:
            self.routes.append(
                Route(
                    method,
                    path,
                    handler,
                    frozenset(api_versions),
                    body,
                    frozenset(query),
                    action,
                    public,
                    _compile(path, self.ignore_case),
                )
            )
            return handler

        return register

    def task(self, name: str) -> Callable[[Task], Task]:
        """Registers the decorated function for scheduled work of that name."""

        def register(task: Task) -> Task:
            self.tasks[name] = task
            return task

        return register

    # The hooks of a service.

    def authenticate(self, call: Call) -> Any:
        """Who calls; raises ApiError when the token is missing, foreign, expired or unknown."""
        raise NotImplementedError

    def authorize(self, call: Call) -> None:
        """Raises ApiError when the caller lacks `call.route.action`. Called after `authenticate`."""

    def check_version(self, call: Call) -> None:
        """Raises ApiError for a missing or unknown api-version."""

    def unknown_field(self, call: Call, problem: str, path: str) -> ApiError:
        """The answer to a field that the operation does not have, or that has the wrong type."""
        raise NotImplementedError

    def check_media_type(self, call: Call) -> None:
        """Raises ApiError for a body of a kind that the service does not read."""

    def malformed(self, call: Call) -> ApiError:
        """The answer to a body that is no JSON."""
        raise NotImplementedError

    def no_route(self, request: Request) -> ApiError:
        raise NotImplementedError

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        """`error` in the service's own form."""
        raise NotImplementedError

    def decorate(self, call: Call | None, request: Request, response: Response) -> None:
        """Adds the headers that the service puts on every answer."""

    def relay(self, call: Call) -> Callable[[], int] | ApiError:
        """Where a call of gRPC goes: what gives the port of the server for it, which may take seconds to start.

        Raises ApiError to refuse it; returns one to refuse it and to keep what was written to the state.
        """
        raise NotImplementedError

    def seed(self, store: Store, now: float) -> None:
        """What a new sandbox holds of this service."""

    def show(self, store: Store) -> dict[str, list[Any]]:
        """This service's part of `sandbox show`: sorted lists without timestamps, counters or credentials."""
        return {}

    def resume(self, context: Context) -> None:
        """Takes up what the service did beside answering when an earlier server stopped: this one begins."""

    def close(self) -> None:
        """Ends what the service does beside answering: the server stops."""

    # The way of a request.

    def match(self, request: Request) -> tuple[Route, dict[str, str]] | None:
        path = request.path
        if self.prefix and path.startswith(self.prefix + "/"):
            path = path[len(self.prefix) :]
        for route in self.routes:
            if route.method == request.method and (found := route.pattern.fullmatch(path)):
                return route, found.groupdict()
        return None

    def handle(self, call: Call) -> Response:
        """Runs the route in the caller's transaction, in the real services' order: token, version, body, right."""
        if not call.route.public:
            call.principal = self.authenticate(call)
        self.check_version(call)
        self.read_body(call)
        if not call.route.public:
            self.authorize(call)
        return call.route.handler(call)

    def read_body(self, call: Call) -> None:
        spec = call.route.body
        if spec is None:
            return
        call.body = self.parsed_body(call)
        problem = check(call.body, spec)
        if problem:
            raise self.unknown_field(call, problem.message, problem.path)

    def parsed_body(self, call: Call) -> Any:
        """The body as the service reads it. Raises ApiError for what it can't read."""
        if call.request.body:
            self.check_media_type(call)
        try:
            body = self.parse_body(call)
            if b"\\u" in call.request.body:
                _check_text(body)
        except (UnicodeEncodeError, RecursionError) as error:
            raise self.malformed(call) from error
        return body

    def parse_body(self, call: Call) -> Any:
        """The body as JSON ({} when there is none); a service with form bodies overrides it."""
        try:
            return read_json(call.request.body or b"{}")
        except ValueError as error:
            raise self.malformed(call) from error
