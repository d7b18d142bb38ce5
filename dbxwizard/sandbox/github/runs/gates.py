"""What a job has to pass before it may deploy to its environment: branch policies, a wait timer, reviewers.

docs.github.com/actions/reference/workflows-and-actions/deployments-and-environments#deployment-protection-rules. The
words of the refusals are those of the annotations that people quote (github.com/github/branch-deploy/issues/388).
"""

from __future__ import annotations

import re
from fnmatch import translate

from dbxwizard.sandbox.github import rulesets
from dbxwizard.sandbox.store import Document, Store

REJECTED = "The deployment was rejected or didn't satisfy other protection rules."
LONGEST = 30 * 86_400.0  # seconds: a job that nobody has approved until then fails, same page


def refusal(store: Store, repository: Document, environment: Document, ref: str) -> str:
    """Why the ref may not deploy to the environment; "" where it may."""
    policy = environment["deployment_branch_policy"]
    if policy is None or _admits(store, repository, environment, ref):
        return ""
    kind = "Tag" if ref.startswith("refs/tags/") else "Branch"
    name = environment["name"]
    return f'{kind} "{_name(ref)}" is not allowed to deploy to {name} due to environment protection rules.'


def _admits(store: Store, repository: Document, environment: Document, ref: str) -> bool:
    """Where protected branches are asked for and there is none, all branches are admitted."""
    if environment["deployment_branch_policy"]["protected_branches"]:
        return bool(rulesets.in_force(store, repository, ref)) or not store.all(
            "github.ruleset", f"{repository['id']}/"
        )
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    names = [policy["name"] for policy in environment["policies"] if policy["type"] == kind]
    return any(matches(pattern, _name(ref)) for pattern in names)


def _name(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def matches(pattern: str, name: str) -> bool:
    """As Ruby's File.fnmatch does it, which the page names: a star stops at a slash."""
    parts, names = pattern.split("/"), name.split("/")
    return len(parts) == len(names) and all(
        re.fullmatch(translate(part), each) for part, each in zip(parts, names, strict=True)
    )


def new_review(environment: Document, now: float) -> Document | None:
    """What a job waits for; None where it need not wait."""
    if not environment["wait_timer"] and not environment["reviewers"]:
        return None
    return {
        "since": now,
        "until": now + 60 * environment["wait_timer"],
        "needsApproval": bool(environment["reviewers"]),
        "state": "",
    }


def is_rejected(review: Document, now: float) -> bool:
    return bool(review["state"] == "rejected" or now >= review["since"] + LONGEST)


def is_passed(review: Document, now: float) -> bool:
    return bool(now >= review["until"] and (review["state"] == "approved" or not review["needsApproval"]))
