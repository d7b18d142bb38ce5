"""The first page: costs, the sign-ins of this machine, and what the doctor says before and after setup."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dbxwizard.backend.wizard.sign_ins import SignInWay, sign_in_ways
from dbxwizard.backend.wizard.welcome import Welcome, costs, welcome
from dbxwizard.clients.cloud import Cloud, find_cloud
from dbxwizard.clients.github_token import gh_user
from dbxwizard.doctor import Verdict
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY, SANDBOX_TOKEN
from dbxwizard.steps.connection import Connection
from tests.backend.looking import connected, drafts, look
from tests.reaching import requests_to
from tests.roads import Road

PUBLIC = find_cloud("AzureCloud")
HOSTS = """\
github.com:
    users:
        ada:
    git_protocol: https
    user: ada
other.example:
    user: bob
"""


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """A machine on which nobody has signed in to anything."""
    return {
        "AZURE_CONFIG_DIR": str(tmp_path / "azure"),
        "GH_CONFIG_DIR": str(tmp_path / "github"),
        "PATH": str(tmp_path),
    }


def profile(machine: dict[str, str], content: object) -> None:
    folder = Path(machine["AZURE_CONFIG_DIR"])
    folder.mkdir()
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "azureProfile.json").write_text("\ufeff" + text, "utf-8")


def gh(machine: dict[str, str], hosts: str) -> None:
    folder = Path(machine["GH_CONFIG_DIR"])
    folder.mkdir()
    (folder / "hosts.yml").write_text(hosts, "utf-8")
    program = Path(machine["PATH"]) / "gh"
    program.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    program.chmod(0o755)


def way(environ: dict[str, str], method: str, cloud: Cloud = PUBLIC) -> SignInWay:
    return next(one for one in sign_in_ways(cloud, environ) if one.method == method)


def test_where_nothing_is_found_somebody_is_asked(machine: dict[str, str]) -> None:
    ways = sign_in_ways(PUBLIC, machine)
    assert [one.method for one in ways if one.found and not one.asks] == []
    assert {one.method for one in ways if one.found} == {"device-code", "paste"}
    assert all(one.detail for one in ways)


def test_what_the_environment_holds_is_found_and_never_shown(machine: dict[str, str]) -> None:
    secrets = {"AZURE_CLIENT_SECRET": "the-client-secret", "GH_TOKEN": "ghp_the_token"}
    ids = {"AZURE_TENANT_ID": "tenant-1", "AZURE_CLIENT_ID": "client-1"}
    ways = sign_in_ways(PUBLIC, machine | secrets | ids)
    found = {one.method: one.detail for one in ways if one.found and not one.asks}
    assert found == {"environment": "application client-1", "GH_TOKEN": "has a token"}
    assert not any(secret in repr(ways) for secret in secrets.values())


def test_credentials_that_are_no_json_are_said(machine: dict[str, str]) -> None:
    assert "AZURE_CREDENTIALS is not" in way(machine | {"AZURE_CREDENTIALS": "{"}, "environment").detail


def test_a_job_of_github_actions_is_known_by_its_token_request(machine: dict[str, str]) -> None:
    job = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "y"}
    assert "AZURE_CLIENT_ID" in way(machine | job, "github-oidc").detail
    assert way(machine | job | {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}, "github-oidc").found


def test_who_az_login_signed_in_is_named(machine: dict[str, str]) -> None:
    entry = {"name": "Contoso", "tenantId": "t-1", "user": {"name": "ada@contoso.example"}, "isDefault": True}
    profile(machine, {"subscriptions": [{**entry, "name": "Other", "isDefault": False}, entry]})
    found = way(machine, "azure-cli")
    assert (found.found, found.detail) == (True, "ada@contoso.example, subscription Contoso in tenant t-1")


@pytest.mark.parametrize("content", ["{", "[]", {"subscriptions": [{"id": "1"}]}, {"subscriptions": [7]}, {}])
def test_a_broken_profile_is_said(machine: dict[str, str], content: object) -> None:
    profile(machine, content)
    found = way(machine, "azure-cli")
    assert (found.found, "run az login again" in found.detail) == (False, True)


def test_a_profile_without_anybody_is_nobody(machine: dict[str, str]) -> None:
    profile(machine, {"subscriptions": []})
    assert way(machine, "azure-cli").detail == "nobody has signed in with az login"


def test_over_ssh_no_browser_opens(machine: dict[str, str]) -> None:
    display = machine | {"DISPLAY": ":0"}
    assert way(display, "browser").found
    remote = way(display | {"SSH_CONNECTION": "1 2 3 4"}, "browser")
    assert (remote.found, "SSH" in remote.detail) == (False, True)


def test_who_the_github_cli_signed_in_is_named(machine: dict[str, str]) -> None:
    gh(machine, HOSTS)
    found = way(machine, "gh")
    assert (found.found, found.detail) == (True, "ada on github.com")
    assert gh_user(machine, "other.example") == "bob"
    assert gh_user(machine, "third.example") == ""


def test_the_sandbox_has_ways_of_its_own(machine: dict[str, str]) -> None:
    ways = sign_in_ways(replace(PUBLIC, is_sandbox=True), machine)
    assert {one.method for one in ways if one.found} == {"device-code", "sandbox"}
    assert "azure-cli" not in {one.method for one in ways}


def test_costs_count_what_the_files_ask_for(fresh: Road) -> None:
    files = drafts(fresh)
    asked = costs(files)
    counts = {line.resource: line.count for line in asked.lines}
    assert (counts["Key Vault"], counts["NAT gateway with a public address"]) == (4, 4)
    assert asked.monthly_usd == 4 * 37
    assert {line.resource for line in asked.lines if line.monthly_usd is None} == {
        "Data lake",
        "Key Vault",
        "Log Analytics and Application Insights",
    }
    assert all("no price stated" in line.cost for line in asked.lines if line.monthly_usd is None)
    assert (asked.clusters[0].environment, asked.clusters[0].nodes, asked.clusters[0].idle_minutes) == (
        "Development",
        3,
        20,
    )
    assert (asked.read, bool(asked.source)) == ("2026-11-26", True)
    fresh.edit("Development", '"NoPublicIp": true', '"NoPublicIp": false')
    assert costs(drafts(fresh)).monthly_usd == 3 * 37
    assert costs(()).monthly_usd == 0


async def seen(road: Road, connection: Connection) -> Welcome:
    return await welcome(
        connection.cloud,
        {},
        drafts(road),
        connection=connection,
        subscription_id=SUBSCRIPTION_ID,
        repository=REPOSITORY,
    )


async def test_nothing_is_sent_before_somebody_signs_in(fresh: Road) -> None:
    async with connected(fresh) as connection:
        with fresh.store() as store:
            before = len(requests_to(store))
            view = await welcome(connection.cloud, {}, drafts(fresh))
            assert len(requests_to(store)) == before
    assert (view.environments, view.checks, view.lacking) == (
        ("Development", "UAT", "PreProduction", "Production"),
        (),
        (),
    )


def test_the_doctor_finds_all_well_before_and_after_setup(set_up: Road) -> None:
    view = look(set_up, lambda connection: seen(set_up, connection))
    assert {check.name for check in view.checks} >= {"subscription", "rights for setup", "repository", "client secrets"}
    assert view.lacking == ()


def test_what_is_missing_comes_with_how_to_mend_it(fresh: Road) -> None:
    with fresh.change() as store:
        for key, body in store.find("_github.token"):
            store.put("_github.token", key, {**body, "scopes": []})
        store.put("_setting", "entra", {"members_may_register": False})
    view = look(fresh, lambda connection: seen(fresh, connection), SANDBOX_TOKEN)
    missing = {check.name for check in view.checks if check.verdict is Verdict.MISSING}
    assert missing == {"GitHub token", "directory"}
    assert all(one.fix for one in view.lacking)
    assert len(view.lacking) == 2


def test_without_files_they_are_what_is_missing(fresh: Road) -> None:
    view = look(fresh, lambda connection: welcome(connection.cloud, {}, ()))
    assert [one.what for one in view.lacking] == ["environment files"]
