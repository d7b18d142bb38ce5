"""Variables and secrets, through PyGithub and as its own sealed boxes."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from github import GithubException
from github.PublicKey import encrypt
from github.Repository import Repository
from nacl.public import PrivateKey, SealedBox

from dbxwizard.sandbox.github import seed
from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.github.values import open_secrets
from dbxwizard.sandbox.store import Store


def refused(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(GithubException) as caught:
        call()
    return caught.value.status, caught.value.data["message"]


@pytest.fixture(params=["repository", "environment"])
def holder(request: pytest.FixtureRequest, repository: Repository) -> Any:
    """Both have the same operations."""
    return repository if request.param == "repository" else repository.create_environment("Development")


def test_variables_are_made_changed_renamed_and_removed(holder: Any) -> None:
    made = holder.create_variable("region", "uksouth")
    made.edit("ukwest")
    found = {variable.name: variable.value for variable in holder.get_variables()}
    assert found == {"REGION": "ukwest"}
    assert holder.delete_variable("REGION")
    assert list(holder.get_variables()) == []


def test_a_variable_is_made_once(holder: Any) -> None:
    holder.create_variable("A", "1")
    assert refused(lambda: holder.create_variable("a", "2")) == (409, "Already exists - Variable already exists")


def test_secrets_are_sealed_and_opened_by_their_holder_alone(holder: Any, store: Store) -> None:
    holder.create_secret("client_secret", "first")
    holder.create_secret("CLIENT_SECRET", "sécond")
    name = "" if isinstance(holder, Repository) else "Development"
    other = "Development" if isinstance(holder, Repository) else ""
    with store.transaction():
        assert open_secrets(store, seed.REPOSITORY_ID, name) == {"CLIENT_SECRET": "sécond"}
        assert open_secrets(store, seed.REPOSITORY_ID, other) == {}
    assert [secret.name for secret in holder.get_secrets()] == ["CLIENT_SECRET"]
    assert "sécond" not in str(store.all("github.secret"))
    assert holder.delete_secret("CLIENT_SECRET")
    assert list(holder.get_secrets()) == []


def test_each_holder_has_its_own_key(repository: Repository) -> None:
    environment = repository.create_environment("Development")
    assert repository.get_public_key().key != environment.get_public_key().key
    assert environment.get_public_key().key == environment.get_public_key().key


def put(repository: Repository, name: str, sealed: str, key_id: str) -> None:
    body = {"encrypted_value": sealed, "key_id": key_id}
    repository.requester.requestJsonAndCheck("PUT", f"{repository.url}/actions/secrets/{name}", input=body)


def test_what_the_key_does_not_open_is_refused(repository: Repository) -> None:
    key = repository.get_public_key()
    foreign = base64.b64encode(SealedBox(PrivateKey.generate().public_key).encrypt(b"value")).decode()
    right = encrypt(key.key, "value")
    error = (422, "Bad request - validation failed due to an improperly encrypted secret")
    assert refused(lambda: put(repository, "A", foreign, str(key.key_id))) == error
    assert refused(lambda: put(repository, "A", "no base64!", str(key.key_id))) == error
    assert refused(lambda: put(repository, "A", right, "123")) == error
    put(repository, "A", right, str(key.key_id))


@pytest.mark.parametrize("name", ["1A", "A-B", "A B", ""])
def test_impossible_names_are_refused(name: str, repository: Repository) -> None:
    status, message = refused(lambda: repository.create_variable(name, "1"))
    assert status == 422
    assert message.startswith("Variable names can only contain alphanumeric characters")


def test_githubs_own_prefix_is_refused(repository: Repository) -> None:
    assert refused(lambda: repository.create_variable("github_a", "1")) == (
        422,
        "Variable names must not start with GITHUB_.",
    )
    assert refused(lambda: repository.create_secret("GITHUB_TOKEN", "1")) == (
        422,
        "Secret names must not start with GITHUB_.",
    )


def test_values_have_a_largest_size(repository: Repository) -> None:
    repository.create_variable("FITS", "a" * 48 * 1024)
    assert refused(lambda: repository.create_variable("LARGE", "a" * (48 * 1024 + 1)))[0] == 422
    assert refused(lambda: repository.create_secret("LARGE", "a" * (48 * 1024 + 1)))[0] == 422


def test_an_environment_holds_a_hundred(repository: Repository, store: Store) -> None:
    environment = repository.create_environment("Development")
    with store.transaction():
        for number in range(100):
            body = {"name": f"V{number}", "value": "", "createdAt": 0.0, "updatedAt": 0.0}
            store.put("github.variable", f"{seed.REPOSITORY_ID}/development/V{number}", body)
    assert refused(lambda: environment.create_variable("ONE_MORE", ""))[0] == 422
    environment.get_variable("V7").edit("changed")
    assert environment.get_variable("V7").value == "changed"


def test_of_an_environment_that_is_not_there(repository: Repository) -> None:
    with pytest.raises(GithubException) as caught:
        repository.requester.requestJsonAndCheck("GET", f"{repository.url}/environments/Nowhere/variables")
    assert caught.value.status == 404


def test_show_has_values_of_variables_and_names_of_secrets(repository: Repository, store: Store) -> None:
    repository.create_variable("A", "1")
    repository.create_environment("Development").create_secret("B", "hidden")
    (shown,) = GitHubService().show(store)["repositories"]
    assert (shown["variables"], shown["secrets"]) == ({"A": "1"}, [])
    assert shown["environments"][0]["secrets"] == ["B"]
    assert "hidden" not in str(shown)
