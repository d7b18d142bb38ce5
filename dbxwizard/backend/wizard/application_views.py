"""The service principals and their applications as pages show them: loads no steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Made = Literal["for this", "for another repository", "by somebody else"]
Standing = Literal["exists", "will be made", "adopted", "name taken", "ambiguous", "not found"]


@dataclass(frozen=True, slots=True)
class TradeOff:
    """One way to decide `decision` (rights, isolation, auth, github-environments …), in a sentence."""

    decision: str
    value: str
    title: str
    words: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class ExistingApplication:
    """`owners`: names of people, empty where there are none. `created` as 2026-09-01. `made`: by our tag.

    `adopt`: the value of `--adopt` that takes it over.
    """

    name: str
    client_id: str
    object_id: str
    owners: tuple[str, ...]
    created: str
    made: Made
    adopt: str


@dataclass(frozen=True, slots=True)
class ServicePrincipalView:
    """`application`: the one that is used, None while there is none. `others` have the same name, or the same tag.

    Standing: `name taken` and `ambiguous` keep setup from going on until one of `others` is adopted, or another name
    is chosen; `not found`: nothing has the id to adopt.
    """

    key: str
    title: str
    purpose: str
    environments: tuple[str, ...]
    name: str
    standing: Standing
    application: ExistingApplication | None
    others: tuple[ExistingApplication, ...]


@dataclass(frozen=True, slots=True)
class ApplicationsView:
    principals: tuple[ServicePrincipalView, ...]
    trade_offs: tuple[TradeOff, ...]
