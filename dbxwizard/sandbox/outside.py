"""What happens outside of a request: in a thread that carries something out."""

from __future__ import annotations

from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock


def context_of(store: Store) -> Context:
    """Now, with a connection of the thread's own."""
    clock = Clock(store)
    return Context(store, clock, Ports(store), clock.now())
