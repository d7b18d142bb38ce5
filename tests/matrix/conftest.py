"""The recorded runs, once for each worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.matrix.recorded import Recorded
from tests.matrix.remote import Remote
from tests.matrix.world import ROADS, World

_PORTS = 32  # of one road


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Setup and deploy of one environment on each road, undisturbed, and the worlds to disturb them in."""
    first_port = 10_000 + os.getpid() * _PORTS * len(ROADS) % 20_000  # below those that the system gives away
    with ExitStack() as worlds:
        program = worlds.enter_context(closing(Remote("fork_server")))
        made = {
            road.name: worlds.enter_context(
                World(tmp_path_factory.mktemp("matrix"), program, first_port + number * _PORTS, road)
            )
            for number, road in enumerate(ROADS)
        }
        yield Recorded(made, tuple(world.record(name) for world in made.values() for name in ("setup", "deploy")))
