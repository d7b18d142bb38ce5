"""What a run did, in the log of the program."""

from __future__ import annotations

import logging

from dbxwizard.core.events import Event, RunFinished, RunStarted, StepFailed, StepFinished, StepRetried, StepSkipped

_LOG = logging.getLogger("dbxwizard.runs")


def log_event(run_id: str, event: Event) -> None:
    """A line for what a person would look for; waiting and reading are in the run's own history."""
    match event:
        case RunStarted():
            _LOG.info("%s %s by %s: %d changes", run_id, event.command, event.actor, event.changes)
        case StepFinished():
            _LOG.info("%s %s %s after %.1f s", run_id, event.step, event.action.value, event.seconds)
        case StepRetried():
            _LOG.warning("%s %s again in %.1f s: %s", run_id, event.step, event.delay, event.reason)
        case StepSkipped():
            _LOG.warning("%s %s left out: %s", run_id, event.step, event.because)
        case StepFailed():
            _LOG.error("%s %s failed: %s%s", run_id, event.step, event.error, f"\n{event.traceback}".rstrip())
        case RunFinished():
            _LOG.info("%s ended: %s", run_id, event.status)
