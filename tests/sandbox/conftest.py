"""What the tests of the sandbox share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbxwizard.sandbox.session import Sandbox
from tests.sandbox.wire import Wire


@pytest.fixture
def wire(sandbox: Sandbox) -> Iterator[Wire]:
    opened = Wire(sandbox.state)
    yield opened
    opened.close()
