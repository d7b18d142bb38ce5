"""Backends on projects at the stages of the road, and the pictures of before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbxwizard.clients import timeouts
from dbxwizard.core import clock
from tests.hosts import host, host_deployed, host_set_up  # noqa: F401  fixtures
from tests.screens.pictures import compare  # noqa: F401


@pytest.fixture
def patient() -> Iterator[None]:
    """What is tried again, is so without the pause before. The board has to stay closed: it would look on and on."""
    clock.set_testing(True)
    yield
    clock.set_testing(False)


@pytest.fixture
def restless(patient: None) -> Iterator[None]:
    """A service that never answers is waited for no longer than a second."""
    timeouts.set_testing(1)
    yield
    timeouts.set_testing(None)
