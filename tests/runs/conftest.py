"""Runs on the sandbox, followed by the core that console and command share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbxwizard.clients.github import GitHubClient
from dbxwizard.clients.github_runs import GitHubRuns
from tests.github.conftest import add_token, client, client_for, cloud, connect, filled, repository, store
from tests.github.test_runs import wait

__all__ = ["add_token", "client", "client_for", "cloud", "connect", "filled", "repository", "store"]


@pytest.fixture
def runs(client: GitHubClient) -> Iterator[GitHubRuns]:
    yield client.runs
    wait()
