"""A personal access token of the service principal in the Key Vault, for what still needs one; renewed in time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dbxwizard.core.errors import Conflict, NotFound
from dbxwizard.core.plan import Change, Inputs, Progress, Reason
from dbxwizard.core.requests import Host, Request
from dbxwizard.core.secret import Secret
from dbxwizard.steps.databricks.requests import to_workspace
from dbxwizard.steps.databricks.shared_workspace import Json, SharedWorkspace, WorkspaceStep

_DAY = 86400.0


class StoredSecret(Protocol):
    """The newest version of a secret; `expires` in epoch seconds, None when it does not."""

    @property
    def value(self) -> Secret: ...

    @property
    def tags(self) -> Mapping[str, str]: ...

    @property
    def expires(self) -> float | None: ...


class Vault(Protocol):
    async def get_secret(self, name: str) -> StoredSecret | None: ...

    async def version_tags(self, name: str) -> Sequence[Mapping[str, str]]: ...

    async def set_secret(
        self, name: str, value: Secret, *, tags: Mapping[str, str] | None = None, expires: float | None = None
    ) -> object: ...


# Opens the vault of an address.
OpenVault = Callable[[str], Awaitable[Vault]]


@dataclass(frozen=True, slots=True)
class Lifetime:
    """In seconds: how long a token lives, and how long before its end it is renewed. A token that nobody uses for 90
    days is revoked (learn.microsoft.com/azure/databricks/dev-tools/auth/pat)."""

    whole: float = 90 * _DAY
    margin: float = 30 * _DAY


@dataclass(frozen=True, slots=True)
class TokenState:
    """`tokens`: the actor's own with our comment; `token_id`, `expires`: what the vault says of the one it holds."""

    tokens: tuple[Json, ...]
    token_id: str
    expires: float | None
    by_service_principal: bool = True


class AccessTokenStep(WorkspaceStep[TokenState]):
    """Only the service principal itself can make a token of its own, so where a person acts it is left out, and said.

    `secret_name`: of the token in the vault. `now` gives epoch seconds.
    """

    def __init__(
        self,
        workspace: SharedWorkspace,
        open_vault: OpenVault,
        *,
        secret_name: str = "dbkstoken",  # noqa: S107  a name
        lifetime: Lifetime | None = None,
        now: Callable[[], float] = time.time,
        needs: Sequence[str] = (),
    ) -> None:
        super().__init__(
            workspace,
            "access-token",
            "access token",
            resource=f"secret {secret_name} of {workspace.environment}",
            needs=needs,
        )
        self._open_vault, self._secret_name = open_vault, secret_name
        self._lifetime, self._now = lifetime or Lifetime(), now
        self._comment = f"dbxwizard {workspace.environment}"

    async def _vault(self, inputs: Inputs) -> Vault:
        return await self._open_vault(str(inputs.get(self.workspace.infrastructure, "vault_uri")))

    async def read(self, inputs: Inputs) -> TokenState:
        vault = await self._vault(inputs)
        stored = await vault.get_secret(self._secret_name)
        token_id, expires = (stored.tags.get("token_id", ""), stored.expires) if stored else ("", None)
        if not inputs.get(self.workspace.ready, "_acts_as_service_principal"):
            return TokenState((), token_id, expires, by_service_principal=False)
        return TokenState(await self._tokens(inputs), token_id, expires)

    async def _tokens(self, inputs: Inputs) -> tuple[Json, ...]:
        client = await self.workspace.client(inputs)
        return tuple(one for one in await client.tokens() if one.get("comment") == self._comment)

    def diff(self, state: TokenState | None, inputs: Inputs) -> Change:
        assert state is not None  # noqa: S101  read gives one always
        if not state.by_service_principal:
            return Change.none()
        if not state.token_id:
            return Change.create(f"lives {self._lifetime.whole / _DAY:.0f} days", token="a new one")  # noqa: S106
        if state.token_id not in {one["token_id"] for one in state.tokens}:
            return Change.update([Reason("token", "one that the workspace does not know", "a new one")])
        if (state.expires or 0.0) - self._now() < self._lifetime.margin:
            return Change.update([Reason("expires", "soon", f"in {self._lifetime.whole / _DAY:.0f} days")])
        return Change.update([Reason("superseded token", token_id, None) for token_id in self._superseded(state)])

    def _superseded(self, state: TokenState) -> list[str]:
        return sorted(one["token_id"] for one in state.tokens if one["token_id"] != state.token_id)

    def _valid(self, state: TokenState) -> bool:
        known = state.token_id in {one["token_id"] for one in state.tokens}
        return known and (state.expires or 0.0) - self._now() >= self._lifetime.margin

    async def apply(
        self, state: TokenState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        """A token is removed only once its successor is in the vault."""
        assert state is not None  # noqa: S101  read gives one always
        client = await self.workspace.client(inputs)
        superseded = self._superseded(state) if self._valid(state) else await self._renew(state, inputs)
        for token_id in superseded:
            try:
                await client.delete_token(token_id)
            except NotFound:
                progress.info("a superseded token was gone already")
        return {}

    def writes(self, state: TokenState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """In a new workspace only where the service principal itself acts."""
        unknown, path = state is None, f"/secrets/{self._secret_name}"
        made = (
            to_workspace("POST", "/api/2.0/token/create", "makes the access token", optional=unknown),
            Request("PUT", Host.VAULT, path, "keeps it in the vault", optional=unknown),
        )
        if state is None:
            return made
        kept = state.token_id if self._valid(state) else ""
        gone = [one["token_id"] for one in state.tokens if one["token_id"] != kept]
        return (
            *(() if kept else made),
            *(to_workspace("POST", "/api/2.0/token/delete", f"removes the token {one}") for one in gone),
        )

    async def _renew(self, state: TokenState, inputs: Inputs) -> list[str]:
        """Makes a token and puts it into the vault; those that it supersedes.

        Another run may do the same meanwhile, and what the vault holds in the end stays. Of tokens that nobody knew
        before only those go that the vault has held already: one that is not in it yet may be on its way there.
        """
        client, vault = await self.workspace.client(inputs), await self._vault(inputs)
        token_id, value = await client.create_token(self._comment, int(self._lifetime.whole))
        expires = self._now() + self._lifetime.whole
        await vault.set_secret(self._secret_name, value, tags={"token_id": token_id}, expires=expires)
        once_held = {one.get("token_id", "") for one in await vault.version_tags(self._secret_name)}
        newest = await vault.get_secret(self._secret_name)  # read last: what was in the vault before is superseded
        kept = newest.tags.get("token_id", "") if newest else token_id
        mine = {one["token_id"] for one in await self._tokens(inputs)}
        if kept not in mine:
            raise Conflict("access-token-removed", "another run removed it meanwhile", resource=self.resource)
        return sorted(mine & {*once_held, *(one["token_id"] for one in state.tokens)} - {kept})

    def outputs(self, state: TokenState, inputs: Inputs) -> Mapping[str, object]:
        if state.by_service_principal or (state.expires or 0.0) > self._now():
            return {}
        return {"left_out": f"{self._secret_name}: the service principal makes it when it deploys, in GitHub Actions"}
