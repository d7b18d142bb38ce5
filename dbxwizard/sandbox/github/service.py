"""GitHub's REST API: how it knows its callers and words its errors; the routes are in the modules beside this.

It answers at the paths of api.github.com, and below /api/v3 as a GitHub Enterprise Server does. Anonymous calls, which
the real service answers for public repositories, are refused: the program never makes one.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from dbxwizard.sandbox.github import (
    access,
    actions,
    branches,
    contents,
    dispatches,
    environments,
    errors,
    forks,
    git_data,
    git_http,
    issues,
    pulls,
    repositories,
    rulesets,
    schedules,
    seed,
    show,
    teams,
    values,
)
from dbxwizard.sandbox.github.runs import checks, deployment_routes, records
from dbxwizard.sandbox.github.runs.routes import RunRoutes
from dbxwizard.sandbox.http import ApiError, Call, Context, Request, Response, Service, TaskContext
from dbxwizard.sandbox.limits import Windows
from dbxwizard.sandbox.store import Document, Store

API_VERSIONS = ("2022-11-28", "2026-03-10")  # docs.github.com/rest/about-the-rest-api/api-versions
HOURLY_LIMIT = 5000  # requests of one user, docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
# The secondary limit, same page: points in a minute at one endpoint; a request that writes is worth five.
_MOST_POINTS, _MINUTE, _WRITE_POINTS = 900, 60.0, 5
_DOCUMENTATION = "https://docs.github.com/rest"
_SECONDARY_LIMIT = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID."
)
_TYPES = {"str": "a string", "int": "an integer", "float": "a number", "bool": "a boolean", "list": "an array"}


class GitHubService(Service):
    """GitHub."""

    name = "github"
    prefix = "/api/v3"

    def __init__(self) -> None:
        super().__init__()
        self.hourly_limit = HOURLY_LIMIT
        self._used: dict[tuple[str, int], int] = {}
        self._points = Windows()
        self.route("GET", "/rate_limit")(self._rate_limit)
        for module in (
            repositories, environments, values, git_data, contents, checks, branches, pulls, forks, rulesets, actions,
            deployment_routes, teams,
            git_http, issues, dispatches,
        ):  # fmt: skip
            module.register(self)
        self._runs = RunRoutes(self)
        self.task(schedules.TASK)(self._fire)

    def handle(self, call: Call) -> Response:
        response = super().handle(call)
        self._wake(call.store)
        return response

    def _wake(self, store: Store) -> None:
        """Has the runs carried out that were queued in this transaction."""
        if records.take_wake(store):
            self._runs.worker.wake(store.path)

    def _fire(self, context: TaskContext, body: Document) -> None:
        schedules.fire(context, body)
        self._wake(context.store)

    def authenticate(self, call: Call) -> access.Principal | None:
        if git_http.is_git(call.request.path):
            return git_http.authenticate(call)
        principal = access.authenticate(call)
        call.principal = principal
        access.count_request(self._used, call, self.hourly_limit)
        self._count_points(call, principal.login)
        return principal

    def _count_points(self, call: Call, login: str) -> None:
        """The secondary limit; ApiError 403 with the seconds to wait, where it is reached."""
        points = 1 if call.request.method in ("GET", "HEAD", "OPTIONS") else _WRITE_POINTS
        taken = self._points.take(call.clock, (login, call.route.name), _MOST_POINTS, _MINUTE, points)
        if taken.wait:
            raise ApiError(403, "TooManyRequests", _SECONDARY_LIMIT, headers={"Retry-After": str(taken.wait)})

    def authorize(self, call: Call) -> None:
        if git_http.is_git(call.request.path):
            git_http.authorize(call)
            return
        access.authorize(call)

    def check_version(self, call: Call) -> None:
        """The version is a header; without it the oldest one that is supported counts."""
        asked = call.request.headers.get("x-github-api-version", API_VERSIONS[0])
        if git_http.is_git(call.request.path):
            return
        if asked not in API_VERSIONS:
            raise ApiError(400, "BadVersion", f"API version {asked} is not supported.")

    def parse_body(self, call: Call) -> Any:
        body = super().parse_body(call)
        if not isinstance(body, dict):
            raise ApiError(400, "BadRequest", "Body should be a JSON object")
        return body

    def malformed(self, call: Call) -> ApiError:
        return ApiError(400, "BadRequest", "Problems parsing JSON")

    def unknown_field(self, call: Call, problem: str, path: str) -> ApiError:
        """GitHub checks bodies against a JSON schema and says what failed, each problem a paragraph."""
        name = path.rsplit(".", 1)[-1]
        if problem == "unknown":
            text = f'"{name}" is not a permitted key.'
        elif problem == "missing":
            text = f'"{name}" wasn\'t supplied.'
        else:
            kind = _TYPES.get(problem.removeprefix("expected "), "an object")
            text = f"For 'properties/{path.replace('.', '/')}', {_value_at(call.body, path)} is not {kind}."
        return errors.unprocessable(f"Invalid request.\n\n{text}")

    def no_route(self, request: Request) -> ApiError:
        return errors.not_found()

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        if git_http.is_git(request.path):
            return Response(error.status, f"{error.message}\n", {"Content-Type": "text/plain; charset=utf-8"})
        message = _SECONDARY_LIMIT if error.code == "TooManyRequests" else error.message
        body = {"message": message, **error.extra, "documentation_url": _DOCUMENTATION, "status": str(error.status)}
        return Response(error.status, body)

    def decorate(self, call: Call | None, request: Request, response: Response) -> None:
        if git_http.is_git(request.path):
            return
        version = request.headers.get("x-github-api-version", API_VERSIONS[0])
        headers = {
            "Server": "github.com",
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Api-Version-Selected": version if version in API_VERSIONS else API_VERSIONS[0],
            "X-GitHub-Request-Id": _request_id(),
            "Cache-Control": "private, max-age=60, s-maxage=60",
            "Vary": "Accept, Authorization, Cookie, X-GitHub-OTP",
        }
        if request.method == "GET" and response.status == 200:
            _tag(request, response)
        if call is not None and call.principal is not None:
            if response.status == 304:  # costs nothing of the primary limit
                access.uncount_request(self._used, call)
            headers |= access.token_headers(call) | self._limit_headers(call)
        response.headers.update(headers)

    def _rate(self, call: Call) -> dict[str, int]:
        """The caller's requests of this hour."""
        hour = int(call.now // 3600)
        used = self._used.get((call.principal.login, hour), 0)
        left = max(0, self.hourly_limit - used)
        return {"limit": self.hourly_limit, "remaining": left, "used": used, "reset": (hour + 1) * 3600}

    def _rate_limit(self, call: Call) -> Response:
        rate = {**self._rate(call), "resource": "core"}
        return Response(200, {"resources": {"core": rate}, "rate": rate})

    def _limit_headers(self, call: Call) -> dict[str, str]:
        headers = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in self._rate(call).items()}
        return {**headers, "X-RateLimit-Resource": "core"}

    def resume(self, context: Context) -> None:
        self._runs.worker.resume(context)

    def close(self) -> None:
        self._runs.worker.close()

    def seed(self, store: Store, now: float) -> None:
        seed.seed(store)

    def show(self, store: Store) -> dict[str, list[Any]]:
        return show.show(store)


def _value_at(body: Any, path: str) -> str:
    for name in path.replace("[", ".").replace("]", "").split("."):
        body = body[int(name)] if isinstance(body, list) else body.get(name)
    return json.dumps(body)


def _request_id() -> str:
    """In GitHub's form: five groups of hexadecimal digits."""
    digits = uuid.uuid4().hex.upper()
    return f"{digits[:4]}:{digits[4:10]}:{digits[10:17]}:{digits[17:24]}:{digits[24:]}"


def _tag(request: Request, response: Response) -> None:
    """A weak ETag over the body; 304 without one where the caller knows it already."""
    body = response.encoded()
    response.headers["ETag"] = tag = f'W/"{hashlib.sha256(body).hexdigest()}"'
    known = [known.strip().removeprefix("W/") for known in request.headers.get("if-none-match", "").split(",")]
    if tag.removeprefix("W/") in known:
        response.status, response.body = 304, None
        response.headers.pop("Content-Type", None)
