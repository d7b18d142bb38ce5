"""The environment files of a command, chosen by --environment."""

from __future__ import annotations

from dbxwizard.backend import project
from dbxwizard.cli.invocation import Invocation, in_ci
from dbxwizard.core.errors import UsageError
from dbxwizard.parameters import Environment
from dbxwizard.steps.identity.principals import repository_of


def environments(invocation: Invocation) -> tuple[Environment, ...]:
    return project.environments(invocation.root, invocation.many("environment"), ci=in_ci(invocation.environ))


def environment(invocation: Invocation) -> Environment:
    """The one that -e names, or the only one that there is. Raises UsageError."""
    chosen = environments(invocation)
    if len(chosen) == 1:
        return chosen[0]
    names, command = ", ".join(one.name for one in chosen), invocation.command
    raise UsageError("decision-missing", f"{command} needs one environment of {names}", fix="Say it with -e NAME.")


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
