"""`dbxwizard setup`: the custom roles, the service principals and GitHub; once per repository and subscription."""

from __future__ import annotations

import asyncio
import getpass
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace

from dbxwizard.backend.runs import journal_key
from dbxwizard.backend.turns import setup_turn
from dbxwizard.backend.workflows.sandbox_install import take_from_sandbox
from dbxwizard.cli import execution, files
from dbxwizard.cli.invocation import Invocation, state_folder
from dbxwizard.cli.proof import proved
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import opened
from dbxwizard.core.errors import UsageError
from dbxwizard.core.result import Status
from dbxwizard.core.secret import Secret
from dbxwizard.parameters import Environment
from dbxwizard.steps.setup_github import reviewer_names, wait_minutes
from dbxwizard.steps.setup_options import SetupOptions
from dbxwizard.steps.setup_plan import setup_steps


def run(invocation: Invocation) -> Report:
    decided = options(invocation)
    if invocation.interactive:
        decided = replace(decided, ask_git_token=_ask_git_token)
    chosen = files.drafts(invocation)
    _tell_of_other_workflows(invocation, decided)
    with setup_turn(state_folder(invocation.environ), decided, _tell_of_waiting):
        return asyncio.run(_setup(invocation, decided, chosen))


def _tell_of_other_workflows(invocation: Invocation, decided: SetupOptions) -> None:
    """Workflows that were written for other choices could not sign in to what setup makes."""
    from dbxwizard.backend.workflows.update import read_base

    base = read_base(invocation.root)
    made = (base.choices.auth, base.choices.environments) if base else None
    if made and made != (decided.auth, decided.github_environments):
        without = "" if decided.github_environments else " --no-github-environments"
        again = f"dbxwizard init --update --auth {decided.auth}{without}"
        print(f"warning: the workflows are for other choices than these; run `{again}`", file=sys.stderr)


def _tell_of_waiting() -> None:
    print("waiting for another run of setup to end", file=sys.stderr)


async def _setup(invocation: Invocation, decided: SetupOptions, chosen: Sequence[Environment]) -> Report:
    async with opened(invocation, subscription_id=decided.subscription_id) as connection:
        for path in await asyncio.to_thread(take_from_sandbox, invocation.root, connection.cloud):
            print(f"wrote {path}: the sandbox's jobs get dbxwizard from the sandbox", file=sys.stderr)
        steps = await setup_steps(decided, chosen, connection)
        actor = connection.signed_in.label
        key = journal_key(connection.signed_in.tenant_id, decided.subscription_id, decided.repository)
        report = await execution.apply(invocation, steps, actor, journal_key=key)
        if report.status is not Status.SUCCESS or not decided.publish or invocation.flag("no_proof"):
            return report
        return await proved(invocation, connection, decided.repository, report)


def options(invocation: Invocation) -> SetupOptions:
    """The decisions of setup. Raises UsageError that lists those that are missing or wrong."""
    invocation.require("subscription", "repo")
    token = invocation.environ.get("PAT_GITHUB", "")
    return SetupOptions(
        subscription_id=_guid(invocation.text("subscription")),
        repository=_repository(invocation.text("repo")),
        auth=invocation.text("auth"),
        isolation=invocation.text("isolation"),
        owner=invocation.flag("owner"),
        main_name=invocation.text("main_spn_name"),
        databricks_name=invocation.text("databricks_spn_name"),
        plan_name=invocation.text("plan_spn_name"),
        role_name=invocation.text("role_name"),
        adopt=invocation.many("adopt"),
        publish=not invocation.flag("no_publish"),
        github_environments=not invocation.flag("no_github_environments"),
        approval=not invocation.flag("no_approval"),
        rulesets=not invocation.flag("no_rulesets"),
        reviewers=reviewer_names(invocation.many("reviewer")),
        wait_minutes=wait_minutes(invocation.text("wait_minutes")),
        git_token=Secret(token) if token else None,
    )


async def _ask_git_token(repository: str) -> Secret | None:
    """Asks on the terminal, where it does not show."""
    question = f"{repository} is private. A fine-grained token with read-only Contents of it (PAT_GITHUB): "
    given = await asyncio.to_thread(getpass.getpass, question, sys.stderr)
    return Secret(given.strip()) if given.strip() else None


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise UsageError("invalid-guid", f"{text!r} is not a GUID", resource="--subscription") from error


def _repository(text: str) -> str:
    owner, _, name = text.partition("/")
    if not owner or not name or "/" in name:
        raise UsageError("repository-invalid", f"{text!r} is not of the form OWNER/NAME", resource="--repo")
    return text
