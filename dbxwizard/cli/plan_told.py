"""A plan told on GitHub: as one comment on a pull request, or as an issue for each environment that differs.

What was written before is known by a mark that does not show, and by its author.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dbxwizard.cli.invocation import Invocation
from dbxwizard.core.markdown import link, words
from dbxwizard.core.plan import Plan
from dbxwizard.core.plan_markdown import plan_markdown

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.github_issues import Comment

MARK = "<!-- dbxwizard plan -->"
_LONGEST = 60_000  # characters; GitHub takes 65,536 in a comment or an issue


def pull_request(invocation: Invocation) -> int:
    """The number that --comment gives, 0 without it."""
    return int(invocation.text("comment") or 0)


async def comment(invocation: Invocation, client: GitHubClient, number: int, plan: Plan) -> None:
    """Raises the core's errors."""
    names = ", ".join(f"**{words(name)}**" for name in plan.environments)
    seen = ", as far as it could be looked at" if plan.lacking else ""
    changed = f"A merge changes {names}{seen}:" if plan.changes else f"A merge changes nothing in {names}{seen}."
    body = "\n\n".join([f"{MARK}\n{changed}", plan_markdown(plan, _LONGEST), *_source(invocation)])
    found = await _ours(invocation, client, await client.issues.comments(number), MARK)
    if found is None:
        await client.issues.create_comment(number, body)
    elif found.body != body:
        await client.issues.update_comment(found.id, body)


async def keep_issues(invocation: Invocation, client: GitHubClient, plan: Plan) -> None:
    """Raises the core's errors."""
    known = await client.issues.open_issues()
    for name in plan.environments:
        part = replace(plan, steps=tuple(one for one in plan.steps if one.step.environment == name))
        mark = f"<!-- dbxwizard drift of {name} -->"
        found = await _ours(invocation, client, known, mark)
        if part.changes:
            differs = f"{mark}\n**{words(name)}** is not as it was deployed. A deployment would change this:"
            body = "\n\n".join([differs, plan_markdown(part, _LONGEST)])
            await _keep(client, found, f"Drift in {name}", body)
        elif found is not None and not part.lacking:  # else nobody knows whether it is as deployed again
            await client.issues.update_issue(found.id, state="closed")


async def _keep(client: GitHubClient, found: Comment | None, title: str, body: str) -> None:
    if found is None:
        await client.issues.create_issue(title, body)
    elif found.body != body:
        await client.issues.update_issue(found.id, body=body)


async def _ours(invocation: Invocation, client: GitHubClient, written: Sequence[Comment], mark: str) -> Comment | None:
    """The first with the mark that we wrote: anybody may copy it. A job's token can't ask who it is, but is a bot's."""
    in_actions = invocation.environ.get("GITHUB_ACTIONS") == "true"
    login = "" if in_actions else (await client.token_info()).login
    found = (one for one in written if one.body.startswith(mark))
    return next((one for one in found if (one.by_bot if in_actions else one.author == login)), None)


def _source(invocation: Invocation) -> list[str]:
    """The run that this is from, in a job."""
    environ: Mapping[str, str] = invocation.environ
    server, repository, run = (environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return [link("the run", f"{server}/{repository}/actions/runs/{run}")] if server and repository and run else []
