"""Faults on demand: any route can be told to throttle, fail, hang up, stall, lie or kill its caller.

A rule is a document of kind `_fault`, so a test, `sandbox serve --faults FILE` and another process set them alike:

    {"service": "arm", "method": "PUT", "path": "/subscriptions/*", "fault": "status", "status": 503,
     "retry_after": 2, "when": "after", "skip": 0, "times": 1}

`service` and `method` may be missing (any), `path` is a shell pattern. The first `skip` matches pass, the next `times`
are hit. A `stale` fault hits readings alone.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from dbxwizard.sandbox.fields import check
from dbxwizard.sandbox.http import Request
from dbxwizard.sandbox.store import Store

Kind = Literal["status", "reset", "stall", "truncate", "garbage", "empty", "stale", "kill"]
SERVICES = ("login", "graph", "arm", "vault", "oidc", "github", "workspace", "ingestion", "insights", "packages")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_RULE = {
    "fault": str,
    "service?": str,
    "method?": str,
    "path?": str,
    "status?": int,
    "retry_after?": float,
    "when?": str,
    "skip?": int,
    "times?": int,
    "seconds?": float,
    "pid?": int,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. `seconds`: how long a stall lasts. `pid`: whom `kill` ends, by SIGKILL. Raises ValueError when made
    with what makes no sense."""

    fault: Kind
    service: str = ""
    method: str = ""
    path: str = "*"
    status: int = 503
    retry_after: float | None = None
    when: Literal["before", "after"] = "before"
    skip: int = 0
    times: int = 1
    seconds: float = 3600.0
    pid: int = 0

    def __post_init__(self) -> None:
        for name, value, known in (
            ("fault", self.fault, get_args(Kind)),
            ("service", self.service, ("", *SERVICES)),
            ("method", self.method, ("", *_METHODS)),
            ("when", self.when, ("before", "after")),
        ):
            if value not in known:
                raise ValueError(f"{name}: {value!r} is not one of {', '.join(filter(None, known))}")
        for name, number, least, most in (
            ("status", self.status, 400, 599),
            ("retry_after", self.retry_after or 0, 0, 86400),
            ("skip", self.skip, 0, 10**9),
            ("times", self.times, 1, 10**9),
            ("seconds", self.seconds, 0, 86400),
            # Below 2 are ourselves, our whole group (0) and the machine's first process.
            ("pid", self.pid, 2 if self.fault == "kill" else 0, 2**31),
        ):
            if not least <= number <= most:
                raise ValueError(f"{name}: {number} is not between {least} and {most}")

    def matches(self, request: Request) -> bool:
        service = request.host.split(":", 1)[0]
        return (
            self.service in ("", service)
            and self.method in ("", request.method)
            and (self.fault != "stale" or request.method == "GET")
            and fnmatchcase(request.path, self.path)
        )


def read(rules: Any) -> list[Fault]:
    """The rules of a JSON document. Raises ValueError that names the rule, counted from 0, and its field."""
    problem = check(rules, [_RULE])
    if problem:
        raise ValueError(f"{problem.path or 'rules'}: {problem.message}")
    return [_made(number, rule) for number, rule in enumerate(rules)]


def _made(number: int, rule: dict[str, Any]) -> Fault:
    try:
        return Fault(**{name: value for name, value in rule.items() if value is not None})
    except ValueError as error:
        raise ValueError(f"[{number}].{error}") from error


def add(store: Store, fault: Fault) -> None:
    """Puts `fault` behind the rules that are there."""
    with store.transaction():
        store.put("_fault", f"{len(store.find('_fault')):06d}", {**asdict(fault), "seen": 0})


def clear(store: Store) -> None:
    with store.transaction():
        for key, _ in store.find("_fault"):
            store.delete("_fault", key)


def take(store: Store, request: Request) -> Fault | None:
    """The first rule that hits this request; counts the match. Called inside a transaction."""
    for key, body in store.find("_fault"):
        seen = int(body["seen"])
        fault = _from(body)
        if not fault.matches(request) or seen >= fault.skip + fault.times:
            continue
        store.put("_fault", key, {**body, "seen": seen + 1})
        if seen >= fault.skip:
            return fault
    return None


def _from(body: dict[str, Any]) -> Fault:
    return Fault(**{name: value for name, value in body.items() if name != "seen"})


def kill(fault: Fault) -> None:
    """Ends the caller at once, as a lost machine would."""
    with suppress(ProcessLookupError):  # it has gone already
        os.kill(fault.pid, signal.SIGKILL)
