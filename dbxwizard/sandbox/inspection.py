"""What `sandbox show` and `sandbox log` print, and how a sandbox is reset."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

from filelock import FileLock

from dbxwizard.sandbox.github import bare
from dbxwizard.sandbox.packages import service as packages
from dbxwizard.sandbox.services import all_services
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store


def show(state: Path) -> dict[str, list[Any]]:
    """The whole state as a person would list it: sorted, without timestamps, sessions, counters or credentials."""
    with Sandbox(state) as sandbox:
        sandbox.settle()
        with closing(Store(state)) as store:
            sections = [service.show(store) for service in all_services().values()]
    return {name: entries for section in sections for name, entries in section.items()}


def log(state: Path) -> dict[str, list[Any]]:
    """Every request since the sandbox was made."""
    with Sandbox(state), closing(Store(state)) as store:
        return {"requests": store.requests()}


def reset(state: Path) -> bool:
    """Forgets everything; False when there was nothing. Raises filelock.Timeout while another process serves it."""
    with FileLock(f"{state}.lock", timeout=0):
        files = [state.with_name(state.name + suffix) for suffix in ("", "-wal", "-shm")]
        existed = state.exists()
        for file in files:
            file.unlink(missing_ok=True)
        for folder in (bare.folder(state), packages.folder(state)):
            shutil.rmtree(folder, ignore_errors=True)
        return existed
