"""Requests to GitHub's REST API through PyGithub, paced as GitHub asks, with its errors as the core's."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from github import Auth, Github, GithubException

from dbxwizard import __version__
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.errors import retry_after, translated
from dbxwizard.clients.request_log import note_response
from dbxwizard.clients.run_types import Budget
from dbxwizard.clients.threads import Threads
from dbxwizard.clients.timeouts import request_timeout
from dbxwizard.core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    NotSignedIn,
    OperationError,
    ServiceError,
    Transient,
    UsageError,
)
from dbxwizard.core.secret import Secret

READERS = 4  # requests at a time; writes go one after the other, as GitHub asks
TIMEOUT = 30  # seconds
# docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api: a second between writes
SECONDS_BETWEEN_WRITES = 1.0
SECONDARY_LIMIT_WAIT = 60.0  # seconds, where the answer says nothing (same page)

_MOST_KNOWN = 128  # answers that are kept to ask whether they have changed

# What GitHub says with 422 to who was not the first.
_LOST_RACES = ("not a fast forward", "already exists", '"sha" wasn\'t supplied')


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` have lower case names; `data` is the body's JSON, None where there was no body. `unchanged`: it is what
    was answered before."""

    headers: Mapping[str, str]
    data: Any
    unchanged: bool = False


class _Known:
    """Answers by what was asked, the oldest forgotten first.

    Asking again with the ETag costs nothing of the hour's requests while nothing has changed:
    docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, asked: str) -> Answer | None:
        with self._lock:
            return self._answers.get(asked)

    def put(self, asked: str, answer: Answer) -> None:
        if "etag" not in answer.headers:
            return
        with self._lock:
            self._answers[asked] = answer
            self._answers.move_to_end(asked)
            if len(self._answers) > _MOST_KNOWN:
                self._answers.popitem(last=False)


class GitHubConnection:
    """PyGithub's requester is not safe to share between threads, so each thread has its own."""

    def __init__(self, cloud: Cloud, token: Secret) -> None:
        if urlsplit(cloud.github_api).scheme not in ("http", "https"):
            raise UsageError("github-url-invalid", f"{cloud.github_api!r} is no address of a GitHub API")
        self._cloud, self._token = cloud, token
        self._readers = Threads(READERS, "github-read")
        self._writer = Threads(1, "github-write")
        self._local = threading.local()
        self._opened: list[Github] = []
        self._known = _Known()
        self.budget: Budget | None = None  # as the newest answer tells it

    async def close(self) -> None:
        for executor in (self._readers, self._writer):
            executor.shutdown(wait=False, cancel_futures=True)
        for github in self._opened:
            github.close()

    async def call(
        self, verb: str, path: str, *, resource: str, body: object = None, query: Mapping[str, Any] | None = None
    ) -> Answer:
        """One request; `path` starts with a slash. Raises the errors of core.errors, about `resource`."""
        executor = self._readers if verb == "GET" else self._writer
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(executor, self._call, verb, path, resource, body, query, {})

    async def watched(self, path: str, *, resource: str, query: Mapping[str, Any] | None = None) -> Answer:
        """As `call` for a GET that is sent again and again: what has not changed is not sent anew."""
        asked = f"{path} {sorted((query or {}).items())}"
        known = self._known.get(asked)
        headers = {"If-None-Match": known.headers["etag"]} if known else {}
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._readers, self._call, "GET", path, resource, None, query, headers)
        if answer.unchanged and known:
            return replace(known, unchanged=True)
        self._known.put(asked, answer)
        return answer

    async def items(
        self,
        path: str,
        *,
        resource: str,
        field: str = "",
        query: Mapping[str, Any] | None = None,
        most: int | None = None,
        watched: bool = False,
    ) -> list[Any]:
        """All pages of a list, which the body holds in `field` ("": it is the list); `most`: only so many items."""
        found: list[Any] = []
        page: Mapping[str, Any] | None = {"per_page": min(100, most or 100), **(query or {})}
        ask = self.watched if watched else self._page
        while page is not None and (most is None or len(found) < most):
            answer = await ask(path, resource=resource, query=page)
            found += required(answer.data, field) if field else answer.data
            page = _next_page(answer.headers)
        return found[:most]

    async def _page(self, path: str, *, resource: str, query: Mapping[str, Any] | None) -> Answer:
        return await self.call("GET", path, resource=resource, query=query)

    async def download(self, path: str, *, resource: str) -> AsyncGenerator[bytes]:
        """The pieces of a file that `path` leads to, one after the other: it may be larger than memory.

        The file lies on another host, whose address is good for a minute and needs no token.
        """
        location = (await self.call("GET", path, resource=resource)).headers.get("location", "")
        if not location:
            raise Transient("answer-unreadable", "GitHub's answer has no location", resource=resource)
        from dbxwizard.clients.download import pieces  # imports aiohttp and azure-core

        found, loop = pieces(self._cloud, location, resource), asyncio.get_running_loop()
        try:
            while piece := await loop.run_in_executor(self._readers, next, found, b""):
                yield piece
        finally:
            with suppress(ValueError):  # cancelled while a thread reads: it ends after that piece
                found.close()

    def _call(
        self,
        verb: str,
        path: str,
        resource: str,
        body: object,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        with github_errors(resource):
            requester = self._github().requester
            given, data = requester.requestJsonAndCheck(verb, path, dict(query or {}), dict(headers), body)
        self.budget = Budget.of(given) or self.budget
        unchanged = self._local.status == HTTPStatus.NOT_MODIFIED
        if "location" in given and verb == "GET":
            return Answer(given, None)
        is_json = given.get("content-type", "").startswith("application/json")
        empty = data is None and verb == "GET" and self._local.status == HTTPStatus.OK
        if empty or (data is not None and not is_json):
            raise Transient("answer-unreadable", "the answer is not what GitHub sends", resource=resource)
        return Answer(given, data, unchanged=unchanged)

    def _remember(self, response: Any, *_: Any, **__: Any) -> None:
        self._local.status = response.status_code

    def _github(self) -> Github:
        made: Github | None = getattr(self._local, "github", None)
        if made is None:
            made = self._local.github = self._connect()
            self._opened.append(made)
        return made

    def _connect(self) -> Github:
        cloud = self._cloud
        made = Github(
            auth=Auth.Token(self._token.reveal()),
            base_url=cloud.github_api,
            timeout=request_timeout(TIMEOUT)[1],
            user_agent=f"dbxwizard/{__version__}",
            verify=str(cloud.ca_bundle) if cloud.ca_bundle else True,
            retry=None,  # the engine tries again
            seconds_between_requests=None,
            seconds_between_writes=None if cloud.is_sandbox else SECONDS_BETWEEN_WRITES,
        )
        session = getattr(made.requester, "_Requester__createConnection")().session  # noqa: B009  no public door
        session.hooks["response"] += [self._remember, note_response]  # PyGithub does not hand on the status
        if cloud.is_sandbox:  # it is on this machine: a proxy of the environment must not stand before it
            session.trust_env = False
        return made


def required(data: Any, name: str) -> Any:
    """A field that GitHub always sends. Raises Transient for an answer that is nobody's."""
    if not isinstance(data, dict) or name not in data:
        raise Transient("answer-unreadable", f"GitHub's answer has no {name}", resource="GitHub")
    return data[name]


def _next_page(headers: Mapping[str, str]) -> dict[str, str] | None:
    """The query of the next page that a Link header leads to; None on the last."""
    for link in headers.get("link", "").split(","):
        target, _, relation = link.partition(";")
        if 'rel="next"' in relation:
            return dict(parse_qsl(urlsplit(target.strip(" <>")).query))
    return None


@contextmanager
def github_errors(resource: str) -> Iterator[None]:
    """Raises what PyGithub raises as a core error about `resource`; programming errors pass."""
    try:
        with translated(resource):
            yield
    except GithubException as error:
        raise from_answer(error.status, error.data, error.headers or {}, resource) from error
    except RuntimeError as error:  # PyGithub's way to say that it was redirected to another host
        raise ServiceError("github-redirected", str(error), resource=resource) from error


def from_answer(status: int, data: object, headers: Mapping[str, str], resource: str) -> OperationError:
    """The core error for an answer of GitHub's; `headers` have lower case names."""
    message = _message(data) or f"GitHub answered with status {status}"
    wait = _limited(status, message, headers)
    if wait is not None:
        return Transient("github-rate-limited", message, resource=resource, status=status, retry_after=wait)
    if status >= 500 or status == 408:
        wait = retry_after(headers)
        return Transient("github-unavailable", message, resource=resource, status=status, retry_after=wait)
    if status == 401:
        return NotSignedIn("github-bad-credentials", message, resource=resource)
    kind, code = _kind(status, message)
    missing = _missing_right(status, headers)
    if kind is Forbidden or missing:
        code = code if kind is Forbidden else "github-forbidden"
        fix = f"The token lacks the {missing}: `gh auth refresh --scopes repo,workflow`, or set another in GH_TOKEN."
        return Forbidden(
            code,
            f"{message} ({missing} is needed)" if missing.startswith("permission") else message,
            resource=resource,
            fix=fix if missing.startswith("scope") else "",
            status=status,
            action=missing,
            scope=resource,
        )
    return kind(code, message, resource=resource, status=status)


def _kind(status: int, message: str) -> tuple[type[ServiceError], str]:
    """The kind of error and its code; with 409 and 422 it depends on what was said."""
    text = message.lower()
    if status in (409, 422) and "rule violations" in text:
        return Forbidden, "github-rule-violation"
    if status == 409 or (status == 422 and any(lost in text for lost in _LOST_RACES)):
        return Conflict, "github-conflict"
    kinds = {
        403: (Forbidden, "github-forbidden"),
        404: (NotFound, "http-404"),
        410: (NotFound, "http-410"),
    }
    return kinds.get(status, (ServiceError, "github-refused" if status == 422 else "github-error"))


def _message(data: object) -> str:
    """GitHub's words, with what it says of each field that it refuses."""
    if not isinstance(data, dict):
        return ""
    details = data.get("errors")
    texts = [str(data.get("message") or "")]
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            named = [str(detail[name]) for name in ("field", "message", "code") if detail.get(name)]
            texts.append(" ".join(named[:2]))
        else:
            texts.append(str(detail))
    return "; ".join(" ".join(text.split()) for text in texts if text)


def _limited(status: int, message: str, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait where the answer is a rate limit's; None where it is not.

    docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    """
    if status not in (403, 429):
        return None
    asked = retry_after(headers)
    if asked is not None:
        return asked
    if headers.get("x-ratelimit-remaining") == "0":
        return max(0.0, float(headers.get("x-ratelimit-reset", 0)) - time.time())
    return SECONDARY_LIMIT_WAIT if status == 429 or "secondary rate limit" in message.lower() else None


def _missing_right(status: int, headers: Mapping[str, str]) -> str:
    """The right that the token lacks, as far as the answer says; "" where it lacks none.

    A classic token of none of the accepted scopes may see 404 in place of 403.
    """
    if status not in (403, 404):
        return ""
    accepted = _names(headers.get("x-accepted-oauth-scopes", ""))
    if "x-oauth-scopes" in headers:
        lacks = accepted and not accepted & _names(headers["x-oauth-scopes"])
        return f"scope {' or '.join(sorted(accepted))}" if lacks else ""
    needed = headers.get("x-accepted-github-permissions", "")
    return f"permission {needed}" if status == 403 and needed else ""


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())
