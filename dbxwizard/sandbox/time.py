"""The sandbox's clock and how long its operations take.

Both live in the state file, so that a test can move the clock of a served sandbox and every process agrees.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from dbxwizard.sandbox.store import Store

DEFAULT_PROFILE = "demo"


@dataclass(frozen=True, slots=True)
class Profile:
    """Durations in seconds by operation name (`cluster.start`, `role-assignment.replicate`, `request.arm` …)."""

    name: str
    durations: dict[str, float]

    def seconds(self, operation: str) -> float:
        """The duration of `operation`: its own entry, else the one of its family (`cluster.*`), else `*`."""
        family = operation.split(".", maxsplit=1)[0] + ".*"
        return self.durations.get(operation, self.durations.get(family, self.durations.get("*", 0.0)))


@cache
def profiles() -> dict[str, Profile]:
    text = files("dbxwizard.sandbox").joinpath("latency.json").read_text("utf-8")
    raw: dict[str, Any] = json.loads(text)
    return {name: Profile(name, entries) for name, entries in raw.items() if not name.startswith("$")}


class Clock:
    """Now, in epoch seconds: the system's, moved by an offset, or standing still at a set time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> float:
        setting = self._store.get("_setting", "clock") or {}
        if "frozen" in setting:
            return float(setting["frozen"])
        return time.time() + float(setting.get("offset", 0.0))

    def advance(self, seconds: float) -> None:
        """Moves the clock forward; what falls due in between happens at the next request."""
        setting = self._store.get("_setting", "clock") or {}
        key = "frozen" if "frozen" in setting else "offset"
        self._store.put("_setting", "clock", {key: float(setting.get(key, 0.0)) + seconds})

    def freeze(self, at: float) -> None:
        """Stands still at `at` until advanced."""
        self._store.put("_setting", "clock", {"frozen": at})

    def profile(self) -> Profile:
        setting = self._store.get("_setting", "latency") or {}
        return profiles()[setting.get("profile", DEFAULT_PROFILE)]
