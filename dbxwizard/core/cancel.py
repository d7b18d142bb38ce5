"""How a run is asked to stop."""

from __future__ import annotations

from collections.abc import Callable


class CancelToken:
    """Asked once: nothing new starts, what is being applied may finish within a grace. Asked twice: it stops at once.

    `cancel()` may be called from any thread and from a signal handler.
    """

    def __init__(self) -> None:
        self._asked = 0
        self._callbacks: list[Callable[[], object]] = []

    @property
    def cancelled(self) -> bool:
        return self._asked > 0

    @property
    def urgent(self) -> bool:
        return self._asked > 1

    def cancel(self) -> None:
        self._asked += 1
        for callback in tuple(self._callbacks):
            callback()

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Calls `callback` each time that cancelling is asked; returns what ends it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)
