"""What a run has come to so far, folded from its events: live ones and those of the history alike."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbxwizard.backend.views import StepView

_DONE = {"create": "created", "update": "updated", "delete": "deleted", "none": "unchanged"}
ENDED = ("done", "unchanged", "failed", "left out")


@dataclass(slots=True)
class StepRun:
    """`state`: waiting, running, retrying, or one of ENDED. Times are epoch seconds.

    `detail`: what is waited for, why it is tried again, or what went wrong; `lines`: its log.
    """

    id: str
    title: str
    environment: str
    state: str = "waiting"
    action: str = ""
    began: float | None = None
    ended: float | None = None
    detail: str = ""
    fix: str = ""
    lines: list[str] = field(default_factory=list)

    def seconds(self, now: float) -> float | None:
        """How long it has taken; None before it began."""
        return None if self.began is None else (self.ended or now) - self.began


class RunModel:
    """`steps` are in the order of the plan where that is known, else in the order in which they were told of."""

    def __init__(self, planned: Iterable[StepView] = ()) -> None:
        self.steps = {
            step.id: StepRun(step.id, step.title, step.environment, action=step.action)
            for step in planned
            if step.changes
        }
        self.run_id = ""
        self.command = ""
        self.actor = ""
        self.status = ""  # "" while it goes on
        self.began: float | None = None
        self.ended: float | None = None

    def take(self, event: Mapping[str, Any]) -> str:
        """The id of the step that it was about, "" for the run itself."""
        at = float(event.get("at", 0.0))
        match event.get("event"):
            case "run_started":
                self._start(event, at)
            case "run_finished":
                self.status, self.ended = str(event["status"]), at
            case "plan_failed":
                self.status, self.ended = "error", at
            case "step_read":
                return self._read(event, at)
            case str(kind) if kind.startswith("step_"):
                return self._step(kind, event, at)
        return ""

    @property
    def environments(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(step.environment for step in self.steps.values()))

    def of(self, environment: str) -> list[StepRun]:
        return [step for step in self.steps.values() if step.environment == environment]

    def counts(self, environment: str | None = None) -> Counter[str]:
        """How many steps are in each state, of one environment or of all."""
        return Counter(
            step.state for step in self.steps.values() if environment is None or step.environment == environment
        )

    @property
    def failed(self) -> list[StepRun]:
        return [step for step in self.steps.values() if step.state == "failed"]

    def seconds(self, now: float) -> float:
        """How long the run has taken."""
        return 0.0 if self.began is None else (self.ended or now) - self.began

    def _start(self, event: Mapping[str, Any], at: float) -> None:
        self.run_id, self.command = str(event["run_id"]), str(event["command"])
        self.actor, self.began = str(event["actor"]), at
        self.status, self.ended = "", None

    def _read(self, event: Mapping[str, Any], at: float) -> str:
        """While planning; a step that will change is one to wait for."""
        if event["action"] == "none" and not event.get("not_checked"):
            return ""
        step = self._of(event)
        step.action = str(event["action"])
        reasons = "; ".join(map(str, event.get("reasons") or ())) or str(event.get("note") or "")
        _note(step, at, f"planned: {step.action}" + (f", {reasons}" if reasons else ""))
        return step.id

    def _step(self, kind: str, event: Mapping[str, Any], at: float) -> str:
        done = (event["action"], event.get("planned", "none")) if kind == "step_finished" else ()
        if done == ("none", "none") and event["step"] not in self.steps:
            return ""  # nothing was to be done, and nobody waited for it
        step = self._of(event)
        match kind:
            case "step_started":
                step.state, step.began, step.detail = "running", step.began or at, ""
                step.action = str(event["action"])
                _note(step, at, f"{step.action} …")
            case "step_waiting":
                step.detail = f"waits for {event['what']}"
                _note(step, at, step.detail)
            case "step_info":
                _note(step, at, str(event["text"]))
            case "step_retried":
                step.state, step.began = "retrying", step.began or at
                step.detail = f"again in {event['delay']:.1f} s: {event['reason']}"
                _note(step, at, f"try {event['attempt']} failed; {step.detail}")
            case "step_finished":
                self._finish(step, event, at)
            case "step_failed":
                self._fail(step, event["error"], at)
            case "step_skipped":
                step.state, step.ended, step.detail = "left out", at, str(event["because"])
                _note(step, at, f"left out: {step.detail}")
        return step.id

    def _finish(self, step: StepRun, event: Mapping[str, Any], at: float) -> None:
        step.action = str(event["action"])
        step.state = "unchanged" if step.action == "none" else "done"
        step.began, step.ended, step.detail = at - float(event["seconds"]), at, ""
        for reason in event.get("reasons") or ():
            _note(step, at, reason)
        # Last: a log is read from its end.
        _note(step, at, f"{_DONE[step.action]} in {event['seconds']:.1f} s")

    def _fail(self, step: StepRun, error: Mapping[str, Any], at: float) -> None:
        step.state, step.began, step.ended = "failed", step.began or at, at
        step.detail, step.fix = f"{error['code']}: {error['message']}", str(error.get("fix") or "")
        _note(step, at, f"failed: {step.detail}")
        if step.fix:
            _note(step, at, f"→ {step.fix}")

    def _of(self, event: Mapping[str, Any]) -> StepRun:
        found = str(event["step"])
        if found not in self.steps:
            self.steps[found] = StepRun(found, str(event["title"]), str(event["environment"]))
        return self.steps[found]


def _note(step: StepRun, at: float, text: str) -> None:
    step.lines.append(f"{time.strftime('%H:%M:%S', time.localtime(at))}  {text}")
