"""A developer's machine beside an environment as the screen shows it: loads neither steps nor clients."""

from __future__ import annotations

from dataclasses import dataclass

TOPIC = "developer"


@dataclass(frozen=True, slots=True)
class DeveloperLine:
    """What the work of `asked` (the asker's own key) says as it goes on."""

    asked: str
    text: str


@dataclass(frozen=True, slots=True)
class ChangeShown:
    """A file or the virtual environment. `yours`: it touches what somebody wrote; `diff` says how, secrets hidden."""

    action: str
    name: str
    reasons: tuple[str, ...]
    yours: bool
    diff: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetupShown:
    """What `dev setup` would change on this machine. `notes`: what was left as it is and may matter."""

    plan: str
    runtime: str
    python: str
    cluster: str
    changes: tuple[ChangeShown, ...]
    notes: tuple[str, ...]

    @property
    def touched(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.changes if one.yours)


@dataclass(frozen=True, slots=True)
class CheckTold:
    """A check that has ended: `state` is ok, failed or skipped. `asked` as in DeveloperLine."""

    asked: str
    name: str
    state: str
    found: str
    fix: str


@dataclass(frozen=True, slots=True)
class MachineChecked:
    """`not_started`: the cluster that somebody has to agree to start before all can be checked, "" for none."""

    failed: int
    not_started: str


@dataclass(frozen=True, slots=True)
class PushShown:
    """What `dev push` would do. `state` of the cluster as Databricks says it; `restarts`: for all who use it."""

    plan: str
    cluster: str
    state: str
    projects: tuple[str, ...]
    unchanged: bool
    starts: bool
    restarts: bool


@dataclass(frozen=True, slots=True)
class SyncShown:
    """A folder here and one of the workspace that `dev sync` would keep the same."""

    plan: str
    folder: str
    remote: str


@dataclass(frozen=True, slots=True)
class ScriptEnd:
    """How a script or notebook ended. `output`: what it printed; `result`: what a notebook was left with."""

    run: int
    state: str
    url: str
    seconds: float
    exit_code: int
    output: tuple[str, ...]
    truncated: bool
    error: str
    trace: tuple[str, ...]
