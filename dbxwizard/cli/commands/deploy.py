"""`dbxwizard deploy`: makes what the environment files describe, and only what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dbxwizard.backend.runs import journal_key
from dbxwizard.cli import execution, files
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import opened
from dbxwizard.parameters import Environment
from dbxwizard.steps.deploy_plan import DeployOptions, checked_out, deploy_steps
from dbxwizard.steps.git_ref import GitRef
from dbxwizard.steps.identity.principals import repository_of


def run(invocation: Invocation) -> Report:
    if invocation.text("on") == "github":
        from dbxwizard.cli import remote_deploy

        return remote_deploy.run(invocation)
    chosen = files.environments(invocation)
    return asyncio.run(_deploy(invocation, chosen))


async def _deploy(invocation: Invocation, chosen: Sequence[Environment]) -> Report:
    async with opened(invocation, subscription_id=chosen[0].subscription_id) as connection:
        steps = await deploy_steps(options(invocation), chosen, connection)
        actor = connection.signed_in.label
        first = chosen[0]
        key = journal_key(connection.signed_in.tenant_id, first.subscription_id, repository_of(first))
        return await execution.apply(invocation, steps, actor, journal_key=key)


def options(invocation: Invocation) -> DeployOptions:
    """The decisions of deploy; the ref is the one that is checked out unless somebody says another."""
    asked = invocation.text("ref")
    ref = GitRef.parse(asked) if asked else checked_out(invocation.root, invocation.environ)
    repository = invocation.text("repo")
    since = invocation.text("since") if "since" in invocation.options else ""
    return DeployOptions(ref, repository, since, invocation.environ)
