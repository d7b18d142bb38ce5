"""Tells a run that is going on from one that was interrupted: its process holds a lock that the system frees with it.

A process id alone would not do: ids are used again, and Windows has no harmless way to ask.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_ID_AT = 1  # behind the byte that Windows locks, which others can't read there

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, wait: bool) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, *, wait: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _file(folder: Path, run_id: str) -> Path:
    return folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', run_id)[:100]}.lock"


class RunLock:
    """Held from its making until `release()` or the end of the process; waits for whoever holds it.

    Raises OSError where it can't be made.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(_file(folder, run_id), os.O_RDWR | os.O_CREAT, 0o600)
        _lock(self._descriptor, wait=True)
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, _ID_AT, os.SEEK_SET)
        os.write(self._descriptor, str(os.getpid()).encode())

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_held(folder: Path, run_id: str) -> bool:
    """Whether a living process holds the lock of `run_id`."""
    try:
        descriptor = os.open(_file(folder, run_id), os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(descriptor, wait=False)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def holder(folder: Path, run_id: str) -> int | None:
    """The id of the process that holds the lock of `run_id` now; None when nobody does."""
    try:
        with _file(folder, run_id).open("rb") as file:
            file.seek(_ID_AT)
            text = file.read(20)
    except OSError:
        return None
    return int(text) if text.isdigit() and is_held(folder, run_id) else None


def forget(folder: Path, run_id: str) -> None:
    """Removes the file of a lock that nobody needs any more."""
    _file(folder, run_id).unlink(missing_ok=True)
