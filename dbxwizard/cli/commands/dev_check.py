"""`dbxwizard dev check`: whether code on this machine runs on the environment's cluster, and is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

from dbxwizard.cli.check_table import check_table
from dbxwizard.cli.developing import agreed, telling
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import opened
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import UsageError
from dbxwizard.core.result import EnvironmentResult, Status
from dbxwizard.deployed import Deployed
from dbxwizard.dev.checking import Check, Request, State, examine, exit_code
from dbxwizard.parameters import Environment

_SIGN = {State.OK: "ok", State.FAILED: "FAILED", State.SKIPPED: "skipped"}


def run(invocation: Invocation, environment: Environment) -> Report:
    """Exit code 0 where nothing failed, 3 where only rights or a sign-in are missing, else 1.

    Raises the core's errors.
    """
    if len(invocation.words) > 1:
        raise UsageError("usage", f"dev check takes no words: {' '.join(invocation.words[1:])}")
    if invocation.flag("watch"):
        raise UsageError("usage", "dev check takes no --watch", resource="--watch", fix="dev push and dev sync do")
    checks = asyncio.run(_examine(invocation, environment))
    code = exit_code(checks)
    status = Status.ERROR if code else Status.SUCCESS
    return Report(
        invocation.command,
        invocation.run_id,
        status,
        (EnvironmentResult(environment.name, status),),
        text=tuple(_table(checks)),
        extra={"checks": [check.to_json() for check in checks]},
        code=code,
    )


async def _examine(invocation: Invocation, environment: Environment) -> list[Check]:
    async def may_start(cluster: str) -> bool:
        return await asyncio.to_thread(_may_start, invocation, cluster)

    ended: dict[str, Check] = {}
    request = Request(
        invocation.root, invocation.environ, may_start, invocation.text("cluster"), at_a_browser=invocation.interactive
    )
    async with opened(invocation, subscription_id=environment.subscription_id) as connection:
        with telling(invocation) as tell:
            async with aclosing(examine(request, Deployed(environment, connection), SystemClock())) as checks:
                async for check in checks:
                    tell(f"{check.name}: {check.state}")
                    if check.state is not State.RUNNING:
                        ended[check.name] = check
    return list(ended.values())


def _may_start(invocation: Invocation, cluster: str) -> bool:
    """A check starts nothing that costs unless somebody says so."""
    can_be_asked = invocation.interactive or invocation.flag("yes")
    return can_be_asked and agreed(invocation, f"cluster {cluster} is TERMINATED. Start it? It costs while it runs.")


def _table(checks: Sequence[Check]) -> list[str]:
    return check_table((_SIGN[one.state], one.name, one.found, one.fix) for one in checks)
