"""Writes down what happens in a job, while it happens; its log is there when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dbxwizard.sandbox.actions.running.commands import Annotation
from dbxwizard.sandbox.actions.running.job import StepEnd
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.time import Clock

_PART = 256 * 1024  # characters of a log that are written at once


class Reporter:
    """A listener of one job. Each change is a transaction; once `is_closing` nothing is written any more."""

    def __init__(self, store: Store, clock: Clock, job: Document, is_closing: Callable[[], bool]) -> None:
        self.job = job
        self._store = store
        self._clock = clock
        self._is_closing = is_closing
        self._waiting: list[str] = []
        self._size = 0
        self._parts = 0

    def save(self, **changes: Any) -> None:
        self.job = {**self.job, **changes}
        if self._is_closing():
            return
        with self._store.transaction():
            records.save_job(self._store, self.job)

    def line(self, _number: int, text: str) -> None:
        """With the time before it, as in GitHub's logs; a group's lines keep their marks."""
        stamped = "".join(f"{_stamp(self._clock.now())} {part}\n" for part in text.split("\n"))
        self._waiting.append(stamped)
        self._size += len(stamped)
        if self._size >= _PART:
            self.flush()

    def flush(self) -> None:
        if self._waiting and not self._is_closing():
            with self._store.transaction():
                records.add_log(self._store, self.job["id"], self._parts, "".join(self._waiting))
        self._waiting, self._size, self._parts = [], 0, self._parts + 1

    def annotated(self, number: int, annotation: Annotation) -> None:
        found = {
            "step": number,
            "level": annotation.level,
            "message": annotation.message,
            "title": annotation.title,
            "path": annotation.path,
            "line": annotation.start_line,
        }
        self.job = {**self.job, "annotations": [*self.job["annotations"], found]}

    def step_started(self, number: int, name: str) -> None:
        step = {"number": number, "name": name, "status": "in_progress", "conclusion": None}
        step |= {"startedAt": self._clock.now(), "completedAt": None}
        self.save(steps=[*self.job["steps"], step])

    def step_ended(self, number: int, end: StepEnd) -> None:
        steps = [dict(step) for step in self.job["steps"]]
        for step in steps:
            if step["number"] == number:
                step |= {"status": "completed", "conclusion": end.conclusion, "completedAt": self._clock.now()}
        summary = self.job["summary"] + end.summary
        self.save(steps=steps, summary=summary)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
