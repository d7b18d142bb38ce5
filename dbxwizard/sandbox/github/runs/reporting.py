"""Writes down what happens in a job, while it happens; its log is there when it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from dbxwizard.sandbox.actions.running.commands import Annotation
from dbxwizard.sandbox.actions.running.job import StepEnd
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.time import Clock

_PACE = 0.05  # seconds for which lines have the same time
_PART = 256 * 1024  # characters of a log that are written at once


class Reporter:
    """A listener of one job. Each change is a transaction; once `is_closing` nothing is written any more."""

    def __init__(self, store: Store, clock: Clock, job: Document, is_closing: Callable[[], bool]) -> None:
        self.job = job
        self.size = 0
        """Bytes of the log as far as it was written."""
        self._store = store
        self._clock = clock
        self._is_closing = is_closing
        self._waiting: list[str] = []
        self._characters = 0
        self._step = 0
        self._parts = 0
        self._stamped_until, self._last_stamp = 0.0, ""

    def save(self, **changes: Any) -> None:
        """What others have written into the record meanwhile stays."""
        self.job = {**self.job, **changes}
        if self._is_closing():
            return
        with self._store.transaction():
            known = records.find_job(self._store, {"id": self.job["repository"]}, str(self.job["id"]))
            if known:
                records.save_job(self._store, {**known, **changes})

    def line(self, number: int, text: str) -> None:
        """With the time before it, as in GitHub's logs; a group's lines keep their marks."""
        if number != self._step:
            self.flush()
            self._step = number
        stamp = self._stamp()
        stamped = "".join(f"{stamp} {part}\n" for part in text.split("\n"))
        self._waiting.append(stamped)
        self._characters += len(stamped)
        if self._characters >= _PART:
            self.flush()

    def _stamp(self) -> str:
        """The time now, asked for twenty times a second: a question to the state takes longer than a line."""
        moment = time.monotonic()
        if moment >= self._stamped_until:
            self._stamped_until = moment + _PACE
            now = datetime.fromtimestamp(self._clock.now(), UTC)
            self._last_stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        return self._last_stamp

    def flush(self) -> None:
        if self._waiting and not self._is_closing():
            text = "".join(self._waiting)
            self.size += len(text.encode())
            with self._store.transaction():
                records.add_log(self._store, self.job["id"], self._parts, self._step, text)
        self._waiting, self._characters, self._parts = [], 0, self._parts + 1

    def annotated(self, number: int, annotation: Annotation) -> None:
        found = {
            "step": number,
            "level": annotation.level,
            "message": annotation.message,
            "title": annotation.title,
            "path": annotation.path,
            "line": annotation.start_line,
        }
        self.save(annotations=[*self.job["annotations"], found])

    def steps_planned(self, names: Mapping[int, str]) -> None:
        """A runner tells of all steps when it has set the job up (github.com/actions/runner, JobExtension)."""
        none = {"conclusion": None, "startedAt": None, "completedAt": None}
        self.save(
            steps=[{"number": number, "name": name, "status": "queued", **none} for number, name in names.items()]
        )

    def step_started(self, number: int, name: str) -> None:
        begun = {"name": name, "status": "in_progress", "startedAt": self._clock.now()}
        self.save(steps=[{**step, **begun} if step["number"] == number else step for step in self.job["steps"]])

    def step_ended(self, number: int, end: StepEnd) -> None:
        steps = [dict(step) for step in self.job["steps"]]
        for step in steps:
            if step["number"] == number:
                step |= {"status": "completed", "conclusion": end.conclusion, "completedAt": self._clock.now()}
        summary = self.job["summary"] + end.summary
        self.save(steps=steps, summary=summary)
