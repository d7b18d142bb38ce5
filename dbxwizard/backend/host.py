"""Serves one terminal program: each call a task, until the program leaves."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from dbxwizard.backend.frames import Answer, Call, Channel, Failure, Leaving, Notice, Withdrawn
from dbxwizard.core.errors import OperationError
from dbxwizard.core.secret import hide

_LOG = logging.getLogger(__name__)
Notify = Callable[[str, Any], None]


class Operations(Protocol):
    """What is served: every public coroutine method may be called."""

    async def close(self, *, detach: bool) -> None:
        """Ends what runs, or with `detach` waits for it."""
        ...


async def serve(channel: Channel, make: Callable[[Notify], Operations]) -> None:
    """Returns when the other end has left, or is gone, and nothing runs any more."""
    host = _Host(channel)
    operations = make(host.notify)
    leaving = await host.serve(operations)
    await operations.close(detach=leaving.detach)
    host.end()


class _Host:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._incoming: asyncio.Queue[Any] = asyncio.Queue()
        self._outgoing: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._calls: dict[int, asyncio.Task[None]] = {}
        # A terminal that takes no more (ctrl+z, a slow link) must not hold up a deployment.
        self._writer = threading.Thread(target=self._write, name="backend-writer", daemon=True)
        self._writer.start()
        threading.Thread(target=self._read, name="backend-reader", daemon=True).start()

    def notify(self, topic: str, value: Any) -> None:
        self._outgoing.put(Notice(topic, value))

    async def serve(self, operations: Operations) -> Leaving:
        while True:
            message = await self._incoming.get()
            match message:
                case Call():
                    await self._begin(operations, message)
                case Withdrawn() if message.number in self._calls:
                    self._calls[message.number].cancel()
                case Leaving():
                    await self._end_calls()
                    return message

    async def _begin(self, operations: Operations, call: Call) -> None:
        task = asyncio.create_task(self._call(operations, call))
        self._calls[call.number] = task
        task.add_done_callback(lambda _: self._calls.pop(call.number, None))
        await asyncio.sleep(0)  # so that calls begin in their order, and one that was sent before leaving does begin

    async def _end_calls(self) -> None:
        tasks = tuple(self._calls.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _call(self, operations: Operations, call: Call) -> None:
        try:
            value = await getattr(operations, call.method)(**call.arguments)
        except OperationError as error:
            self._outgoing.put(Failure(call.number, error))
        except Exception as error:  # a defect of ours: told, logged, and the program goes on
            _LOG.exception("%s failed", call.method)
            self._outgoing.put(Failure(call.number, unexpected(call.method, error)))
        else:
            self._outgoing.put(Answer(call.number, value))

    def end(self) -> None:
        self._outgoing.put(None)
        self._writer.join()

    def _read(self) -> None:
        message: object = None
        while not isinstance(message, Leaving):
            try:
                message = self._channel.receive()
            except EOFError:  # killed, or its terminal is gone
                message = Leaving(detach=False)
            self._loop.call_soon_threadsafe(self._incoming.put_nowait, message)

    def _write(self) -> None:
        while (message := self._outgoing.get()) is not None:
            with suppress(OSError, ValueError):  # nobody reads any more; what runs still has to end well
                self._channel.send(message)
        with suppress(OSError):
            self._channel.close()


def unexpected(method: str, error: Exception) -> OperationError:
    """What a person is told of a defect of ours."""
    return OperationError(
        "internal-error",
        hide(f"unexpected {type(error).__name__}: {error}"),
        resource=method,
        fix="This is a defect of dbxwizard: its log (mode Logs) has the details. Trying again is safe.",
    )
