"""Looks at a sandbox with the functions behind the screens, as setup and deploy left it."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from dbxwizard import parameters
from dbxwizard.clients.identity import sign_in
from dbxwizard.core.secret import Secret
from dbxwizard.parameters import Environment
from dbxwizard.sandbox.github.seed import SANDBOX_TOKEN
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.steps.connection import Connection
from tests.reaching import cloud_of
from tests.roads import Road

ViewT = TypeVar("ViewT")


@asynccontextmanager
async def connected(road: Road, token: str = SANDBOX_TOKEN) -> AsyncIterator[Connection]:
    """Ada, signed in to the sandbox of the road."""
    with Sandbox(road.state) as sandbox:
        cloud = cloud_of(sandbox)
        signed_in = await sign_in(cloud, environ={})
        try:
            async with Connection(cloud, signed_in, Secret(token)) as connection:
                yield connection
        finally:
            signed_in.close()


def look(road: Road, ask: Callable[[Connection], Awaitable[ViewT]], token: str = SANDBOX_TOKEN) -> ViewT:
    """What is answered, as it leaves the pipe; for tests that run commands too, which have a loop of their own."""

    async def asked() -> ViewT:
        async with connected(road, token) as connection:
            return await ask(connection)

    return crossed(asyncio.run(asked()))


def drafts(road: Road) -> tuple[Environment, ...]:
    return tuple(file.draft for file in parameters.load_all(road.folder).files if file.draft)


def crossed(view: ViewT) -> ViewT:
    """As it comes out of the pipe to the screens; a Secret, for one, does not get through."""
    found: ViewT = pickle.loads(pickle.dumps(view))
    assert found == view
    return found
