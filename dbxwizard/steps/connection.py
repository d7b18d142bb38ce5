"""The clients of one signed-in person or service principal: made when first asked for, shared, closed together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from dbxwizard.clients.client import Client
from dbxwizard.clients.github_token import require_token
from dbxwizard.core.errors import NotChecked
from dbxwizard.steps.named_principals import NamedPrincipal

if TYPE_CHECKING:
    from dbxwizard.clients.arm import ArmClient
    from dbxwizard.clients.authorization import AuthorizationClient
    from dbxwizard.clients.cloud import Cloud
    from dbxwizard.clients.databricks import WorkspaceClient
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.github_account import GitHubAccount
    from dbxwizard.clients.graph import GraphClient
    from dbxwizard.clients.identity import SignedIn
    from dbxwizard.clients.insights import InsightsClient
    from dbxwizard.clients.keyvault import VaultClient
    from dbxwizard.clients.subscriptions import SubscriptionsClient
    from dbxwizard.core.secret import Secret


ClientT = TypeVar("ClientT", bound=Client)
# Importing these takes 1.6 s and 0.4 s.
_DATABRICKS, _GITHUB = "dbxwizard.clients.databricks_connection", "dbxwizard.clients.github"


class Connection(Client):
    """Each SDK is imported when its client is first asked for."""

    def __init__(
        self,
        cloud: Cloud,
        signed_in: SignedIn,
        github_token: Secret | None,
        *,
        databricks_signed_in: SignedIn | None = None,
        principals: Mapping[str, NamedPrincipal] | None = None,
    ) -> None:
        """`databricks_signed_in`: the Databricks service principal, where service principals act; None for a person.

        `principals`: service principals that a job was told of, by key.
        """
        self.cloud = cloud
        self.signed_in = signed_in
        self._databricks = databricks_signed_in
        self._principals = dict(principals or {})
        self._github_token = github_token
        self._made: dict[Hashable, Any] = {}
        self._loading: asyncio.Future[None] | None = None

    async def close(self) -> None:
        while self._made:
            _, client = self._made.popitem()
            await client.close()
        for who in (self.signed_in, self._databricks):
            if who is not None:
                who.close()

    async def use_github(self, token: Secret) -> None:
        """From now on `token` speaks to GitHub."""
        self._github_token = token
        for key in [key for key in self._made if isinstance(key, tuple) and key[0] == "github"]:
            await self._made.pop(key).close()

    @property
    def only_reads(self) -> bool:
        """Whether the service principal acts that plans for those which deploy."""
        deploys = self._principals.get("databricks-spn")
        is_job = self.signed_in.kind != "user"
        return is_job and deploys is not None and deploys.client_id != (self._databricks or self.signed_in).client_id

    def service_principal(self, key: str) -> NamedPrincipal | None:
        """Who `main-spn`, `databricks-spn` or `plan-spn` is, where a job knows; None when a person acts."""
        if self.signed_in.kind == "user":
            return None
        deploying = {"main-spn": self.signed_in, "databricks-spn": self._databricks}
        who = ({"plan-spn": self.signed_in} if self.only_reads else deploying).get(key)
        return NamedPrincipal(who.client_id, who.object_id) if who else self._principals.get(key)

    def subscriptions(self) -> SubscriptionsClient:
        """What there is to choose from, before a subscription is chosen."""
        from dbxwizard.clients.subscriptions import SubscriptionsClient

        return self._client("subscriptions", lambda: SubscriptionsClient(self.cloud, self.signed_in))

    def arm(self, subscription_id: str) -> ArmClient:
        return self._client(("arm", subscription_id), lambda: self._arm(subscription_id))

    def _arm(self, subscription_id: str) -> ArmClient:
        from dbxwizard.clients.arm import ArmClient

        return ArmClient(self.cloud, self.signed_in, subscription_id, only_reads=self.only_reads)

    def authorization(self, subscription_id: str) -> AuthorizationClient:
        from dbxwizard.clients.authorization import AuthorizationClient

        return self._client(
            ("authorization", subscription_id),
            lambda: AuthorizationClient(self.cloud, self.signed_in, subscription_id),
        )

    def graph(self) -> GraphClient:
        from dbxwizard.clients.graph import GraphClient

        return self._client("graph", lambda: GraphClient(self.cloud, self.signed_in))

    def insights(self) -> InsightsClient:
        """What code that runs has told of itself."""
        from dbxwizard.clients.insights import InsightsClient

        return self._client("insights", lambda: InsightsClient(self.cloud, self.signed_in))

    async def workspace_token(self) -> Secret:
        """With which a process beside this one is let into workspaces as who acts here, for an hour or so."""
        from dbxwizard.clients.cloud import DATABRICKS_APP_ID
        from dbxwizard.core.secret import Secret

        acting = self._databricks or self.signed_in
        return Secret((await asyncio.to_thread(acting.credential.get_token, f"{DATABRICKS_APP_ID}/.default")).token)

    @property
    def has_github(self) -> bool:
        return self._github_token is not None

    def github(self, repository: str) -> GitHubClient:
        """Raises NotSignedIn without a token."""
        from dbxwizard.clients.github import GitHubClient

        token = require_token(self._github_token, repository)
        return self._client(("github", repository), lambda: GitHubClient(self.cloud, token, repository))

    def github_account(self) -> GitHubAccount:
        """GitHub before a repository is chosen. Raises NotSignedIn without a token."""
        from dbxwizard.clients.github_account import GitHubAccount

        token = require_token(self._github_token, "GitHub")
        return self._client(("github",), lambda: GitHubAccount(self.cloud, token))

    def vault(self, vault_uri: str) -> VaultClient:
        """Raises NotChecked for who only plans: a right that will never come must not be waited for."""
        from dbxwizard.clients.keyvault import VaultClient

        if self.only_reads:
            raise NotChecked("who only plans may not read secrets", resource=vault_uri)
        actor = self._databricks or self.signed_in  # the files give the vault's data to the Databricks one
        return self._client(("vault", vault_uri), lambda: VaultClient(self.cloud, actor, vault_uri))

    def warm_up(self) -> None:
        """Begins to load what the steps in a workspace need (2 s of a processor), while Azure is waited for."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(None, _load, (_DATABRICKS, _GITHUB))

    async def github_loaded(self, repository: str) -> GitHubClient:
        """As `github`, with the SDK loaded in a thread."""
        await asyncio.to_thread(_load, (_GITHUB,))
        return self.github(repository)

    async def workspace(self, workspace_url: str, workspace_resource_id: str) -> WorkspaceClient:
        await asyncio.to_thread(_load, (_DATABRICKS,))
        from dbxwizard.clients.databricks import WorkspaceClient

        return self._client(
            ("workspace", workspace_url),
            lambda: WorkspaceClient(
                self.cloud,
                self._databricks or self.signed_in,
                workspace_url,
                workspace_resource_id,
                refusals_are_final=self.only_reads,
            ),
        )

    def _client(self, key: Hashable, make: Callable[[], ClientT]) -> ClientT:
        if key not in self._made:
            self._made[key] = make()
        client: ClientT = self._made[key]
        return client


def _load(modules: Iterable[str]) -> None:
    for name in modules:
        import_module(name)
