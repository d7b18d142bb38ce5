"""`dbxwizard deploy --on github`: the workflow deploys; this follows it and ends as it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dbxwizard.cli import files
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.run_watch import Ended, report_of, status_of, watch
from dbxwizard.cli.world import github_opened
from dbxwizard.clients.run_types import Run
from dbxwizard.core.clock import SystemClock
from dbxwizard.core.errors import UsageError
from dbxwizard.core.result import EnvironmentResult
from dbxwizard.runs.launching import launch
from dbxwizard.steps.git_ref import GitRef

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient

_ONE, _ALL = "deploy.yml", "full-deployment.yml"


def run(invocation: Invocation) -> Report:
    for name in ("plan", "since"):
        if invocation.values.get(name):
            raise UsageError("option-invalid", "it is for a deployment from here", resource=f"--{name}")
    return asyncio.run(_run(invocation, _names(invocation), files.repository(invocation)))


def _names(invocation: Invocation) -> list[str]:
    """What --environment names, spelled as in its file. Raises UsageError for one that no file has."""
    spelled = {one.name.lower(): one.name for one in files.readable(invocation)}
    return [spelled.get(name.lower(), name) for name in invocation.many("environment")]


async def _run(invocation: Invocation, names: Sequence[str], repository: str) -> Report:
    """One run of deploy.yml for each of the environments; without any, full-deployment.yml for all of them."""
    async with github_opened(invocation, repository) as client:
        if names:
            refs = [await _ref(invocation, client, [name]) for name in names]
            started = [await _start(client, _ONE, ref, environment=name) for name, ref in zip(names, refs, strict=True)]
        else:
            every = [one.name for one in files.readable(invocation)]
            started = [await _start(client, _ALL, await _ref(invocation, client, every))]
        ended = await watch(invocation, client, started)
    report = report_of(invocation, ended)
    found = [EnvironmentResult(name, one.status) for name, one in zip(names, ended, strict=True)] if names else None
    return replace(report, environments=tuple(found or _environments(ended[0])))


async def _start(client: GitHubClient, workflow: str, ref: str, **inputs: str) -> Run:
    return await launch(client, workflow, ref, inputs, SystemClock())


async def _ref(invocation: Invocation, client: GitHubClient, names: Sequence[str]) -> str:
    """The branch or tag that is asked for, as GitHub takes it; without one a branch that all environments admit.

    Raises UsageError.
    """
    asked = invocation.text("ref")
    if not asked:
        return await _admitted(client, names)
    found = GitRef.parse(asked)
    if found.kind == "commit" or found.at:
        raise UsageError(
            "option-invalid",
            f"{asked!r}: GitHub starts a workflow on a branch or a tag",
            resource="--ref",
            fix="Name the branch or the tag that the commit is on.",
        )
    return f"refs/tags/{found.name}" if found.kind == "tag" else found.name


async def _admitted(client: GitHubClient, names: Sequence[str]) -> str:
    """The default branch, else the one branch that is admitted by its name. Raises UsageError where there is none."""
    default = (await client.repository()).default_branch
    rules = {name: await client.deployment_refs(name) for name in names if await _has_rules(client, name)}
    branches = [{refs.name for refs in admitted if refs.type == "branch"} for admitted in rules.values()]
    common = set.intersection(*branches) if branches else {default}
    named = sorted(name for name in common if not set("*?[") & set(name))
    if default in named or len(named) == 1:
        return default if default in named else named[0]
    said = "; ".join(f"{name} admits {', '.join(sorted(map(str, admitted)))}" for name, admitted in rules.items())
    raise UsageError("ref-missing", said, resource="--ref", fix="Say on which branch or tag to start, with --ref.")


async def _has_rules(client: GitHubClient, name: str) -> bool:
    policy = (await client.environment(name) or {}).get("deployment_branch_policy") or {}
    return bool(policy.get("custom_branch_policies"))


def _environments(ended: Ended) -> Iterator[EnvironmentResult]:
    """How each environment of a full deployment ended: deploy.yml names its job like the environment."""
    for job in ended.snapshot.jobs:
        yield EnvironmentResult(job.name.rpartition(" / ")[2], status_of(job.state))
