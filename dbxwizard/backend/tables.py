"""The tables beside the wizard's screens: words as data, in data/*.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "data"


@cache
def table(name: str) -> dict[str, Any]:
    """The JSON object of data/NAME.json; its `source` says where it comes from, and when it was read."""
    content: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_bytes())
    return content
