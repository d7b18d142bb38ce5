"""`dbxwizard plan`: what setup and deploy would change, and why; writes nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from dbxwizard.cli import execution, files
from dbxwizard.cli.commands import deploy, setup
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import opened
from dbxwizard.core.plan import Step
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.deploy_plan import deploy_steps
from dbxwizard.steps.setup_plan import setup_steps


def run(invocation: Invocation) -> Report:
    scope = invocation.text("scope")
    subscription = _subscription(invocation, scope)
    return asyncio.run(_plan(invocation, scope, subscription))


def _subscription(invocation: Invocation, scope: str) -> str:
    """Checks what can be checked before anybody is asked to sign in."""
    if scope == "setup":
        return setup.options(invocation).subscription_id
    if scope == "all":
        setup.options(invocation)
    return files.environments(invocation)[0].subscription_id


async def _plan(invocation: Invocation, scope: str, subscription: str) -> Report:
    async with opened(invocation, subscription_id=subscription) as connection:
        steps = await _steps(invocation, scope, connection)
        actor = f"{connection.signed_in.name} ({connection.signed_in.kind})"
        return await execution.plan_only(invocation, steps, actor)


async def _steps(invocation: Invocation, scope: str, connection: Connection) -> list[Step[Any]]:
    steps: list[Step[Any]] = []
    if scope in ("setup", "all"):
        steps += await setup_steps(setup.options(invocation), files.drafts(invocation), connection)
    if scope in ("deploy", "all"):
        steps += await deploy_steps(deploy.options(invocation), files.environments(invocation), connection)
    return steps
