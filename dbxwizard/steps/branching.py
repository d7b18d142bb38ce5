"""Which branches and tags may deploy where: the branching strategy, as the deployment rules of GitHub's environments.

What a job's ref is: docs.github.com/actions/reference/workflows-and-actions/contexts#github-context (`ref`): a pull
request's merge branch while it is open, the branch that it was merged into afterwards. docs/workflows.md has the table.
"""

from __future__ import annotations

from dbxwizard.clients.github_types import RefPattern

MAIN_BRANCH, RELEASE_BRANCH = "main", "release"
_MAIN, _RELEASE = RefPattern("branch", MAIN_BRANCH), RefPattern("branch", RELEASE_BRANCH)
_PULL_REQUESTS = RefPattern("branch", "refs/pull/*/merge")
# All four environments admit them: a full deployment by hand is started on a tag.
_RELEASES = RefPattern("tag", "v*")
_PLAN = "-plan"
_ADMITTED = {
    "development": (_MAIN, _RELEASES),
    "uat": (_PULL_REQUESTS, _RELEASES),
    "preproduction": (_RELEASE, _RELEASES),
    "production": (_RELEASES,),
}


def admitted(environment: str) -> tuple[RefPattern, ...]:
    """Those that the strategy deploys there; none for an environment that it does not have."""
    return _ADMITTED.get(environment.lower(), ())


def plan_environment(environment: str) -> str:
    """The GitHub environment whose jobs only look at `environment`."""
    return f"{environment}{_PLAN}"


def environment_of(holder: str) -> str:
    """The environment that a GitHub environment is for."""
    return holder.removesuffix(_PLAN)


def planning(default_branch: str) -> tuple[RefPattern, ...]:
    """What may look at every environment: pull requests (checks), and what is started by hand or by the clock."""
    branches = dict.fromkeys((MAIN_BRANCH, default_branch, RELEASE_BRANCH))
    return (_PULL_REQUESTS, *(RefPattern("branch", name) for name in branches), _RELEASES)
