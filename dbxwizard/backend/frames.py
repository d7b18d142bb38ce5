"""The pipe between the terminal program and its backend: pickled messages, each behind its length.

Both ends are processes of one person on one machine, the child started by the parent: nobody else can write into it, so
pickle is no door here.
"""

from __future__ import annotations

import pickle
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from dbxwizard.core.errors import OperationError

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Call:
    """`number` comes back in the answer. `arguments` may hold what a person typed: never shown."""

    number: int
    method: str
    arguments: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Nobody waits for the answer to the call `number` any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Leaving:
    """The program ends; with `detach` what runs goes on without it."""

    detach: bool


@dataclass(frozen=True, slots=True)
class Answer:
    number: int
    value: Any


@dataclass(frozen=True, slots=True)
class Failure:
    number: int
    error: OperationError


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened, told to whoever listens to `topic`."""

    topic: str
    value: Any


class Channel:
    """One end: sends from any thread, receives in one."""

    def __init__(self, reading: BinaryIO, writing: BinaryIO) -> None:
        self._reading, self._writing = reading, writing
        self._sending = threading.Lock()

    def send(self, message: object) -> None:
        """Raises OSError or ValueError when the other end is gone."""
        body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        with self._sending:
            self._writing.write(_LENGTH.pack(len(body)) + body)
            self._writing.flush()

    def receive(self) -> Any:
        """The next message. Raises EOFError when there will be none."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        return pickle.loads(self._exactly(length))  # noqa: S301  see above

    def close(self) -> None:
        """Lets the other end know that nothing more will come."""
        with self._sending:
            self._writing.close()

    def _exactly(self, count: int) -> bytes:
        try:
            found = self._reading.read(count)
        except (OSError, ValueError) as error:  # closed under us
            raise EOFError from error
        if found is None or len(found) < count:
            raise EOFError
        return found
