"""What the token of a job may do.

docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#permissions: what a job says takes the place of
what its workflow says; permissions that are not named are none; a called workflow may have no more than the job that
calls it.
"""

from __future__ import annotations

from collections.abc import Mapping

from dbxwizard.sandbox.actions.workflows.model import Job, Workflow
from dbxwizard.sandbox.actions.workflows.rules import PERMISSIONS

# The restricted default, which repositories made since February 2023 have.
DEFAULT: Mapping[str, str] = {"contents": "read", "packages": "read"}
_RANK = {"none": 0, "read": 1, "write": 2}


def of_job(workflow: Workflow, job: Job, default: Mapping[str, str]) -> dict[str, str]:
    """By name, without those that are none. `default`: where neither the job nor its workflow says anything."""
    said = job.permissions if job.permissions is not None else workflow.permissions
    if said is None:
        return dict(default)
    if isinstance(said, str):
        level = said.removesuffix("-all")
        return {name: level for name, levels in PERMISSIONS.items() if level in levels}
    return {name: level for name, level in said.items() if level != "none"}


def without_writing(permissions: Mapping[str, str]) -> dict[str, str]:
    """What is left of them for a pull request from a fork."""
    return {name: "read" for name, level in permissions.items() if "read" in PERMISSIONS[name] and level != "none"}


def excess(requested: Mapping[str, str], allowed: Mapping[str, str]) -> str:
    """What is requested beyond what is allowed, in the words of the error; empty where nothing is."""
    beyond = [name for name in sorted(requested) if _RANK[requested[name]] > _RANK[allowed.get(name, "none")]]
    if not beyond:
        return ""
    wanted = ", ".join(f"{name}: {requested[name]}" for name in beyond)
    granted = ", ".join(f"{name}: {allowed.get(name, 'none')}" for name in beyond)
    return f"is requesting '{wanted}', but is only allowed '{granted}'."
