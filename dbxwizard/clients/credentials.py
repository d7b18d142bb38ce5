"""Tokens for the clients: fetched once for each scope, used until shortly before they expire.

Nothing is kept on disk.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import defaultdict
from threading import Lock
from types import TracebackType
from typing import Any, Self

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential, TokenRequestOptions

from dbxwizard.clients.errors import translated
from dbxwizard.core.errors import NotSignedIn

_MARGIN = 300  # seconds before its expiry from which a token is fetched anew


class CachedCredential:
    """A credential of azure-identity behind a cache; any thread may ask. Raises the core's errors.

    Tokens are always those of the tenant that was signed in to: a service's challenge does not choose another one.
    """

    def __init__(self, inner: TokenCredential) -> None:
        self._inner = inner
        self._tokens: dict[tuple[str, ...], AccessToken] = {}
        self._locks: defaultdict[tuple[str, ...], Lock] = defaultdict(Lock)

    def cached(self, *scopes: str) -> AccessToken | None:
        """The token that is there already, None when one has to be fetched."""
        found = self._tokens.get(scopes)
        return found if found is not None and found.expires_on - _MARGIN > time.time() else None

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """`claims`: what a service asks for after it revoked a token; the cached one is then not used."""
        with self._locks[scopes]:
            found = None if claims else self.cached(*scopes)
            if found is None:
                with translated("sign-in"):
                    found = self._inner.get_token(*scopes, claims=claims)
                self._tokens[scopes] = found
            return found

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        token = self.get_token(*scopes, claims=(options or {}).get("claims"))
        return AccessTokenInfo(token.token, token.expires_on)

    def close(self) -> None:
        close = getattr(self._inner, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncCredential:
    """A synchronous credential for the asynchronous clients; a fetch runs in a thread. Closing leaves it open."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential if isinstance(credential, CachedCredential) else CachedCredential(credential)

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        found = None if claims else self._credential.cached(*scopes)
        if found is not None:
            return found
        return await asyncio.to_thread(self._credential.get_token, *scopes, claims=claims)

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        token = await self.get_token(*scopes, claims=(options or {}).get("claims"))
        return AccessTokenInfo(token.token, token.expires_on)

    async def close(self) -> None:
        """The credential is shared, so nothing is closed here."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified: they are shown and compared, never trusted. Raises NotSignedIn for no JWT."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError) as error:
        raise NotSignedIn("token-unreadable", "the access token is no JWT") from error
    if not isinstance(claims, dict):
        raise NotSignedIn("token-unreadable", "the access token is no JWT")
    return claims
