"""The program's client: what it asks, what it gives back, and what it makes of every failure."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from github.Repository import Repository as GithubRepository

from dbxwizard.clients.github import GitHubClient, subject_of
from dbxwizard.clients.github_connection import SECONDS_BETWEEN_WRITES, from_answer
from dbxwizard.clients.github_token import find_token
from dbxwizard.clients.github_types import NewFile, Repository, TreeFile
from dbxwizard.core.advice import advise
from dbxwizard.core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    NotSignedIn,
    OperationError,
    ServiceError,
    Transient,
    UsageError,
)
from dbxwizard.core.secret import Secret
from dbxwizard.sandbox import faults
from dbxwizard.sandbox.faults import Fault
from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.store import Store

WORKFLOW = NewFile(".github/workflows/a.yml", "100644", b"on: push\n")


async def test_it_knows_its_token_and_repository(client: GitHubClient) -> None:
    info, repository = await client.token_info(), await client.repository()
    assert (info.login, info.scopes, info.expires_at) == ("ada", frozenset({"read:org", "repo", "workflow"}), "")
    assert (repository.full_name, repository.owner, repository.owner_type) == (
        seed.REPOSITORY,
        "contoso",
        "Organization",
    )
    assert repository.may_administer


async def test_the_plan_is_told_only_to_who_may_see_it(client: GitHubClient, client_for: Any, add_token: Any) -> None:
    assert await client.plan() == ""
    assert await client_for(add_token("admin", scopes=["admin:org", "repo"])).plan() == "enterprise"


async def test_subjects_are_what_the_sandbox_presents(client_for: Any, store: Store, change_repository: Any) -> None:
    async def subject(environment: str) -> str:
        found: str = await client_for(seed.SANDBOX_TOKEN).subject(environment)
        return found

    immutable = f"repo:contoso@{seed.OWNER_ID}/databricks@{seed.REPOSITORY_ID}:environment:Production"
    assert await subject("Production") == immutable
    change_repository(createdAt=0.0)
    assert await subject("Production") == "repo:contoso/databricks:environment:Production"
    keys = ["repository_owner_id", "repository_id", "context"]
    change_repository(oidc={"use_default": False, "use_immutable_subject": False, "include_claim_keys": keys})
    assert await subject("a:b") == (
        f"repository_owner_id:{seed.OWNER_ID}:repository_id:{seed.REPOSITORY_ID}:environment:a%3Ab"
    )


async def test_subjects_of_several_environments_ask_twice(client: GitHubClient, store: Store) -> None:
    for environment in ("Development", "UAT", "Production"):
        assert (await client.subject(environment)).endswith(f":environment:{environment}")
    assert len(store.requests()) == 2


def test_a_subject_that_only_a_workflow_knows_is_an_error() -> None:
    repository = Repository(1, "o/r", 2, "User", False, "main", "", "", True)
    customized = {"use_default": False, "include_claim_keys": ["repo", "job_workflow_ref"]}
    with pytest.raises(OperationError, match="job_workflow_ref") as caught:
        subject_of(repository, customized, "Production")
    assert caught.value.code == "oidc-subject-unknown"


def test_a_server_that_says_nothing_presents_the_name() -> None:
    repository = Repository(1, "o/r", 2, "User", False, "main", "", "", True)
    assert subject_of(repository, {}, "Production") == "repo:o/r:environment:Production"


async def test_values_of_all_pages_are_read(client: GitHubClient, repository: GithubRepository) -> None:
    for number in range(31):
        repository.create_variable(f"V{number:02}", str(number))
    assert len(await client.variables()) == 31


async def test_files_are_written_as_text_and_as_bytes(client: GitHubClient) -> None:
    readme = NewFile("README.md", "100644", b"# hi\n")
    await client.write_file("main", readme, "first")
    head = await client.head("main")
    assert head is not None
    files = [NewFile("bin/run", "100755", b"#!/bin/sh\n"), NewFile("raw", "100644", b"\xff"), WORKFLOW]
    commit = await client.write_commit("second", await client.write_tree(files, head.tree), [head.commit])
    await client.move_branch("main", commit)
    newest = await client.head("main")
    assert newest is not None
    assert (newest.commit, newest.message, newest.parents) == (commit, "second", (head.commit,))
    found = await client.files(newest.tree, ["README.md", "bin/run", "raw", "missing"])
    assert list(found) == ["README.md", "bin/run", "raw"]
    assert found["bin/run"] == TreeFile("100755", "1a2485251c33a70432394c93fb89330ef214bfc9")


async def test_a_tree_too_large_for_one_answer_is_walked(
    client: GitHubClient, repository: GithubRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.create_file("a/b/c", "first", "x")
    repository.create_file("d/e", "second", "y")
    head = await client.head("main")
    assert head is not None
    get, asked = client._get, []

    async def truncated(path: str, query: Any = None) -> Any:
        asked.append(path)
        answer = await get(path, query)
        return {**answer, "truncated": True, "tree": []} if query else answer

    whole = await client.files(head.tree, ["a/b/c", "a/x"])
    monkeypatch.setattr(client, "_get", truncated)
    assert await client.files(head.tree, ["a/b/c", "a/x"]) == whole
    assert len(asked) == 4  # the whole tree, its root, a, a/b


# Failures


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("status", status=500), "github-unavailable"),
        (Fault("status", status=503, retry_after=7), "github-unavailable"),
        (Fault("status", status=429, retry_after=7), "github-rate-limited"),
        (Fault("status", status=403, retry_after=7), "github-rate-limited"),
        (Fault("reset"), "connection-failed"),
        (Fault("truncate"), "connection-failed"),
        (Fault("garbage"), "answer-unreadable"),
        (Fault("empty"), "answer-unreadable"),
    ],
)
async def test_what_may_pass_is_transient(fault: Fault, code: str, client: GitHubClient, store: Store) -> None:
    faults.add(store, fault)
    with pytest.raises(Transient) as caught:
        await client.repository()
    assert caught.value.code == code
    assert caught.value.retry_after == (7.0 if fault.retry_after else None)
    assert (await client.repository()).full_name == seed.REPOSITORY


async def test_nothing_that_listens_is_transient(cloud: Any) -> None:
    away = replace(cloud, github_api="https://127.0.0.1:1")
    async with GitHubClient(away, Secret("x"), seed.REPOSITORY) as client:
        with pytest.raises(Transient) as caught:
            await client.repository()
    assert caught.value.code == "connection-failed"


async def test_an_untrusted_certificate_is_no_passing_thing(cloud: Any) -> None:
    async with GitHubClient(replace(cloud, ca_bundle=None), Secret("x"), seed.REPOSITORY) as client:
        with pytest.raises(ServiceError) as caught:
            await client.repository()
    assert caught.value.code == "certificate-untrusted"


async def test_a_foreign_token_is_not_signed_in(client_for: Any) -> None:
    with pytest.raises(NotSignedIn, match="Bad credentials"):
        await client_for("foreign").repository()


async def test_a_missing_scope_is_named_even_where_github_says_404(client_for: Any, add_token: Any) -> None:
    with pytest.raises(Forbidden) as caught:
        await client_for(add_token("bare")).variables()
    assert (caught.value.status, caught.value.action, caught.value.scope) == (
        404,
        "scope repo",
        "GitHub repository contoso/databricks",
    )


@pytest.mark.parametrize(
    "error",
    [
        from_answer(401, {"message": "Bad credentials"}, {}, "it"),
        from_answer(403, {"message": "Must have admin rights to Repository."}, {}, "it"),
        from_answer(403, {"message": "Resource not accessible by integration"}, {}, "it"),
        from_answer(403, {"message": "Resource not accessible by personal access token"}, {}, "it"),
        from_answer(404, {"message": "Not Found"}, {}, "it"),
        from_answer(404, {"message": "Not Found"}, {"x-oauth-scopes": "", "x-accepted-oauth-scopes": "repo"}, "it"),
        from_answer(409, {"message": "Repository rule violations found"}, {}, "it"),
        from_answer(429, {"message": "You have exceeded a secondary rate limit."}, {}, "it"),
    ],
    ids=lambda error: f"{error.code} {error.message}",
)
def test_whatever_a_person_can_mend_comes_with_advice(error: OperationError) -> None:
    assert advise(error)


async def test_a_missing_permission_is_named(client_for: Any, add_token: Any) -> None:
    with pytest.raises(Forbidden) as caught:
        await client_for(add_token("fine", kind="fine-grained")).variables()
    assert caught.value.action == "permission variables=read"


@pytest.mark.parametrize(("kind", "options"), [("classic", {"scopes": ["repo"]}), ("fine-grained", {})])
async def test_a_missing_right_to_write_workflows_is_named(
    kind: str, options: Any, client_for: Any, add_token: Any, repository: GithubRepository
) -> None:
    repository.create_file("README.md", "first", "x")
    rights = {"contents": "write"}
    client = client_for(add_token("other", kind=kind, permissions=rights, **options))
    head = await client.head("main")
    with pytest.raises(Forbidden) as caught:
        await client.write_tree([WORKFLOW], head.tree)
    assert (caught.value.code, caught.value.action) == ("github-workflow-scope", "scope workflow")


async def test_what_is_not_there_is_not_found(cloud: Any) -> None:
    async with GitHubClient(cloud, Secret(seed.SANDBOX_TOKEN), "contoso/other") as client:
        with pytest.raises(NotFound):
            await client.repository()


async def test_a_lost_race_is_a_conflict(client: GitHubClient, repository: GithubRepository) -> None:
    first = repository.create_file("README.md", "first", "x")["commit"].sha
    repository.create_file("a", "second", "x")
    with pytest.raises(Conflict):
        await client.create_branch("main", first)
    with pytest.raises(Conflict):
        await client.move_branch("main", first)
    await client.create_variable("", "A", "1")
    with pytest.raises(Conflict):
        await client.create_variable("", "A", "1")


@pytest.mark.parametrize("name", ["databricks", "a/b/c", "/b", "a/"])
def test_an_impossible_repository_is_wrong_usage(name: str, cloud: Any) -> None:
    with pytest.raises(UsageError, match="OWNER/NAME"):
        GitHubClient(cloud, Secret("x"), name)


def test_an_impossible_address_is_wrong_usage(cloud: Any) -> None:
    with pytest.raises(UsageError):
        GitHubClient(replace(cloud, github_api="ftp://github.com"), Secret("x"), "a/b")


# docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (429, {"retry-after": "5"}, "slow down", 5.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, "API rate limit exceeded", 0.0),
        (403, {}, "You have exceeded a secondary rate limit. Please wait.", 60.0),
        (429, {}, "Too many requests", 60.0),
    ],
)
def test_rate_limits_say_how_long_to_wait(status: int, headers: dict[str, str], message: str, wait: float) -> None:
    error = from_answer(status, {"message": message}, headers, "it")
    assert isinstance(error, Transient)
    assert (error.code, error.retry_after) == ("github-rate-limited", wait)


def test_a_primary_limit_waits_for_its_reset() -> None:
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 600)}
    error = from_answer(403, {"message": "API rate limit exceeded for user ID 1."}, reset, "it")
    assert isinstance(error, Transient)
    assert error.retry_after is not None
    assert 590 < error.retry_after <= 600


def test_githubs_words_name_every_field() -> None:
    data = {"message": "Validation Failed", "errors": [{"resource": "PullRequest", "field": "head", "code": "invalid"}]}
    assert from_answer(422, data, {}, "it").message == "Validation Failed; head invalid"
    assert from_answer(500, "<html>", {}, "it").message == "GitHub answered with status 500"


def test_a_ruleset_that_forbids_is_forbidden() -> None:
    words = "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"
    for status in (409, 422):
        error = from_answer(status, {"message": words}, {}, "it")
        assert (type(error), error.code) == (Forbidden, "github-rule-violation")
        assert error.message == "Repository rule violations found Changes must be made through a pull request."


# Pace, threads, proxies


async def test_many_at_once_share_no_connection(client: GitHubClient, repository: GithubRepository) -> None:
    names = [f"E{number}" for number in range(12)]
    await asyncio.gather(*(client.put_environment(name, {}) for name in names))
    found = await asyncio.gather(*(client.environment(name) for name in names))
    assert [environment["name"] for environment in found if environment] == names


async def test_writes_are_paced_for_the_real_service_alone(cloud: Any) -> None:
    for is_sandbox, pace in ((True, None), (False, SECONDS_BETWEEN_WRITES)):
        client = GitHubClient(replace(cloud, is_sandbox=is_sandbox), Secret("x"), "a/b")
        requester = client._connection._github().requester
        assert requester.kwargs["seconds_between_writes"] == pace
        await client.close()


async def test_a_proxy_of_the_environment_does_not_stand_before_the_sandbox(
    client: GitHubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    assert (await client.repository()).full_name == seed.REPOSITORY


# The token at hand


def gh(folder: Path, script: str) -> dict[str, str]:
    """An environment whose only program is a GitHub CLI."""
    program = folder / "gh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("environ", "host", "token"),
    [
        ({"GH_TOKEN": "a", "GITHUB_TOKEN": "b"}, "github.com", "a"),
        ({"GH_TOKEN": " ", "GITHUB_TOKEN": "b\n"}, "github.com", "b"),
        ({"GH_TOKEN": "a", "GH_ENTERPRISE_TOKEN": "c"}, "git.contoso.example", "c"),
        ({"GH_TOKEN": "a", "GH_ENTERPRISE_TOKEN": "c"}, "github.com", "a"),
    ],
)
def test_the_environment_names_the_token(environ: dict[str, str], host: str, token: str) -> None:
    assert find_token(environ, host) == Secret(token)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_the_github_cli_is_asked_last(tmp_path: Path) -> None:
    environ = gh(tmp_path, 'test "$*" = "auth token --hostname github.com" && echo from-gh')
    assert find_token(environ) == Secret("from-gh")
    assert find_token({**environ, "GH_TOKEN": "a"}) == Secret("a")
    assert find_token(gh(tmp_path, "echo secret; exit 1")) is None


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert find_token({"PATH": str(tmp_path)}) is None
