"""The test switch of the system's clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from dbxwizard.core.clock import SystemClock, set_testing


@pytest.fixture
def _testing() -> Iterator[None]:
    set_testing(True)
    yield
    set_testing(False)


@pytest.mark.usefixtures("_testing")
async def test_in_tests_a_wait_is_skipped_and_its_time_has_passed() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(3600)
    assert clock.now() - before >= 3600


async def test_the_time_is_real_again_afterwards() -> None:
    set_testing(True)
    await SystemClock().sleep(1e6)
    set_testing(False)
    assert abs(SystemClock().now() - time.time()) < 1e6
