"""Backends on projects at the stages of the road."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosting import Hosting, hosting
from tests.roads import Road


@pytest.fixture
def host(fresh: Road) -> Iterator[Hosting]:
    """After init, nothing decided."""
    with hosting(fresh.folder) as made:
        yield made


@pytest.fixture
def host_set_up(set_up: Road) -> Iterator[Hosting]:
    """After setup."""
    with hosting(set_up.folder) as made:
        yield made


@pytest.fixture
def host_deployed(deployed: Road) -> Iterator[Hosting]:
    """After the deployment of Development."""
    with hosting(deployed.folder) as made:
        yield made
