"""The recorded run, once for each worker."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.matrix.recorded import Recorded
from tests.matrix.world import World


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Setup and deploy of one environment, undisturbed, and the world to disturb them in."""
    first_port = 10_000 + os.getpid() * 32 % 20_000  # below those that the system gives away
    with World(tmp_path_factory.mktemp("matrix"), first_port) as world:
        yield Recorded(world, (world.record("setup"), world.record("deploy")))
