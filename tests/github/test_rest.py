"""What every answer has in common: who calls, versions, headers, pages, errors."""

from __future__ import annotations

from typing import Any

import pytest
from github import GithubException
from github.Repository import Repository

from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.session import Sandbox


def ask(connection: Any, verb: str, path: str, **options: Any) -> tuple[int, dict[str, Any], Any]:
    """One request through PyGithub's requester: status, headers and body, whatever they are."""
    status, headers, text = connection.requester.requestJson(verb, path, **options)
    return status, headers, text


def refused(connection: Any, verb: str, path: str, **options: Any) -> tuple[int, str]:
    with pytest.raises(GithubException) as caught:
        connection.requester.requestJsonAndCheck(verb, path, **options)
    return caught.value.status, caught.value.data["message"]


def test_the_seeded_person_and_repository(connect: Any) -> None:
    github = connect()
    repository = github.get_repo(seed.REPOSITORY)
    assert github.get_user().login == seed.LOGIN
    assert [found.full_name for found in github.get_user().get_repos()] == [seed.REPOSITORY]
    assert (repository.id, repository.owner.id, repository.private) == (seed.REPOSITORY_ID, seed.OWNER_ID, False)
    assert repository.default_branch == "main"
    assert repository.permissions.admin


def test_the_api_answers_below_api_v3_too(connect: Any, cloud: Any) -> None:
    github = connect(base=f"{cloud.github_api}/api/v3")
    repository = github.get_repo(seed.REPOSITORY)
    assert repository.url == f"{cloud.github_api}/api/v3/repos/{seed.REPOSITORY}"
    repository.create_environment("Development")
    assert [found.name for found in repository.get_environments()] == ["Development"]


def test_names_are_not_case_sensitive_and_shown_as_they_are(connect: Any) -> None:
    assert connect().get_repo("Contoso/DataBricks").full_name == seed.REPOSITORY


def test_a_foreign_token_is_bad_credentials(connect: Any) -> None:
    assert refused(connect("ghp_nobody"), "GET", "/user") == (401, "Bad credentials")


def test_an_expired_token_is_bad_credentials(connect: Any, add_token: Any) -> None:
    assert refused(connect(add_token("old", expires_at=1.0)), "GET", "/user") == (401, "Bad credentials")


def test_what_does_not_exist_is_not_found(connect: Any) -> None:
    error = (404, "Not Found")
    assert refused(connect(), "GET", "/repos/contoso/other") == error
    assert refused(connect(), "GET", "/no/such/route") == error
    assert refused(connect(), "GET", "/users/nobody") == error


def test_error_bodies_have_three_fields(connect: Any) -> None:
    with pytest.raises(GithubException) as caught:
        connect().get_repo("contoso/other")
    assert caught.value.data == {
        "message": "Not Found",
        "documentation_url": "https://docs.github.com/rest",
        "status": "404",
    }


def test_headers_name_scopes_limits_and_the_request(connect: Any, add_token: Any) -> None:
    token = add_token("dated", scopes=["repo"], expires_at=4_102_444_800.0)
    _, headers, _ = ask(connect(token), "GET", f"/repos/{seed.REPOSITORY}/actions/variables")
    assert headers["x-oauth-scopes"] == "repo"
    assert headers["x-accepted-oauth-scopes"] == "repo"
    assert headers["github-authentication-token-expiration"] == "2100-01-01 00:00:00 UTC"
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("5000", "4999")
    assert headers["x-github-request-id"].count(":") == 4
    assert headers["x-github-api-version-selected"] == "2022-11-28"


def test_a_fine_grained_token_hears_of_permissions_in_place_of_scopes(connect: Any, add_token: Any) -> None:
    token = add_token("fine", kind="fine-grained", permissions={"variables": "read"})
    _, headers, _ = ask(connect(token), "GET", f"/repos/{seed.REPOSITORY}/actions/variables")
    assert headers["x-accepted-github-permissions"] == "variables=read"
    assert "x-oauth-scopes" not in headers


def test_the_rate_is_told(connect: Any) -> None:
    github = connect()
    github.get_user().login  # noqa: B018
    assert (github.get_rate_limit().rate.limit, github.get_rate_limit().rate.used) == (5000, 3)


def test_the_root_tells_the_scopes_as_the_github_cli_asks_for_them(connect: Any, cloud: Any) -> None:
    for base in ("", f"{cloud.github_api}/api/v3"):
        status, headers, _ = ask(connect(base=base), "GET", "/")
        assert (status, headers["x-oauth-scopes"]) == (200, "repo, workflow, read:org")


def test_an_unknown_version_is_refused(connect: Any) -> None:
    status, message = refused(connect(), "GET", "/user", headers={"X-GitHub-Api-Version": "2020-01-01"})
    assert status == 400
    assert "2020-01-01" in message


def test_the_same_answer_is_sent_once(connect: Any) -> None:
    _, headers, _ = ask(connect(), "GET", "/user")
    again = ask(connect(), "GET", "/user", headers={"If-None-Match": headers["etag"]})
    other = ask(connect(), "GET", "/user", headers={"If-None-Match": '"other"'})
    assert (again[0], again[2]) == (304, "")
    assert other[0] == 200


def test_lists_come_in_pages_with_links(repository: Repository, connect: Any) -> None:
    for number in range(12):
        repository.create_variable(f"V{number:02}", str(number))
    status, headers, _ = ask(connect(), "GET", f"/repos/{seed.REPOSITORY}/actions/variables", parameters={"page": 2})
    assert status == 200
    assert 'page=1>; rel="prev"' in headers["link"]
    assert 'rel="next"' not in headers["link"]
    assert [found.name for found in repository.get_variables()] == [f"V{number:02}" for number in range(12)]


def test_bodies_are_checked_as_github_words_it(connect: Any) -> None:
    variables = f"/repos/{seed.REPOSITORY}/actions/variables"
    cases = {
        '"colour" is not a permitted key.': {"name": "A", "value": "1", "colour": "red"},
        '"value" wasn\'t supplied.': {"name": "A"},
        "For 'properties/value', 1 is not a string.": {"name": "A", "value": 1},
    }
    for problem, body in cases.items():
        assert refused(connect(), "POST", variables, input=body) == (422, f"Invalid request.\n\n{problem}")


def test_a_list_is_no_body(connect: Any) -> None:
    answer = refused(connect(), "POST", f"/repos/{seed.REPOSITORY}/actions/variables", input=["name"])
    assert answer == (400, "Body should be a JSON object")


def test_the_hourly_limit_is_counted(sandbox: Sandbox, connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    github = connect()
    service = sandbox._server.services["github"]  # type: ignore[union-attr]
    assert isinstance(service, GitHubService)
    monkeypatch.setattr(service, "hourly_limit", 2)
    github.get_user().login  # noqa: B018
    github.get_user().login  # noqa: B018
    with pytest.raises(GithubException) as caught:
        github.get_user().login  # noqa: B018
    assert caught.value.status == 403
    assert caught.value.data["message"].startswith("API rate limit exceeded for user ID")
    assert caught.value.headers is not None
    assert caught.value.headers["x-ratelimit-remaining"] == "0"
