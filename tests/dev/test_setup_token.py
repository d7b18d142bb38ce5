"""`dbxwizard dev setup --auth token`, and what git may take."""

from __future__ import annotations

import subprocess
from typing import Any

import requests

from dbxwizard.dev import dotenv
from dbxwizard.sandbox.session import Sandbox
from tests.dev.conftest import dev_setup, shown
from tests.roads import Road


def env(road: Road) -> dict[str, str]:
    return dotenv.values((road.folder / ".env").read_text("utf-8"))


def tokens(road: Road) -> dict[str, dict[str, Any]]:
    with road.store() as store:
        return {body["token_id"]: body for _, body in store.find("databricks.token")}


def git(road: Road, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(road.folder), *arguments], check=True, capture_output=True)


def test_a_token_is_made_kept_renewed_and_given_up(developer: Road) -> None:
    outcome = dev_setup(developer, "--auth", "token", "--yes")
    assert outcome.code == 0, shown(outcome)
    value = env(developer)["DATABRICKS_TOKEN"]
    assert env(developer)["DATABRICKS_AUTH_TYPE"] == "pat"
    assert value not in shown(outcome)
    holding = [path for path in developer.folder.rglob("*") if path.is_file() and value.encode() in path.read_bytes()]
    assert holding == [developer.folder / ".env"]
    assert holding[0].stat().st_mode & 0o777 == 0o600
    [(first, made)] = tokens(developer).items()
    assert made["comment"].startswith("dbxwizard dev setup")
    assert made["expiry_time"] - made["creation_time"] == 30 * 86400
    with Sandbox(developer.state):
        address = f"{env(developer)['DATABRICKS_HOST']}/api/2.0/preview/scim/v2/Me"
        trusted = env(developer)["REQUESTS_CA_BUNDLE"]
        answer = requests.get(address, headers={"Authorization": f"Bearer {value}"}, verify=trusted, timeout=30)
    assert answer.json()["userName"] == "ada@contoso.example"
    assert dev_setup(developer, "--auth", "token").report["status"] == "unchanged"
    with developer.change() as store:
        [(key, body)] = store.find("databricks.token")
        store.put("databricks.token", key, {**body, "expiry_time": body["creation_time"] + 6 * 86400})
    renewed = dev_setup(developer, "--auth", "token")
    assert renewed.code == 0, shown(renewed)
    assert renewed.changes() == {"Development/.env": ["the access token ends soon"]}
    assert env(developer)["DATABRICKS_TOKEN"] != value
    assert len(tokens(developer)) == 1
    assert first not in tokens(developer)
    given_up = dev_setup(developer, "--yes")
    assert given_up.code == 0, shown(given_up)
    assert "DATABRICKS_TOKEN" not in (developer.folder / ".env").read_text("utf-8")
    assert "access token" not in (developer.folder / ".env").read_text("utf-8")
    assert not tokens(developer)


def test_git_takes_neither_env_nor_what_is_made(developer: Road) -> None:
    git(developer, "init")
    (developer.folder / ".gitignore").write_text(".env\n!.env\n", "utf-8")
    outcome = dev_setup(developer, "--auth", "token", "--yes")
    assert outcome.code == 0, shown(outcome)
    told = subprocess.run(
        ["git", "-C", str(developer.folder), "status", "--porcelain", "--untracked-files=all"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert ".gitignore" in told
    assert ".vscode/settings.json" in told
    assert " .env" not in told
    assert ".venv" not in told


def test_a_file_that_git_has_already_gets_no_secret(beside: Road) -> None:
    git(beside, "init")
    (beside.folder / ".env").write_text("A=1\n", "utf-8")
    git(beside, "add", ".env")
    outcome = dev_setup(beside, "--auth", "token", "--yes")
    [error] = outcome.errors
    assert (error["code"], error["resource"]) == ("git-has-it", ".env")
    assert (beside.folder / ".env").read_text("utf-8") == "A=1\n"
    assert not tokens(beside)
