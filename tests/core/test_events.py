"""Events as data: what the event file, the journal and the log get."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from dbxwizard.core.errors import OperationError
from dbxwizard.core.events import StepFailed, StepFinished, StepRetried
from dbxwizard.core.plan import Action, Reason
from dbxwizard.core.secret import Secret

STEP: dict[str, Any] = {"at": 1.5, "step": "uat/cluster", "title": "cluster", "environment": "UAT"}


def test_an_event_is_one_json_object() -> None:
    event = StepRetried(**STEP, reason="http-429: slow", delay=2.0, attempt=1)
    assert event.to_json() == {
        "event": "step_retried",
        **STEP,
        "reason": "http-429: slow",
        "delay": 2.0,
        "attempt": 1,
    }


def test_reasons_and_errors_are_text_without_secrets() -> None:
    finished = StepFinished(**STEP, action=Action.UPDATE, reasons=(Reason("value", None, Secret("s3cr3t")),))
    failed = StepFailed(**STEP, error=OperationError("bad", "no"), traceback="Traceback: s3cr3t")
    text = json.dumps([finished.to_json(), failed.to_json()], ensure_ascii=False) + repr(finished) + repr(failed)
    assert "s3cr3t" not in text
    assert "value: absent → ***" in text
    assert failed.to_json()["error"] == OperationError("bad", "no").to_json()


def test_the_core_is_light() -> None:
    """Errors, steps and plans are read by every command, `--help` included."""
    heavy = {"asyncio", "tomllib", "sqlite3", "textual", "azure", "databricks", "github"}
    script = (
        "import sys; import dbxwizard.core.errors, dbxwizard.core.plan, dbxwizard.core.result;"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
