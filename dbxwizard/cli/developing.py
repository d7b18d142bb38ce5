"""What the actions of `dbxwizard dev` on a cluster share: whom they work on, how they tell, whom they ask."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.narration import narrating
from dbxwizard.cli.output import error_line
from dbxwizard.cli.run_text import printed_time
from dbxwizard.cli.world import opened
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import OperationError
from dbxwizard.core.events import Event, Listener
from dbxwizard.deployed import Deployed
from dbxwizard.dev.target import Target, find_target
from dbxwizard.dev.telling import DeveloperTold, Tell
from dbxwizard.parameters import Environment

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient


@asynccontextmanager
async def targeted(invocation: Invocation, environment: Environment) -> AsyncIterator[Target]:
    """The cluster that the options name. Raises the core's errors."""
    async with opened(invocation, subscription_id=environment.subscription_id) as connection:
        yield await find_target(Deployed(environment, connection), invocation.text("cluster"))


@asynccontextmanager
async def working(invocation: Invocation, environment: Environment) -> AsyncIterator[WorkspaceClient]:
    """The environment's workspace. Raises the core's errors."""
    async with opened(invocation, subscription_id=environment.subscription_id) as connection:
        yield await Deployed(environment, connection).require_workspace()


@contextmanager
def telling(invocation: Invocation) -> Iterator[Tell]:
    """Lines on stderr, and in what --events and --log-file name."""
    with narrating(invocation, person=_teller(quiet=invocation.flag("quiet"))) as listener:
        yield lambda text: listener(DeveloperTold(at=SystemClock().now(), text=text))


def _teller(*, quiet: bool) -> Listener:
    def tell(event: Event) -> None:
        if isinstance(event, DeveloperTold) and not quiet:
            print(f"{printed_time(event.at)}  {event.text}", file=sys.stderr, flush=True)

    return tell


def told_as_error(error: OperationError) -> None:
    """On stderr, while the command goes on."""
    print(error_line(error), file=sys.stderr, flush=True)


def agreed(invocation: Invocation, question: str) -> bool:
    """Somebody said yes: by --yes, by running without a person, or now."""
    if invocation.flag("yes") or not invocation.interactive:
        return True
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
