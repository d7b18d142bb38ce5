"""The published examples: what the documentation, or the service's own engine in a public test, says that comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "vector", VECTORS, ids=[f"{item['source'].split()[-1]}: {item['expression']}" for item in VECTORS]
)
def test_gives_the_published_value(vector: dict[str, Any], value: Callable[..., Any]) -> None:
    result = value(
        vector["expression"], **{name: vector[name] for name in ("variables", "parameters") if name in vector}
    )
    assert result == vector["value"]
    assert type(result) is type(vector["value"])
