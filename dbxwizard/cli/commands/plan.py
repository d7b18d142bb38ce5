"""`dbxwizard plan`: what setup and deploy would change, and why; writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from dbxwizard.cli import execution, files, plan_told
from dbxwizard.cli.commands import deploy, setup
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import opened
from dbxwizard.core.errors import OperationError, each_error
from dbxwizard.core.plan import Plan, Step
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.deploy_plan import deploy_steps
from dbxwizard.steps.pending import AfterSetup, LeftToPerson
from dbxwizard.steps.setup_plan import setup_steps

# What is wrong only until setup has run.
_BEFORE_SETUP = ("placeholder", "identity-unresolved", "service-principal-missing")


def run(invocation: Invocation) -> Report:
    scope = invocation.text("scope")
    subscription = _subscription(invocation, scope)
    return asyncio.run(_plan(invocation, scope, subscription))


def _subscription(invocation: Invocation, scope: str) -> str:
    """Checks what can be checked before anybody is asked to sign in."""
    if scope == "deploy":
        return files.environments(invocation)[0].subscription_id
    return setup.options(invocation).subscription_id


async def _plan(invocation: Invocation, scope: str, subscription: str) -> Report:
    async with opened(invocation, subscription_id=subscription) as connection:
        steps = await _steps(invocation, scope, connection)
        actor = connection.signed_in.label
        return await execution.plan_only(invocation, steps, actor, partial(_tell, invocation, connection))


async def _tell(invocation: Invocation, connection: Connection, plan: Plan) -> None:
    """What --comment and --issue ask for. Raises the core's errors."""
    number = plan_told.pull_request(invocation)
    if number or invocation.flag("issue"):
        client = await connection.github_loaded(files.repository(invocation))
        if number:
            await plan_told.comment(invocation, client, number, plan)
        if invocation.flag("issue"):
            await plan_told.keep_issues(invocation, client, plan)


async def _steps(invocation: Invocation, scope: str, connection: Connection) -> list[Step[Any]]:
    if scope == "setup":
        return [*await setup_steps(setup.options(invocation), files.drafts(invocation), connection)]
    if scope == "deploy":
        return [*await deploy_steps(deploy.options(invocation), files.environments(invocation), connection)]
    return [*await _all_of_setup(invocation, connection), *await _all_of_deploy(invocation, connection)]


async def _all_of_setup(invocation: Invocation, connection: Connection) -> Sequence[Step[Any]]:
    """The steps of setup, or one that says why they are not looked at from here."""
    if connection.signed_in.kind != "user":
        return [LeftToPerson()]
    return await setup_steps(setup.options(invocation), files.drafts(invocation), connection)


async def _all_of_deploy(invocation: Invocation, connection: Connection) -> Sequence[Step[Any]]:
    """The steps of deploy, or one for each environment while setup has not made what they start from."""
    try:
        return await deploy_steps(deploy.options(invocation), files.environments(invocation), connection)
    except OperationError as error:
        if any(one.code not in _BEFORE_SETUP for one in each_error(error)):
            raise
        return [AfterSetup(environment.name) for environment in files.drafts(invocation)]
