"""The pipe between the program and its backend: answers, errors, notices, and every way to end."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dbxwizard.backend.client import Backend
from dbxwizard.backend.frames import Channel
from dbxwizard.backend.host import serve
from dbxwizard.core.errors import Conflict, Forbidden, Location, OperationError, SeveralErrors, Transient


class Operations:
    """What a backend may do, made for tests."""

    def __init__(self, notify: Callable[[str, Any], None]) -> None:
        self.notify = notify
        self.closed: list[bool] = []
        self.withdrawn = threading.Event()

    async def double(self, *, number: int) -> int:
        return number * 2

    async def refuse(self) -> None:
        raise Forbidden("no-right", "you may not", action="a/write", scope="/s", status=403, resource="the role")

    async def break_down(self) -> None:
        raise RuntimeError("token eyJhbGciOiJIUzI1NiJ9.abc.def of nobody")

    async def tell(self) -> None:
        self.notify("news", {"is": "told"})

    async def wait(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.withdrawn.set()

    async def close(self, *, detach: bool) -> None:
        self.closed.append(detach)


class Ends:
    """Both ends of a pipe, the backend's in a thread."""

    def __init__(self) -> None:
        (their_reading, our_writing), (our_reading, their_writing) = os.pipe(), os.pipe()
        self.operations: Operations | None = None
        self.ours = Channel(os.fdopen(our_reading, "rb"), os.fdopen(our_writing, "wb"))
        self.theirs = Channel(os.fdopen(their_reading, "rb"), os.fdopen(their_writing, "wb"))
        self.thread = threading.Thread(target=lambda: asyncio.run(serve(self.theirs, self.make)))
        self.thread.start()

    def make(self, notify: Callable[[str, Any], None]) -> Operations:
        self.operations = Operations(notify)
        return self.operations

    def ended(self) -> list[bool]:
        """How the backend was closed, once its thread has ended."""
        self.thread.join(30)
        assert not self.thread.is_alive()
        assert self.operations is not None
        return self.operations.closed


@pytest.fixture
async def ends() -> Ends:
    return Ends()


@pytest.fixture
async def backend(ends: Ends) -> Backend:
    made = Backend()
    made.connect(ends.ours)
    return made


async def test_answers_come_to_who_asked(ends: Ends, backend: Backend) -> None:
    answers = await asyncio.gather(*(backend.call("double", number=number) for number in range(50)))
    assert answers == [number * 2 for number in range(50)]
    backend.leave()
    assert ends.ended() == [False]


async def test_an_error_arrives_whole(ends: Ends, backend: Backend) -> None:
    with pytest.raises(Forbidden, match="you may not") as caught:
        await backend.call("refuse")
    error = caught.value
    assert (error.code, error.action, error.scope, error.status, error.resource, error.exit_code) == (
        "no-right",
        "a/write",
        "/s",
        403,
        "the role",
        3,
    )
    backend.leave()
    ends.ended()


async def test_a_defect_is_told_without_secrets_and_ends_nothing(ends: Ends, backend: Backend) -> None:
    with pytest.raises(OperationError) as caught:
        await backend.call("break_down")
    assert caught.value.code == "internal-error"
    assert "eyJ" not in str(caught.value)
    assert await backend.call("double", number=4) == 8
    backend.leave()
    ends.ended()


async def test_notices_reach_who_listens_until_they_stop(ends: Ends, backend: Backend) -> None:
    heard: list[Any] = []
    stop = backend.listen("news", heard.append)
    await backend.call("tell")
    await backend.call("double", number=1)
    stop()
    await backend.call("tell")
    await backend.call("double", number=1)
    assert heard == [{"is": "told"}]
    backend.leave()
    ends.ended()


async def test_who_does_not_wait_any_more_stops_the_work(ends: Ends, backend: Backend) -> None:
    waiting = asyncio.create_task(backend.call("wait"))
    assert await backend.call("double", number=1) == 2  # the first call has arrived too
    waiting.cancel()
    assert ends.operations is not None
    assert await asyncio.to_thread(ends.operations.withdrawn.wait, 30)
    backend.leave()
    ends.ended()


async def test_leaving_may_let_go_on(ends: Ends, backend: Backend) -> None:
    backend.leave(detach=True)
    assert ends.ended() == [True]


async def test_a_program_that_is_gone_counts_as_leaving(ends: Ends) -> None:
    ends.ours.close()
    assert ends.ended() == [False]


async def test_calls_to_a_backend_that_ended_fail_at_once(ends: Ends, backend: Backend) -> None:
    lost = asyncio.Event()
    backend.listen("lost", lambda _: lost.set())
    waiting = asyncio.create_task(backend.call("wait"))
    await backend.call("double", number=1)
    ends.theirs.close()
    await asyncio.wait_for(lost.wait(), 30)
    with pytest.raises(OperationError, match="has ended"):
        await waiting
    with pytest.raises(OperationError, match="has ended"):
        await backend.call("double", number=1)
    ends.ours.close()
    ends.ended()


@pytest.mark.parametrize(
    "error",
    [
        Transient("busy", "later", retry_after=3.5, status=429, resource="r"),
        Conflict("exists", "already", status=409),
        OperationError("file-changed", "again", location=Location("a.json", 3, 4), fix="do"),
        SeveralErrors([OperationError("one", "1"), Forbidden("two", "2", action="x")]),
    ],
)
def test_errors_are_pickled_with_all_they_say(error: OperationError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert {name: str(value) for name, value in vars(again).items()} == {
        name: str(value) for name, value in vars(error).items()
    }
