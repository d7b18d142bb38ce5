"""The backend as the screens hold it: calls that are awaited, notices that are listened to."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from dbxwizard.backend.frames import Answer, Call, Channel, Failure, Leaving, Notice, Withdrawn
from dbxwizard.core.errors import OperationError

if TYPE_CHECKING:
    from dbxwizard.backend.service import Service

Listener = Callable[[Any], None]


class Backend:
    """Belongs to the event loop that was running when `connect` was called."""

    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._connected = asyncio.Event()
        self._lost = False
        self._context = contextvars.copy_context()

    def connect(self, channel: Channel) -> None:
        """Calls that were made before wait for this."""
        self._channel, self._loop = channel, asyncio.get_running_loop()
        self._context = contextvars.copy_context()  # in which listeners find the program that they draw for
        threading.Thread(target=self._receive, args=(channel,), name="backend-reader", daemon=True).start()
        self._connected.set()

    @property
    def ask(self) -> Service:
        """The operations of `backend.service.Service`, each a call to the backend.

        They raise OperationError: what the operation says, or `backend-lost`.
        """
        return cast("Service", _Remote(self))

    def listen(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Calls `listener` in the loop with each notice of `topic`; returns what ends it."""
        self._listeners.setdefault(topic, []).append(listener)
        return lambda: self._listeners[topic].remove(listener)

    async def call(self, method: str, /, **arguments: Any) -> Any:
        await self._connected.wait()
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._send(Call(number, method, arguments))
            return await answer
        except asyncio.CancelledError:
            self._tell(Withdrawn(number))
            raise
        finally:
            del self._waiting[number]

    def leave(self, *, detach: bool = False) -> None:
        """The last thing that is said."""
        self._tell(Leaving(detach))
        if self._channel is not None:
            try:
                self._channel.close()
            except OSError:
                self._lost = True

    def _tell(self, message: object) -> None:
        """Says what nobody waits for an answer to."""
        try:
            self._send(message)
        except OperationError:
            self._lost = True

    def _send(self, message: object) -> None:
        if self._channel is None or self._lost:
            raise lost()
        try:
            self._channel.send(message)
        except (OSError, ValueError) as error:
            raise lost() from error

    def _receive(self, channel: Channel) -> None:
        """In a thread of its own, which ends with the backend."""
        try:
            while True:
                self._in_loop(self._handle, channel.receive())
        except EOFError:
            self._in_loop(self._end)

    def _in_loop(self, function: Callable[..., None], *arguments: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(function, *arguments, context=self._context)
            except RuntimeError:  # closed in between: the program has ended
                raise EOFError from None

    def _handle(self, message: Answer | Failure | Notice) -> None:
        match message:
            case Notice():
                for listener in tuple(self._listeners.get(message.topic, ())):
                    listener(message.value)
            case Answer() if waiting := self._future(message.number):
                waiting.set_result(message.value)
            case Failure() if waiting := self._future(message.number):
                waiting.set_exception(message.error)

    def _future(self, number: int) -> asyncio.Future[Any] | None:
        found = self._waiting.get(number)
        return found if found is not None and not found.done() else None

    def _end(self) -> None:
        self._lost = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(lost())
        for listener in tuple(self._listeners.get("lost", ())):
            listener(None)


class _Remote:
    """Turns attribute access into calls."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            return self._backend.call(method, **arguments)

        return call


def lost() -> OperationError:
    return OperationError(
        "backend-lost",
        "the process that talks to the services has ended",
        fix="Start dbxwizard again: what was done stays done, and running again completes the rest.",
    )
