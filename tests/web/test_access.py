"""Names and tokens: what is ours, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbxwizard.core.errors import UsageError
from dbxwizard.core.secret import hide
from dbxwizard.web.access import Access, Own, own_names

_LOCAL = Own(own_names("127.0.0.1", ()), 8000, tls=False)
_TEAM = Own(own_names("10.0.0.5", ("jump.contoso.com", "*.tools.contoso.com")), 443, tls=True)
_SIX = Own(own_names("::1", ()), 8000, tls=False)


@pytest.mark.parametrize(
    ("own", "host"),
    [
        (_LOCAL, "127.0.0.1:8000"),
        (_LOCAL, "localhost:8000"),
        (_LOCAL, "LocalHost:8000"),
        (_SIX, "[::1]:8000"),
        (_TEAM, "jump.contoso.com"),
        (_TEAM, "jump.contoso.com:443"),
        (_TEAM, "dbx.tools.contoso.com"),
        (_TEAM, "10.0.0.5"),
        (replace(_LOCAL, port=80), "localhost"),
    ],
)
def test_its_own_names(own: Own, host: str) -> None:
    assert own.is_host(host)
    assert own.is_origin(f"{'https' if own.tls else 'http'}://{host}")
    assert not own.is_origin(f"{'http' if own.tls else 'https'}://{host}")


@pytest.mark.parametrize(
    ("own", "host"),
    [
        (_LOCAL, ""),
        (_LOCAL, "127.0.0.1"),
        (_LOCAL, "127.0.0.1:8001"),
        (_LOCAL, "127.0.0.1:8000:8000"),
        (_LOCAL, "127.0.0.1:８０００"),
        (_LOCAL, "127.0.0.1:8000/"),
        (_LOCAL, "evil@127.0.0.1:8000"),
        (_LOCAL, "127.0.0.1.evil.com:8000"),
        (_LOCAL, "evil.com:8000"),
        (_LOCAL, " 127.0.0.1:8000"),
        (_LOCAL, "[::1]:8000"),
        (_TEAM, "tools.contoso.com"),
        (_TEAM, "a.b.tools.contoso.com"),
        (_TEAM, "contoso.com"),
        (_TEAM, "10.0.0.6"),
        (_TEAM, "127.0.0.1"),
        (_TEAM, "*.tools.contoso.com"),
    ],
)
def test_other_names(own: Own, host: str) -> None:
    assert not own.is_host(host)
    assert not own.is_origin(f"{'https' if own.tls else 'http'}://{host}")


@pytest.mark.parametrize("origin", ["", "null", "127.0.0.1:8000", "file://", "http:/127.0.0.1:8000"])
def test_origins_that_are_none(origin: str) -> None:
    assert not _LOCAL.is_origin(origin)


def test_the_address_has_the_name_of_the_certificate() -> None:
    assert _TEAM.address("/") == "https://jump.contoso.com:443/"
    assert own_names("0.0.0.0", ("a.contoso.com",)) == ("a.contoso.com",)
    assert (
        Own(own_names("0.0.0.0", ("*.contoso.com", "b.contoso.com")), 1, True).address("") == "https://b.contoso.com:1"
    )


@pytest.mark.parametrize("certified", [(), ("*.contoso.com",)])
def test_a_server_that_has_no_name(certified: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="tls-cert"):
        own_names("0.0.0.0", certified)


def test_a_token_lets_one_browser_in_once() -> None:
    access = Access()
    token, other = access.new_token().reveal(), access.new_token().reveal()
    browser = access.redeem(token)
    assert browser
    assert access.redeem(token) is None
    assert access.admits(browser.place, browser.cookie.reveal())
    second = access.redeem(other)
    assert second
    assert not access.admits(second.place, browser.cookie.reveal())
    assert not access.admits(browser.place, "")
    assert not access.admits("", browser.cookie.reveal())
    assert access.redeem("") is None
    assert access.redeem(browser.cookie.reveal()) is None


def test_no_token_and_no_cookie_is_kept() -> None:
    access = Access()
    token = access.new_token().reveal()
    browser = access.redeem(access.new_token().reveal())
    assert browser
    kept = repr(vars(access))
    assert token not in kept
    assert browser.cookie.reveal() not in kept
    assert hide(f"GET /?token={token}, dbxwizard={browser.cookie.reveal()}") == "GET /?token=***, dbxwizard=***"
