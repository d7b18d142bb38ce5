"""Starts the backend as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from dbxwizard.backend.frames import Channel

LOG = Path("logs") / "dbxwizard.log"  # below the state folder
_LARGEST = 20_000_000  # bytes of a log that goes on; beyond that it becomes dbxwizard.log.1


def start(arguments: Sequence[str], state_folder: Path) -> Channel:
    """Runs `dbxwizard host` with `arguments`; what it prints goes to its log. Raises OSError.

    In a session of its own: a ctrl+c, or the end of the terminal, reaches it through the pipe alone, where it can be
    told from a wish to let a deployment go on.
    """
    log = state_folder / LOG
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if log.is_file() and log.stat().st_size > _LARGEST:
        log.replace(log.with_suffix(".log.1"))
    with open(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as printed:
        child = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-m", "dbxwizard", "host", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=printed,
            start_new_session=True,
        )
    return Channel(cast("BinaryIO", child.stdout), cast("BinaryIO", child.stdin))
