"""Who acts: signed in when it is first needed, anew when a person asks for it, in Azure and on GitHub."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dbxwizard.backend.views import DeviceCodeShown, GitHubIdentity, Identity
from dbxwizard.core.errors import NotSignedIn
from dbxwizard.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbxwizard.backend.answers import AnswerFile
    from dbxwizard.backend.host import Notify
    from dbxwizard.backend.launch import Launch
    from dbxwizard.clients.cloud import Cloud
    from dbxwizard.clients.github_types import TokenInfo
    from dbxwizard.clients.sources import DeviceCode
    from dbxwizard.steps.connection import Connection

NOBODY = "not-signed-in"
_BY_HAND = ("browser", "device-code")
_FIX = "Sign in on the wizard's page Sign in (key 0)."


class Session:
    """`subscription`: the one that is chosen, "" while none is."""

    def __init__(self, launch: Launch, notify: Notify, answers: AnswerFile, subscription: Callable[[], str]) -> None:
        self._launch, self._notify, self._answers, self._subscription = launch, notify, answers, subscription
        self._open = ExitStack()
        self._opening, self._connecting = asyncio.Lock(), asyncio.Lock()
        self._cloud: Cloud | None = None
        self._connections: list[Connection] = []  # the last one acts; what was begun with an earlier one ends with it
        self._github_token: Secret | None = None

    async def close(self) -> None:
        for connection in self._connections:
            await connection.close()
        await asyncio.to_thread(self._open.close)

    async def cloud(self) -> Cloud:
        async with self._opening:
            if self._cloud is None:
                self._cloud = await asyncio.to_thread(self._open.enter_context, self._launch.open_cloud())
            return self._cloud

    async def connection(self) -> Connection:
        """The signed-in connection, made when it is first needed, as far as that needs nobody's hand.

        Raises NotSignedIn `not-signed-in`: no browser opens unasked.
        """
        async with self._connecting:
            if self._connections:
                return self._connections[-1]
            if self._launch.sign_in in _BY_HAND:
                raise NotSignedIn(NOBODY, f"nobody has signed in yet ({self._launch.sign_in})", fix=_FIX)
            return await self._connect(self._launch.sign_in, self._answers.read().tenant, interactive=False)

    async def at_hand(self) -> Connection | None:
        """As `connection`; None where somebody has to sign in first."""
        try:
            return await self.connection()
        except NotSignedIn as error:
            if error.code != NOBODY:
                raise
            return None

    async def sign_in(self, method: str, tenant: str) -> Identity:
        """Anew, by `method` or as the program was told; a device code is told as the notice `device-code`.

        `tenant`: "" where it does not matter, or follows from the subscription.
        """
        return identity(await self._connect(method or self._launch.sign_in, tenant, interactive=True))

    async def _connect(self, method: str, tenant: str, *, interactive: bool) -> Connection:
        from dbxwizard.backend.signing_in import connect

        cloud = await self.cloud()
        made = await connect(
            cloud,
            self._launch.variables(cloud),
            method=method,
            tenant=tenant or self._launch.tenant(cloud),
            subscription_id=self._subscription(),
            interactive=interactive,
            prompt=self._show_code if method == "device-code" or not cloud.is_sandbox else None,
            github_token=self._github_token or await self._launch.find_github_token(cloud),
        )
        self._connections.append(made)
        return made

    def _show_code(self, code: DeviceCode) -> None:
        shown = DeviceCodeShown(code.verification_uri, code.user_code, code.expires_at.timestamp())
        self._notify("device-code", shown)

    async def approve(self, shown: DeviceCodeShown) -> None:
        """What a person does on the sandbox's page, as a person there."""
        from dbxwizard.clients.sources import approve_in_sandbox

        await asyncio.to_thread(approve_in_sandbox, await self.cloud(), shown.uri, shown.code)

    async def use_github_token(self, token: str) -> GitHubIdentity:
        """Checked at once, taken only when GitHub takes it. Raises NotSignedIn."""
        from dbxwizard.clients.github_account import GitHubAccount

        cloud = await self.cloud()
        found = Secret(token) if token else self._github_token or await self._launch.find_github_token(cloud)
        if found is None:
            raise NotSignedIn("github-token-missing", "no GitHub token was found", fix="Paste one, or `gh auth login`.")
        async with GitHubAccount(cloud, found) as account:
            info = await account.token_info()
        self._github_token = found
        for connection in self._connections:
            await connection.use_github(found)
        return _github_identity(info)


def identity(connection: Connection) -> Identity:
    who = connection.signed_in
    return Identity(who.name, who.kind, who.method, who.tenant_id)


def _github_identity(info: TokenInfo) -> GitHubIdentity:
    from dbxwizard.doctor import GITHUB_SCOPES

    lacking = () if info.scopes is None else tuple(sorted(GITHUB_SCOPES - info.scopes))
    scopes = None if info.scopes is None else tuple(sorted(info.scopes))
    return GitHubIdentity(info.login, scopes, lacking, info.expires_at)
