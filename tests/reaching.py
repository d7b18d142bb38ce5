"""How tests reach the sandbox's services: as the clients see them, and behind their backs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbxwizard.clients.cloud import Cloud
from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.objects import Entry, GitObjects, Ident
from dbxwizard.sandbox.github.seed import REPOSITORY, REPOSITORY_ID
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Store
from dbxwizard.sandbox.time import Clock


def cloud_of(sandbox: Sandbox) -> Cloud:
    """As a command has it, without a request in the sandbox's log."""
    at = sandbox.endpoints()
    return Cloud(
        name="AzureCloud",
        resource_manager=at.resource_manager,
        authority=at.login,
        graph=at.graph,
        management_audience="https://management.core.windows.net/",
        vault_audience="https://vault.azure.net",
        insights="https://api.applicationinsights.io",
        portal="https://portal.azure.com",
        github_api=f"{at.github}/api/v3",
        github_web=at.github,
        federation_issuer=at.oidc,
        federation_audience="api://AzureADTokenExchange",
        ca_bundle=at.authority,
        is_sandbox=True,
    )


def access_token(store: Store, audience: str, object_id: str, *, app_id: str, user: bool, **claims: Any) -> str:
    """What the sandbox's Entra would give a person or an application, for an hour; `claims` replace its own."""
    made = {
        "aud": audience,
        "exp": Clock(store).now() + tokens.LIFETIME,
        "oid": object_id,
        "tid": tokens.TENANT_ID,
        "appid": app_id,
        "idtyp": "user" if user else "app",
    }
    return tokens.sign(store, "entra", made | claims)


def requests_to(store: Store, host: str = "", *, writes: bool = False) -> list[str]:
    """`METHOD path` of each request that the host (`arm`, `workspace:1` …; "": any) has had; `writes`: and obeyed."""
    return [
        f"{one['method']} {one['path']}"
        for one in store.requests()
        if one["host"].startswith(host) and (one["write"] or not writes)
    ]


def make_private(store: Store, token: str) -> None:
    """The repository becomes private; `token` may read it, and nothing else. Called inside a transaction."""
    store.put("github.repository", REPOSITORY, {**(store.get("github.repository", REPOSITORY) or {}), "private": True})
    access.add_token(
        store, token, "ada", kind="fine-grained", permissions={"contents": "read"}, repositories=[REPOSITORY]
    )


def push(store: Store, files: Mapping[str, str], branch: str = "main", *, tag: str = "") -> str:
    """Commits `files`, and nothing else, to the repository; the commit. Called inside a transaction."""
    git = GitObjects(store, REPOSITORY_ID)
    who = Ident("Ada", "ada@contoso.example", 1_790_000_000)
    entries = {path: Entry("100644", git.write("blob", text.encode())) for path, text in files.items()}
    parent = git.ref(f"refs/heads/{branch}")
    commit = git.write_commit(git.write_files(entries), (parent,) if parent else (), who, who, "change")
    git.set_ref(f"refs/heads/{branch}", commit)
    if tag:
        git.set_ref(f"refs/tags/{tag}", commit)
    return commit
