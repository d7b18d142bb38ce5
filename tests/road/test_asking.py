"""On a terminal setup asks for the token of a private repository."""

from __future__ import annotations

import getpass
from collections.abc import Callable

import pytest

from dbxwizard.cli.commands import setup
from dbxwizard.core.secret import Secret


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Lets somebody at the terminal type a text; gives back what they were asked."""

    def typed(text: str) -> list[str]:
        asked: list[str] = []

        def read(question: str, _stream: object) -> str:
            asked.append(question)
            return text

        monkeypatch.setattr(getpass, "getpass", read)
        return asked

    return typed


async def test_what_is_typed_is_a_secret(answer: Callable[[str], list[str]]) -> None:
    asked = answer(" github_pat_typed \n")
    given = await setup._ask_git_token("contoso/databricks")
    assert given == Secret("github_pat_typed")
    assert "contoso/databricks" in asked[0]
    assert "PAT_GITHUB" in asked[0]


async def test_nothing_typed_is_no_token(answer: Callable[[str], list[str]]) -> None:
    answer("")
    assert await setup._ask_git_token("contoso/databricks") is None
