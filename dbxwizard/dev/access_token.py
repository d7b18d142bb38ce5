"""An access token of the developer, where somebody asks for one instead of their own sign-in.

It is in `.env` alone, which git ignores. A line above it says which it is and how long it lives, so that it is renewed
in time and the one before it is deleted.
"""

from __future__ import annotations

import platform
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dbxwizard.core.errors import NotFound
from dbxwizard.dev import dotenv
from dbxwizard.dev.changes import newline

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient

VARIABLE = "DATABRICKS_TOKEN"
DAYS = 30
_RENEWED_BEFORE = 7  # days before its end
_DAY = 86400
_MARK = re.compile(
    r"^# access token (?P<id>[0-9a-f]+), until [^\r\n]*\(dbxwizard dev setup[^\r\n]*(?:\r?\n|\Z)", re.MULTILINE
)
# What a plan has in their place.
_VALUE_TO_BE, _LINE_TO_BE = "to-be-made", "# access token to be made"


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """`make`: a new one is needed. `old`: the id of the one before, to be deleted then; "" where none is ours."""

    make: bool
    old: str = ""
    why: str = ""


def own_token(text: str) -> str:
    """The id of the token of ours that a `.env` has; "" where there is none."""
    found = _MARK.search(text)
    return found["id"] if found and VARIABLE in dotenv.values(text) else ""


async def plan_token(workspace: WorkspaceClient, text: str) -> TokenPlan:
    """For a `.env` with this text. Raises the core's errors."""
    own = own_token(text)
    if not own:
        return TokenPlan(make=True, why=f"an access token for {DAYS} days")
    there = next((one for one in await workspace.tokens() if one["token_id"] == own), None)
    if there is None:
        return TokenPlan(make=True, why="the access token is gone")
    left = float(there.get("expiry_time", -1)) / 1000 - time.time()
    if there.get("expiry_time", -1) >= 0 and left < _RENEWED_BEFORE * _DAY:
        return TokenPlan(make=True, old=own, why="the access token ends soon")
    return TokenPlan(make=False)


def planned(text: str, heading: str) -> str:
    """A `.env` as it will be with a new token."""
    text = dotenv.with_values(without_mark(text), {VARIABLE: _VALUE_TO_BE}, heading)
    begin = text.rfind("\n", 0, text.index(_VALUE_TO_BE)) + 1
    return f"{text[:begin]}{_LINE_TO_BE}{newline(text)}{text[begin:]}"


async def made(workspace: WorkspaceClient, text: str) -> str:
    """A planned `.env` with a token that is made now. Raises the core's errors."""
    token_id, value = await workspace.create_token(f"dbxwizard dev setup on {platform.node()}", DAYS * _DAY)
    until = datetime.fromtimestamp(time.time() + DAYS * _DAY, UTC).date().isoformat()
    line = f"# access token {token_id}, until {until} (dbxwizard dev setup --auth token renews it)"
    return text.replace(_LINE_TO_BE, line).replace(_VALUE_TO_BE, value.reveal())


async def delete_token(workspace: WorkspaceClient, token_id: str) -> None:
    """Also where it is gone already. Raises the core's errors."""
    try:
        await workspace.delete_token(token_id)
    except NotFound:
        return


def without_token(text: str) -> str:
    """A `.env` without the token of ours."""
    return without_mark(dotenv.without(text, VARIABLE)) if own_token(text) else text


def without_mark(text: str) -> str:
    return _MARK.sub("", text)
