"""Who you are, what you may, what is missing and how to mend it. Reads only."""

from __future__ import annotations

import calendar
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dbxwizard.core.advice import advise
from dbxwizard.core.errors import OperationError
from dbxwizard.deployed import Deployed
from dbxwizard.inventory import cores_of

if TYPE_CHECKING:
    from dbxwizard.clients.authorization import Permission
    from dbxwizard.parameters.model import Environment
    from dbxwizard.steps.connection import Connection

_SOON = 30 * 86400.0  # seconds before its end from which a credential counts as expiring
# Actions at the subscription, and what each is for.
SETUP_RIGHTS = {
    "Microsoft.Authorization/roleDefinitions/write": "make the custom role",
    "Microsoft.Authorization/roleAssignments/write": "give roles to the service principals",
}
DEPLOY_RIGHTS = {
    "Microsoft.Resources/deployments/write": "deploy the template",
    "Microsoft.Resources/deployments/whatIf/action": "preview a deployment",
    "Microsoft.Resources/subscriptions/resourceGroups/write": "make the resource groups",
    "Microsoft.Databricks/workspaces/write": "make the workspaces",
    "Microsoft.KeyVault/vaults/write": "make the Key Vaults",
    "Microsoft.Storage/storageAccounts/write": "make the data lakes",
    "Microsoft.OperationalInsights/workspaces/write": "make the Log Analytics workspaces",
    "Microsoft.Insights/components/write": "make Application Insights",
    "Microsoft.Databricks/register/action": "register resource providers",
}
_NEEDED = ("subscription", "rights", "resource providers", "GitHub")  # parts that setup and deploy read too
NOT_ALLOWED = 3  # the exit code of what is refused to who acts
GITHUB_SCOPES = frozenset({"repo", "workflow"})


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """`fix` says what to do; "" where there is nothing to do. It was made with its `part`, `at` epoch seconds."""

    name: str
    verdict: Verdict
    detail: str
    fix: str = ""
    part: str = ""
    at: float = 0.0

    def to_json(self) -> dict[str, object]:
        return {"name": self.name, "verdict": self.verdict, "detail": self.detail, "fix": self.fix}


async def examine(
    connection: Connection,
    subscription_id: str,
    repository: str,
    environments: Sequence[Environment],
    *,
    github_environments: bool = True,
    only: str = "",
) -> list[Check]:
    """Every check, or those of the part `only`; one that can't be made is a check with the verdict unknown, or missing
    where a right lacks that setup or deploy needs as well.

    `github_environments`: False where somebody accepted to do without them.
    """
    parts: list[tuple[str, Callable[[], Awaitable[list[Check]]]]] = [
        ("Azure sign-in", lambda: _identity(connection)),
        ("subscription", lambda: _subscription(connection, subscription_id)),
        ("rights", lambda: _rights(connection, subscription_id)),
        ("resource providers", lambda: _providers(connection, subscription_id)),
        ("directory", lambda: _directory(connection)),
    ]
    if repository:
        parts.append(("GitHub", lambda: _github(connection, repository, github_environments)))
        parts.append(("client secrets", lambda: _client_secrets(connection, repository)))
    if environments:
        parts.append(("names", lambda: _names(connection, environments)))
        parts.append(("quotas", lambda: _quotas(connection, subscription_id, environments)))
    return [check for name, part in parts if only in ("", name) for check in await _guarded(name, part)]


async def examine_sign_in(connection: Connection, subscription_id: str) -> list[Check]:
    """That who signed in may see the subscription. Raises the core's errors: a proof is no opinion."""
    return [*await _identity(connection), *await _subscription(connection, subscription_id)]


async def _guarded(name: str, part: Callable[[], Awaitable[list[Check]]]) -> list[Check]:
    try:
        found = await part()
    except OperationError as error:
        refused = error.exit_code == NOT_ALLOWED and name in _NEEDED
        verdict = Verdict.MISSING if refused else Verdict.UNKNOWN
        found = [Check(name, verdict, f"{error.code}: {error.message}", advise(error))]
    return [replace(one, part=name, at=time.time()) for one in found]


async def _identity(connection: Connection) -> list[Check]:
    who = connection.signed_in
    return [Check("Azure sign-in", Verdict.OK, f"{who.name} ({who.kind}, {who.method}) in tenant {who.tenant_id}")]


async def _subscription(connection: Connection, subscription_id: str) -> list[Check]:
    found = await connection.arm(subscription_id).subscription()
    state = str(found.get("state", ""))
    fine = state in ("Enabled", "")
    fix = "" if fine else "A subscription that is not enabled takes no deployments."
    return [Check("subscription", Verdict.OK if fine else Verdict.WARNING, f"{found['displayName']} ({state})", fix)]


async def _rights(connection: Connection, subscription_id: str) -> list[Check]:
    scope = f"/subscriptions/{subscription_id}"
    permissions = await connection.authorization(subscription_id).permissions(scope)
    return [
        *_missing_rights("rights for setup", permissions, SETUP_RIGHTS),
        *_missing_rights("rights for deploy", permissions, DEPLOY_RIGHTS),
    ]


def _missing_rights(name: str, permissions: Iterable[Permission], wanted: dict[str, str]) -> list[Check]:
    from dbxwizard.clients.authorization import allowed

    held = tuple(permissions)
    lacking = [f"{action} ({why})" for action, why in wanted.items() if not allowed(held, action)]
    if not lacking:
        return [Check(name, Verdict.OK, f"all {len(wanted)} at the subscription")]
    fix = "Ask an owner of the subscription for Owner, or for Contributor and User Access Administrator."
    return [Check(name, Verdict.MISSING, ", ".join(lacking), fix)]


async def _providers(connection: Connection, subscription_id: str) -> list[Check]:
    from dbxwizard.steps.azure.providers import REQUIRED

    states = await connection.arm(subscription_id).providers()
    waiting = [name for name in REQUIRED if states.get(name) != "Registered"]
    if not waiting:
        return [Check("resource providers", Verdict.OK, "all registered")]
    return [
        Check("resource providers", Verdict.WARNING, f"not registered: {', '.join(waiting)}", "setup registers them.")
    ]


async def _directory(connection: Connection) -> list[Check]:
    if connection.signed_in.kind != "user":
        return [Check("directory", Verdict.UNKNOWN, "a service principal can't see it; setup needs a person")]
    if await connection.graph().may_register_applications():
        return [Check("directory", Verdict.OK, "you may register applications")]
    fix = "Ask for the role Application Developer, or let an administrator make the applications, and use --adopt."
    return [Check("directory", Verdict.MISSING, "this tenant lets only administrators register applications", fix)]


async def _github(connection: Connection, repository: str, github_environments: bool) -> list[Check]:
    client = connection.github(repository)
    token, found, plan = await client.token_info(), await client.repository(), await client.plan()
    checks = [_token_scopes(token.login, token.scopes), *_expiry(token.expires_at)]
    admin = Verdict.OK if found.may_administer else Verdict.MISSING
    fix = "" if found.may_administer else "Setup writes environments and variables: ask for the role admin."
    visibility = "private" if found.private else "public"
    checks.append(Check("repository", admin, f"{found.full_name} ({visibility})", fix))
    return [*checks, _plan_tier(plan, private=found.private, environments=github_environments)]


def _token_scopes(login: str, scopes: frozenset[str] | None) -> Check:
    if scopes is None:
        told = "fine-grained: GitHub does not say what it may; a plan of setup names what it may not read"
        return Check("GitHub token", Verdict.OK, f"{login}, {told}")
    lacking = GITHUB_SCOPES - scopes
    if not lacking:
        return Check("GitHub token", Verdict.OK, f"{login}, scopes {', '.join(sorted(scopes))}")
    fix = f"Make a token with {', '.join(sorted(GITHUB_SCOPES))}; or `gh auth refresh -s {','.join(sorted(lacking))}`."
    return Check("GitHub token", Verdict.MISSING, f"{login}: the token lacks {', '.join(sorted(lacking))}", fix)


def _expiry(expires_at: str) -> list[Check]:
    """GitHub says it as `2026-12-01 10:00:00 UTC`, or not at all."""
    try:
        ends = calendar.timegm(time.strptime(expires_at.removesuffix(" UTC"), "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        return []
    if ends - time.time() > _SOON:
        return []
    return [Check("GitHub token", Verdict.WARNING, f"expires at {expires_at}", "Make a new one in time.")]


def _plan_tier(plan: str, *, private: bool, environments: bool) -> Check:
    """docs.github.com/actions/reference/environments: what private repositories have on which plan."""
    from dbxwizard.steps.github.environments import NO_APPROVAL, NO_ENVIRONMENTS

    if not environments:
        detail = "no environments, as accepted: variables of the repository, trust in its branches, no reviewers"
        return Check("GitHub plan", Verdict.WARNING, f"{plan or 'not visible'}: {detail}")
    if not private or plan == "enterprise":
        return Check("GitHub plan", Verdict.OK, plan or "environments are there for public repositories")
    if plan == "free":
        detail = "private repositories on Free have no environments and no rulesets"
        return Check("GitHub plan", Verdict.MISSING, detail, NO_ENVIRONMENTS)
    if not plan:
        detail = "not visible: on Free a private repository has no environments, on Pro and Team no required reviewers"
        return Check("GitHub plan", Verdict.WARNING, detail, f"If it is Free: {NO_ENVIRONMENTS}")
    detail = f"{plan}: required reviewers and wait timers need Enterprise for private repositories"
    return Check("GitHub plan", Verdict.WARNING, detail, NO_APPROVAL)


async def expiring(connection: Connection, repository: str) -> list[Check]:
    """What ends within 30 days, or has ended: the GitHub token and client secrets. Raises the core's errors."""
    checks = []
    if connection.has_github:
        checks += _expiry((await connection.github(repository).token_info()).expires_at)
    checks += await _client_secrets(connection, repository)
    return [check for check in checks if check.verdict is not Verdict.OK]


async def _client_secrets(connection: Connection, repository: str) -> list[Check]:
    """Only --auth secret has them; a federated credential does not expire."""
    from dbxwizard.steps.identity.applications import OWN_TAG, own_tags

    if connection.signed_in.kind != "user":
        return []
    ours = own_tags(repository, "")[1]
    ending = [
        _ending(tag.removeprefix(ours), application)
        for application in await connection.graph().applications_tagged(OWN_TAG)
        for tag in application.get("tags", ())
        if tag.startswith(ours)
    ]
    told = sorted(one for one in ending if one)
    if not told:
        return [Check("client secrets", Verdict.OK, "none expires within 30 days")]
    return [Check("client secrets", Verdict.WARNING, ", ".join(told), "Run `dbxwizard setup --auth secret` again.")]


def _ending(key: str, application: Mapping[str, Any]) -> str:
    """When the last client secret of the application ends, where that is soon; "" otherwise."""
    from dbxwizard.clients.graph import epoch

    held = application.get("passwordCredentials") or []
    last = max((epoch(one["endDateTime"]) for one in held), default=None)
    if last is None or last - time.time() > _SOON:
        return ""
    return f"{key} until {time.strftime('%Y-%m-%d', time.gmtime(last))}"


async def _quotas(connection: Connection, subscription_id: str, environments: Sequence[Environment]) -> list[Check]:
    """All clusters of the files at their largest, against the cores that the subscription may still use."""
    wanted: Counter[str] = Counter()
    for environment in environments:
        wanted[environment.location] += sum(_most_cores(cluster.settings) for cluster in environment.clusters)
    checks = []
    for location, cores in wanted.items():
        used, limit = await connection.arm(subscription_id).cores(location)
        detail = f"{location}: the clusters need up to {cores} cores, {limit - used} of {limit} are free"
        enough = cores <= limit - used
        fix = "" if enough else "Ask for more vCPUs (portal: Quotas), or make the clusters smaller."
        checks.append(Check("quotas", Verdict.OK if enough else Verdict.WARNING, detail, fix))
    return checks


def _most_cores(settings: Mapping[str, Any]) -> int:
    """The driver and as many workers as there may be."""
    workers = (settings.get("autoscale") or {}).get("max_workers", settings.get("num_workers", 0))
    return cores_of(settings, int(workers))


async def _names(connection: Connection, environments: Sequence[Environment]) -> list[Check]:
    """Names that a soft-deleted vault holds: deploy recovers it, which takes its old secrets back too."""
    held = []
    for environment in environments:
        vault = Deployed(environment, connection).expected_of("Microsoft.KeyVault/vaults")
        arm = connection.arm(environment.subscription_id)
        if await arm.get_deleted_vault(environment.location, vault.name):
            held.append(f"{vault.name} ({environment.name})")
    if not held:
        return [Check("names", Verdict.OK, "no soft-deleted Key Vault holds a name")]
    return [Check("names", Verdict.WARNING, f"soft-deleted: {', '.join(held)}", "deploy recovers them.")]
