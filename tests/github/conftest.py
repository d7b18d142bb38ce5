"""The sandbox's GitHub, seen through PyGithub and through the program's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from github import Auth, Github
from github.Repository import Repository

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.github import GitHubClient
from dbxwizard.core.engine import ManualClock, RetryPolicy, run
from dbxwizard.core.plan import Plan, Step, make_plan
from dbxwizard.core.result import RunResult
from dbxwizard.core.secret import Secret
from dbxwizard.sandbox.github import access, seed
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Document, Store
from tests.github.test_runs import Api, wait
from tests.reaching import cloud_of

RETRY = RetryPolicy(jitter=lambda: 0.0)


@pytest.fixture
def store(sandbox: Sandbox) -> Iterator[Store]:
    """The sandbox's state, to look at and to change behind its back."""
    opened = Store(sandbox.state)
    yield opened
    opened.close()


@pytest.fixture
def cloud(sandbox: Sandbox) -> Cloud:
    """GitHub at its root, as github.com is; as a GitHub Enterprise Server it answers below /api/v3 too."""
    return replace(cloud_of(sandbox), github_api=sandbox.endpoints().github)


Connect = Callable[..., Github]


@pytest.fixture
def connect(cloud: Cloud) -> Iterator[Connect]:
    """Makes an unmodified PyGithub for a token."""
    made: list[Github] = []

    def connect(token: str = seed.SANDBOX_TOKEN, base: str = "", **options: Any) -> Github:
        github = Github(
            auth=Auth.Token(token),
            base_url=base or cloud.github_api,
            verify=str(cloud.ca_bundle),
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            **options,
        )
        made.append(github)
        return github

    yield connect
    for github in made:
        github.close()


@pytest.fixture
def repository(connect: Connect) -> Repository:
    return connect().get_repo(seed.REPOSITORY)


AddToken = Callable[..., str]


@pytest.fixture
def add_token(store: Store) -> AddToken:
    """Gives somebody a token and returns it."""

    def add(name: str, login: str = seed.LOGIN, **options: Any) -> str:
        with store.transaction():
            access.add_token(store, name, login, **options)
        return name

    return add


@pytest.fixture
def filled(repository: Repository) -> Repository:
    """The repository with a first commit."""
    repository.create_file("README.md", "first", "# hi\n")
    return repository


@pytest.fixture
def api(cloud: Cloud, filled: Repository) -> Api:
    """Plain requests to the repository with a first commit."""
    return Api(cloud)


@pytest.fixture
def ended(sandbox: Sandbox) -> Iterator[None]:
    """Lets no run outlive the test: `sandbox` ends after it."""
    yield
    wait()


ChangeRepository = Callable[..., None]


@pytest.fixture
def change_repository(store: Store) -> ChangeRepository:
    """Changes fields of the repository's document."""

    def change(**fields: Any) -> None:
        with store.transaction():
            body: Document = store.get("github.repository", seed.REPOSITORY) or {}
            store.put("github.repository", seed.REPOSITORY, {**body, **fields})

    return change


@pytest.fixture
def on_plan(store: Store) -> Callable[[str], None]:
    """Puts the repository's owner on a plan."""

    def on(plan: str) -> None:
        with store.transaction():
            seed.set_plan(store, seed.OWNER, plan)

    return on


@pytest.fixture
async def client(cloud: Cloud) -> AsyncIterator[GitHubClient]:
    async with GitHubClient(cloud, Secret(seed.SANDBOX_TOKEN), seed.REPOSITORY) as opened:
        yield opened


@pytest.fixture
async def client_for(cloud: Cloud) -> AsyncIterator[Callable[[str], GitHubClient]]:
    """Makes a client for another token."""
    made: list[GitHubClient] = []

    def make(token: str) -> GitHubClient:
        made.append(GitHubClient(replace(cloud), Secret(token), seed.REPOSITORY))
        return made[-1]

    yield make
    for opened in made:
        await opened.close()


async def plan_of(*steps: Step[Any]) -> Plan:
    return await make_plan(steps, listener=lambda _event: None, clock=ManualClock(), actor="ada", retry=RETRY)


Apply = Callable[..., Awaitable[RunResult]]


@pytest.fixture
def apply() -> Apply:
    """Plans and runs some steps; all of them have to succeed."""

    async def apply(*steps: Step[Any]) -> RunResult:
        result = await run(await plan_of(*steps), listener=lambda _event: None, clock=ManualClock(), retry=RETRY)
        assert result.errors == (), [str(error) for error in result.errors]
        return result

    return apply


def reasons(plan: Plan) -> list[str]:
    """Every reason of a plan, as a person reads it."""
    return [str(reason) for planned in plan.steps for reason in planned.change.reasons]


def writes(store: Store) -> Sequence[Document]:
    """The requests that changed something."""
    return [request for request in store.requests() if request["write"]]
