"""Threads for SDKs that block."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_Calls = SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]


class Threads(Executor):
    """At most `most` calls at a time, in threads that end with the program.

    Those of `concurrent.futures` are waited for at the end: a request that a service keeps waiting would hold up who
    has pressed ctrl+c for as long as its timeout, a minute.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._calls: _Calls = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._made = 0
        self._lock = threading.Lock()
        self._closed = False
        weakref.finalize(self, self._calls.put, None)  # whom nobody has closed leaves no threads behind either

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Raises RuntimeError after `shutdown`."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("no call after shutdown")
            self._calls.put((future, lambda: call(*args, **kwargs)))
            if not self._idle.acquire(blocking=False) and self._made < self._most:
                self._made += 1
                name = f"{self._name}-{self._made}"
                threading.Thread(target=_work, args=(self._calls, self._idle), name=name, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Lets the threads end after what they do; waits for none of them, whatever `wait` says."""
        with self._lock:
            self._closed = True
            if cancel_futures:
                self._cancel_waiting()
            self._calls.put(None)

    def _cancel_waiting(self) -> None:
        try:
            while (waiting := self._calls.get_nowait()) is not None:
                waiting[0].cancel()
        except Empty:
            return


def _work(calls: _Calls, idle: threading.Semaphore) -> None:
    """Until the end is told, which is handed on to the others."""
    while (taken := calls.get()) is not None:
        future, call = taken
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(call())
            except BaseException as error:  # the caller's to handle, as in concurrent.futures
                future.set_exception(error)
        del taken, future, call  # holds nothing while it waits
        idle.release()
    calls.put(None)
