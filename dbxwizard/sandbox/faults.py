"""Faults on demand: any route can be told to throttle, fail, hang up, stall, lie or kill its caller.

A rule is a document of kind `_fault`, so a test, `sandbox serve --faults FILE` and another process set them alike:

    {"service": "arm", "method": "PUT", "path": "/subscriptions/*", "fault": "status", "status": 503,
     "retry_after": 2, "when": "after", "skip": 0, "times": 1}

`service` and `method` may be missing (any), `path` is a shell pattern. The first `skip` matches pass, the next `times`
are hit.
"""

from __future__ import annotations

import os
import signal
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from dbxwizard.sandbox.http import Request
from dbxwizard.sandbox.store import Store

Kind = Literal["status", "reset", "stall", "truncate", "garbage", "stale", "kill"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. `seconds`: how long a stall lasts. `pid`: whom `kill` ends, by SIGKILL."""

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

    def matches(self, request: Request) -> bool:
        service = request.host.split(":", 1)[0]
        return (
            self.service in ("", service)
            and self.method in ("", request.method)
            and fnmatchcase(request.path, self.path)
        )


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
    os.kill(fault.pid, signal.SIGKILL)
