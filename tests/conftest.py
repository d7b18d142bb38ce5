"""What every test may use."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.identity import SignedIn, sign_in
from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Document, Store
from tests.environ import NO_PROOF
from tests.matrix import summary
from tests.reaching import cloud_of

os.environ.update(NO_PROOF)

# Whoever runs the tests may ignore it (nohup does), and the programs that they start would inherit that.
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What runs on clusters needs no packages in most tests; one that does takes the runtime's.
os.environ.setdefault("DBXWIZARD_SANDBOX_RUNTIME", "bare")

pytest_plugins = ("tests.roads",)  # the whole road, at its stages

# A busy machine proves nothing: no deadline for an example, and examples may take their time to be made.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@cache
def _signing_keys() -> Mapping[str, Document]:
    """Those of every new sandbox: to make one takes 50 ms, to read it as long."""
    with TemporaryDirectory() as folder, closing(Store(Path(folder) / "state.sqlite")) as store, store.transaction():
        for issuer in ("entra", "oidc"):
            tokens.signing_key(store, issuer)
        return dict(store.find("_key"))


def new_state(folder: Path) -> Path:
    """The state file of a new sandbox in which nothing takes time."""
    state = folder / "sandbox" / "state.sqlite"
    store = Store(state)
    with store.transaction():
        store.put("_setting", "latency", {"profile": "zero"})
        for issuer, key in _signing_keys().items():
            store.put("_key", issuer, key)
    store.close()
    return state


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A new sandbox, served by this process."""
    with Sandbox(new_state(tmp_path)) as served:
        yield served


@pytest.fixture
def cloud(sandbox: Sandbox) -> Cloud:
    """The sandbox, as clients see it."""
    return cloud_of(sandbox)


@pytest.fixture
async def ada(cloud: Cloud) -> SignedIn:
    """The person who owns the sandbox's subscription."""
    return await sign_in(cloud, environ={})


def pytest_terminal_summary(terminalreporter: Any) -> None:
    line = summary.line([*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())])
    if line:
        terminalreporter.write_line(line)
