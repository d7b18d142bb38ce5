"""Tokens between the credential and the clients."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from dbxwizard.clients.credentials import AsyncCredential, CachedCredential, claims_of
from dbxwizard.core.errors import NotSignedIn


class Source:
    """Gives numbered tokens that live for `lifetime` seconds."""

    def __init__(self, lifetime: float = 3600.0) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.closed = 0
        self._lifetime = lifetime

    def get_token(self, *scopes: str, **_kwargs: Any) -> AccessToken:
        self.asked.append(scopes)
        return AccessToken(f"token-{len(self.asked)}", int(time.time() + self._lifetime))

    def close(self) -> None:
        self.closed += 1


def test_a_token_serves_its_scope_until_shortly_before_it_expires() -> None:
    long, short = Source(), Source(lifetime=200)
    assert [CachedCredential(long).get_token("a").token] == ["token-1"]
    for source, wanted in ((long, 1), (short, 2)):
        source.asked.clear()
        credential = CachedCredential(source)
        credential.get_token("a")
        credential.get_token_info("a")
        assert len(source.asked) == wanted
    credential.get_token("b")
    assert short.asked[-1] == ("b",)


def test_claims_that_a_service_asks_for_bring_a_new_token() -> None:
    source = Source()
    credential = CachedCredential(source)
    credential.get_token("a")
    assert credential.get_token("a", claims="{}").token == "token-2"
    assert credential.get_token("a").token == "token-2"


def test_threads_that_ask_at_once_get_one_token() -> None:
    source, together = Source(), Barrier(8)
    credential = CachedCredential(source)

    def ask(_number: int) -> str:
        together.wait()
        return credential.get_token("a").token

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"token-1"}


async def test_the_asynchronous_clients_share_it() -> None:
    source = Source()
    shared = CachedCredential(source)
    first, second = AsyncCredential(shared), AsyncCredential(shared)
    tokens = await asyncio.gather(first.get_token("a"), second.get_token("a", tenant_id="other", enable_cae=True))
    assert {token.token for token in tokens} == {"token-1"}
    assert (await first.get_token_info("a")).token == "token-1"
    async with second:
        pass
    assert source.closed == 0
    shared.close()
    assert source.closed == 1


async def test_errors_of_the_credential_are_the_cores() -> None:
    class Refused(Source):
        def get_token(self, *scopes: str, **_kwargs: Any) -> AccessToken:
            raise ClientAuthenticationError("Authentication failed: AADSTS7000222: the secret is expired")

    with pytest.raises(NotSignedIn) as caught:
        await AsyncCredential(Refused()).get_token("a")
    assert caught.value.code == "AADSTS7000222"


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "a.bnVsbA.c", "a.!!!.c", "a.W10.c"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(NotSignedIn) as caught:
        claims_of(token)
    assert caught.value.code == "token-unreadable"


def test_the_claims_of_a_token() -> None:
    part = base64.urlsafe_b64encode(json.dumps({"upn": "ada"}).encode()).decode().rstrip("=")
    assert claims_of(f"x.{part}.y") == {"upn": "ada"}
