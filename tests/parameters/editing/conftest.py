from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbxwizard.bundled import folder
from dbxwizard.parameters.document import read
from dbxwizard.parameters.editing.session import Session

SUBSCRIPTION = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"


def shipped(name: str = "Development") -> str:
    """A file as `init` writes it, its placeholders filled in."""
    text = (folder("environments") / f"{name}.json").read_text()
    text = text.replace('"SubscriptionId": "<>"', f'"SubscriptionId": "{SUBSCRIPTION}"')
    return text.replace('"git_username": "<>"', '"git_username": "someone"').replace(
        '"url": "<>"', '"url": "https://github.com/someone/project"'
    )


@pytest.fixture
def open_session(tmp_path: Path) -> Callable[..., Session]:
    """Writes a file (text or bytes) and opens it."""

    def opened(content: str | bytes | None = None, name: str = "Development", *, read_only: bool = False) -> Session:
        path = tmp_path / "environments" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        for script in ("framework/pyproject.toml", "framework/examples/remote_analysis.py"):
            (tmp_path / script).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / script).touch()
        content = shipped(name) if content is None else content
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Session(read(path), read_only=read_only)

    return opened


@pytest.fixture
def session(open_session: Callable[..., Session]) -> Session:
    """Development as shipped, filled in: without a problem but a warning or two."""
    return open_session()
