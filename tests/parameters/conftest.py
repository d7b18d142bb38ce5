from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dbxwizard.parameters import Loaded, load

SUBSCRIPTION = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"


def minimal() -> dict[str, Any]:
    return {
        "SubscriptionId": SUBSCRIPTION,
        "Location": "uksouth",
        "Clusters": [
            {
                "cluster_name": "small",
                "spark_version": "17.3.x-scala2.13",
                "node_type_id": "Standard_D4ds_v5",
                "num_workers": 1,
                "data_security_mode": "USER_ISOLATION",
            }
        ],
        "Jobs": [
            {
                "name": "daily",
                "tasks": [
                    {"task_key": "one", "cluster_name": "small", "notebook_task": {"notebook_path": "/Shared/x"}}
                ],
            }
        ],
    }


@pytest.fixture
def valid() -> dict[str, Any]:
    """The plain value of a file without a problem."""
    return minimal()


@pytest.fixture
def accelerator() -> str:
    """The file as the accelerator's README has it: comments, trailing commas, and two missing ones."""
    return (Path(__file__).parent / "accelerator.json").read_text()


@pytest.fixture
def filled(accelerator: str) -> str:
    """The same with its placeholders filled in."""
    for number in ("1", "2", "3"):
        accelerator = accelerator.replace('"<>"', f'"{number * 8}-0000-4000-8000-000000000000"', 1)
    return accelerator


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., Loaded]:
    """Writes a file (a text, bytes, or a value as JSON) and loads it."""

    def write_and_load(content: Any, name: str = "Development.json", *, ci: bool = False) -> Loaded:
        path = tmp_path / name
        raw = content if isinstance(content, str | bytes) else json.dumps(content, indent=2)
        path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
        return load(path, ci=ci)

    return write_and_load
