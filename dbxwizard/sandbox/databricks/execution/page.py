"""The page of a notebook's run, as jobs/runs/export gives it: HTML around the notebook with what its cells printed."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote

from dbxwizard.sandbox.store import Document

_CELL = re.compile(r"^\x1e(\d+)\n", re.MULTILINE)  # how execution/child/launch.py says which cell begins


def run_page(name: str, output: Document, error: str) -> str:
    """The JSON of the notebook is percent-encoded and in base64, as the service has it."""
    parts = _CELL.split(output.get("logs", ""))
    printed = dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))
    last = max(printed, default=0)
    cells = [
        _cell(number, source, printed.get(number, ""), error if number == last else "")
        for number, source in enumerate(output.get("cells") or [], 1)
    ]
    model = {"version": "NotebookV1", "language": "python", "name": name, "commands": cells}
    encoded = base64.b64encode(quote(json.dumps(model), safe="()*'").encode()).decode()
    script = f"<script>var __DATABRICKS_NOTEBOOK_MODEL = '{encoded}';</script>"
    return f"<!DOCTYPE html>\n<html><head><title>Databricks</title>{script}</head><body></body></html>"


def _cell(number: int, source: str, printed: str, error: str) -> dict[str, Any]:
    data = [{"type": "ansi", "data": printed, "name": "stdout", "arguments": {}}] if printed else []
    return {
        "version": "CommandV1",
        "position": float(number),
        "command": source,
        "state": "error" if error else "finished",
        "results": {"type": "listResults", "data": data} if data else None,
        "errorSummary": error or None,
    }
