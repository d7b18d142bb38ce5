"""What there is to choose from: tenants, subscriptions and repositories, each with what decides whether it will do."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dbxwizard.core.errors import Forbidden, NotYet

if TYPE_CHECKING:
    from dbxwizard.steps.connection import Connection

_AT_ONCE = 8  # requests for roles under way


@dataclass(frozen=True, slots=True)
class TenantChoice:
    id: str
    name: str
    domain: str
    current: bool

    @property
    def search(self) -> str:
        return f"{self.name} {self.domain} {self.id}".casefold()


@dataclass(frozen=True, slots=True)
class SubscriptionChoice:
    """`state`: Enabled, Warned, PastDue, Disabled or Deleted; only the first takes deployments for certain."""

    id: str
    name: str
    state: str
    tenant_id: str

    @property
    def usable(self) -> bool:
        return self.state in ("Enabled", "")

    @property
    def search(self) -> str:
        return f"{self.name} {self.id} {self.state}".casefold()


@dataclass(frozen=True, slots=True)
class SubscriptionRoles:
    """The caller's roles at the subscription and above it, by groups too. `known` is False where they may not look."""

    subscription_id: str
    roles: tuple[str, ...]
    known: bool = True


@dataclass(frozen=True, slots=True)
class RepositoryChoice:
    """`pushed`: the day of the last push, as 2026-09-01. One that is archived takes nothing."""

    full_name: str
    private: bool
    may_administer: bool
    archived: bool
    description: str
    pushed: str

    @property
    def usable(self) -> bool:
        return self.may_administer and not self.archived

    @property
    def search(self) -> str:
        return f"{self.full_name} {self.description}".casefold()


@dataclass(frozen=True, slots=True)
class RepositoryDetail:
    """`plan`: of its owner, "" where the token may not see it. `environments`: whether GitHub has them for it."""

    full_name: str
    private: bool
    may_administer: bool
    empty: bool
    default_branch: str
    plan: str
    environments: Literal["yes", "no", "not visible"]
    url: str


async def tenants(connection: Connection) -> tuple[TenantChoice, ...]:
    """Those that the person belongs to; another one than the current needs to be signed in to."""
    found = await connection.subscriptions().tenants()
    current = connection.signed_in.tenant_id
    made = (
        TenantChoice(
            str(one["tenantId"]),
            str(one.get("displayName") or one.get("defaultDomain") or one["tenantId"]),
            str(one.get("defaultDomain") or ""),
            current=str(one["tenantId"]).lower() == current.lower(),
        )
        for one in found
    )
    return tuple(sorted(made, key=lambda one: (not one.current, one.name.casefold())))


async def subscriptions(connection: Connection) -> tuple[SubscriptionChoice, ...]:
    """Those of the tenant in which the person has any role; those that take deployments first."""
    found = await connection.subscriptions().subscriptions()
    made = (
        SubscriptionChoice(
            str(one["subscriptionId"]),
            str(one.get("displayName") or ""),
            str(one.get("state") or ""),
            str(one.get("tenantId") or ""),
        )
        for one in found
    )
    return tuple(sorted(made, key=lambda one: (not one.usable, one.name.casefold(), one.id)))


async def subscription_roles(
    connection: Connection, subscription_ids: Collection[str]
) -> tuple[SubscriptionRoles, ...]:
    """What the caller may do in each of them; a request or two for each, so ask for those that are in sight."""
    few = asyncio.Semaphore(_AT_ONCE)

    async def roles(subscription_id: str) -> SubscriptionRoles:
        async with few:
            return await _roles(connection, subscription_id)

    return tuple(await asyncio.gather(*map(roles, subscription_ids)))


async def _roles(connection: Connection, subscription_id: str) -> SubscriptionRoles:
    from dbxwizard.steps.azure.role_assignments import BUILT_IN_ROLES

    client, scope = connection.authorization(subscription_id), f"/subscriptions/{subscription_id}"
    known = {guid: name for name, guid in BUILT_IN_ROLES.items()}
    try:
        held = await client.assignments_of(scope, connection.signed_in.object_id)
        names = [known.get(one.role) or await client.role_name(scope, one.role) for one in held]
    except (Forbidden, NotYet):
        return SubscriptionRoles(subscription_id, (), known=False)
    return SubscriptionRoles(subscription_id, tuple(sorted(set(names), key=_by_power)))


def _by_power(role: str) -> tuple[int, str]:
    """What gives most comes first."""
    mighty = ("Owner", "User Access Administrator", "Role Based Access Control Administrator", "Contributor")
    return (mighty.index(role) if role in mighty else len(mighty), role)


async def repositories(connection: Connection) -> tuple[RepositoryChoice, ...]:
    """Those that setup can use first, in each case the one that was pushed to last. NotSignedIn without a token."""
    found = await connection.github_account().repositories()
    made = [
        RepositoryChoice(
            one.full_name, one.private, one.may_administer, one.archived, one.description, one.pushed_at[:10]
        )
        for one in found
    ]
    return tuple(_usable_first(sorted(made, key=lambda one: (one.pushed, one.full_name.casefold()), reverse=True)))


def _usable_first(choices: Iterable[RepositoryChoice]) -> list[RepositoryChoice]:
    return sorted(choices, key=lambda one: not one.usable)


async def repository(connection: Connection, full_name: str) -> RepositoryDetail:
    """What the list does not say. NotFound also where the token does not reach it; UsageError for no OWNER/NAME."""
    client = connection.github(full_name)
    found = await client.repository()  # first: it alone says that there is none
    empty, plan = await asyncio.gather(client.is_empty(), client.plan())
    return RepositoryDetail(
        found.full_name,
        found.private,
        found.may_administer,
        empty,
        found.default_branch,
        plan,
        _environments(plan, private=found.private),
        found.html_url,
    )


def _environments(plan: str, *, private: bool) -> Literal["yes", "no", "not visible"]:
    """docs.github.com/actions/reference/environments: private repositories have none on Free."""
    if not private:
        return "yes"
    return "no" if plan == "free" else "yes" if plan else "not visible"
