"""Runs of setup that make client secrets go one after the other on one machine: a secret is shown only once, so two at
the same time would put theirs over each other's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from dbxwizard.core.run_lock import RunLock, is_held
from dbxwizard.steps.setup_options import SetupOptions


def setup_turn(
    state_folder: Path, options: SetupOptions, waits: Callable[[], object]
) -> AbstractContextManager[object]:
    """Held until it is left. Blocks while another run has it, which `waits` is told of before."""
    if options.auth != "secret":
        return nullcontext()
    folder = state_folder / "setup"
    name = f"{options.subscription_id}-{options.repository.replace('/', '-')}"
    if is_held(folder, name):
        waits()
    try:
        return RunLock(folder, name)
    except OSError:  # a folder that can't be written is the journal's to tell
        return nullcontext()
