"""What the cells of a notebook's run printed: jobs/runs/get-output has only what the notebook was left with.

jobs/runs/export gives the run's page as HTML (docs.databricks.com/api/azure/workspace/jobs/exportrun), which holds the
notebook as percent-encoded JSON in base64, its cells with their results. The form of that JSON is not documented: what
is not understood is left out.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

_MODEL = re.compile(r"__DATABRICKS_NOTEBOOK_MODEL = '([^']+)'")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def printed(views: Sequence[Mapping[str, Any]]) -> str:
    """What the cells wrote to their standard streams, in the order of the cells; "" where the views do not tell."""
    return _COLOUR.sub("", "".join(text for view in views for text in _of_view(str(view.get("content", "")))))


def _of_view(page: str) -> Iterator[str]:
    found = _MODEL.search(page)
    try:
        model = json.loads(unquote(base64.b64decode(found[1]).decode())) if found else {}
        cells = sorted(model.get("commands", []), key=lambda cell: float(cell.get("position") or 0))
        for cell in cells:
            yield from _texts(cell.get("results") or {})
    except (ValueError, TypeError, AttributeError):
        return


def _texts(result: Mapping[str, Any]) -> Iterator[str]:
    """A result has text, or a list of results."""
    data = result.get("data")
    if isinstance(data, str) and result.get("type") == "ansi":
        yield data if data.endswith("\n") else f"{data}\n"
    elif isinstance(data, list):
        for one in data:
            if isinstance(one, dict):
                yield from _texts(one)
