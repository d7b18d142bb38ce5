"""`dbxwizard doctor`: who you are, what you may, what is missing and how to mend it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from dbxwizard import doctor
from dbxwizard.cli import files
from dbxwizard.cli.check_table import check_table
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import opened
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import OperationError
from dbxwizard.core.result import Status
from dbxwizard.core.retry import RetryPolicy, patiently
from dbxwizard.doctor import Check, Verdict
from dbxwizard.parameters import Environment
from dbxwizard.steps.identity.principals import repository_of

_SIGN = {Verdict.OK: "ok", Verdict.WARNING: "!", Verdict.MISSING: "MISSING", Verdict.UNKNOWN: "?"}


def run(invocation: Invocation) -> Report:
    """Exit code 3 when a right is missing, else 0."""
    drafts = files.readable(invocation)
    subscription = invocation.text("subscription") or _filled(drafts)
    if not subscription:
        invocation.require("subscription")
    repository = invocation.text("repo") or next((name for name in map(repository_of, drafts) if name), "")
    ready = [one for one in drafts if one.subscription_id]
    if invocation.text("prove_sign_in"):
        checks = asyncio.run(_prove(invocation, subscription))
    else:
        checks = asyncio.run(_examine(invocation, subscription, repository, ready))
    missing = any(check.verdict is Verdict.MISSING for check in checks)
    return Report(
        "doctor",
        invocation.run_id,
        Status.ERROR if missing else Status.SUCCESS,
        text=tuple(_table(checks)),
        extra={"checks": [check.to_json() for check in checks]},
        code=doctor.NOT_ALLOWED if missing else 0,
    )


def _filled(drafts: Sequence[Environment]) -> str:
    return next((draft.subscription_id for draft in drafts if draft.subscription_id), "")


async def _examine(
    invocation: Invocation, subscription: str, repository: str, ready: Sequence[Environment]
) -> list[Check]:
    async with opened(invocation, subscription_id=subscription) as connection:
        return await doctor.examine(
            connection,
            subscription,
            repository,
            ready,
            github_environments=not invocation.flag("no_github_environments"),
        )


async def _prove(invocation: Invocation, subscription: str) -> list[Check]:
    """Signs in and looks at the subscription, again for as long as trust and rights may still be spreading."""
    clock = SystemClock()
    policy = RetryPolicy(not_yet_window=float(invocation.text("prove_sign_in")))
    began = clock.now()

    async def once() -> list[Check]:
        async with opened(invocation, subscription_id=subscription) as connection:
            return await doctor.examine_sign_in(connection, subscription)

    def again(error: OperationError, delay: float, _attempt: int) -> None:
        print(f"again in {delay:.0f} s: {error.code}: {error.message}", file=sys.stderr, flush=True)

    return await patiently(once, policy=policy, clock=clock, fresh=lambda: began, retried=again)


def _table(checks: Sequence[Check]) -> list[str]:
    return check_table((_SIGN[one.verdict], one.name, one.detail, one.fix) for one in checks)
