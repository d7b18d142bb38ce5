"""The environment files of a command, chosen by --environment."""

from __future__ import annotations

from dbxwizard.backend import project
from dbxwizard.cli.invocation import Invocation, in_ci
from dbxwizard.parameters import Environment
from dbxwizard.steps.principals import repository_of


def environments(invocation: Invocation) -> tuple[Environment, ...]:
    return project.environments(invocation.root, invocation.many("environment"), ci=in_ci(invocation.environ))


def drafts(invocation: Invocation) -> tuple[Environment, ...]:
    return project.drafts(invocation.root, invocation.many("environment"))


def readable(invocation: Invocation) -> tuple[Environment, ...]:
    return project.readable(invocation.root, invocation.many("environment"))


def repository(invocation: Invocation) -> str:
    """--repo, or the one that the environment files name. Raises UsageError where nobody says it."""
    named = invocation.text("repo") or next(filter(None, map(repository_of, readable(invocation))), "")
    if not named:
        invocation.require("repo")
    return named
