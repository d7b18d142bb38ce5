"""Workflow runs as GitHub shows them: docs.github.com/rest/actions/workflow-runs, /workflow-jobs and /deployments.

Times are epoch seconds, 0 where GitHub has none yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """`status`: queued, in_progress, waiting, pending, requested or completed; then `conclusion` says how: success,
    failure, cancelled, skipped, timed_out, startup_failure, action_required, neutral or stale ("" before that)."""

    id: int
    number: int
    attempt: int
    name: str  # the workflow's
    title: str
    path: str  # .github/workflows/deploy.yml
    event: str
    status: str
    conclusion: str
    branch: str  # or tag
    commit: str
    actor: str
    created_at: float
    started_at: float  # of this attempt
    updated_at: float
    html_url: str

    @property
    def ended(self) -> bool:
        return self.status == "completed"

    @property
    def state(self) -> str:
        """One word: the conclusion, or the status until there is one."""
        return self.conclusion or self.status

    @property
    def workflow(self) -> str:
        """The name of the workflow's file."""
        return self.path.partition("@")[0].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class RunStep:
    """`status`: queued, pending, in_progress or completed; `conclusion` as in Run."""

    number: int
    name: str
    status: str
    conclusion: str
    started_at: float
    ended_at: float

    @property
    def state(self) -> str:
        return self.conclusion or self.status


@dataclass(frozen=True, slots=True)
class RunJob:
    """`status` and `conclusion` as in Run. A job whose needs have not ended yet is not listed at all."""

    id: int
    run_id: int
    attempt: int
    name: str  # of a called workflow: `caller / called`
    status: str
    conclusion: str
    started_at: float
    ended_at: float
    html_url: str
    steps: tuple[RunStep, ...]

    @property
    def ended(self) -> bool:
        return self.status == "completed"

    @property
    def state(self) -> str:
        return self.conclusion or self.status

    @property
    def has_log(self) -> bool:
        """The log is there once the job has ended; one that was skipped has none."""
        return self.ended and self.conclusion != "skipped"

    @property
    def failed(self) -> bool:
        return self.conclusion in FAILURES


FAILURES = ("failure", "timed_out", "startup_failure", "action_required")


@dataclass(frozen=True, slots=True)
class Workflow:
    id: int
    name: str
    path: str
    state: str  # active, disabled_manually, disabled_inactivity …

    @property
    def file(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class WaitingEnvironment:
    """An environment whose rules a run waits for. `reviewers`: logins and teams; `timer` in minutes."""

    id: int
    name: str
    may_approve: bool  # whom the token speaks for
    reviewers: tuple[str, ...]
    timer: int
    since: float


@dataclass(frozen=True, slots=True)
class Deployment:
    id: int
    environment: str
    ref: str
    commit: str
    creator: str
    created_at: float


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """`state`: waiting, queued, in_progress, success, failure, error or inactive; `environment_url` is what the job
    gave as `environment.url`; `log_url` leads to the job."""

    state: str
    environment_url: str
    log_url: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a job's commands said: `::error title=…::message`. `level`: notice, warning or failure."""

    level: str
    title: str
    message: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The requests of this hour, as the last answer told.

    docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit
    """

    limit: int
    remaining: int
    resets_at: float

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Budget | None:
        """None where the answer says nothing of the budget that these requests count against."""
        if headers.get("x-ratelimit-resource", "core") != "core":
            return None
        try:
            return cls(*(int(headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")))
        except (KeyError, ValueError):
            return None
