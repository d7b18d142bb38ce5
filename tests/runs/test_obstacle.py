"""What keeps the sign-in from being proved is said before anything is started."""

from __future__ import annotations

import pytest
from github.Repository import Repository

from dbxwizard.clients.github import GitHubClient
from dbxwizard.runs import proof

DRIFT = "on: {workflow_dispatch: {inputs: {sign_in_only: {type: boolean}}}}\njobs: {a: {runs-on: x}}"
OLDER = "on: workflow_dispatch\njobs: {a: {runs-on: x}}"


@pytest.mark.parametrize(
    ("drift", "requirements", "said"),
    [
        (None, None, "main has no drift.yml that can do it"),
        (OLDER, None, "main has no drift.yml that can do it"),
        (DRIFT, "dbxwizard==0.1.0\n", "--install-from"),
        (DRIFT, "dbxwizard==0.1.0 --hash=sha256:00\n", ""),
        (DRIFT, "./.github/dbxwizard/dbxwizard-0.1.0-py3-none-any.whl --hash=sha256:00\n", ""),
    ],
    ids=["none", "older", "no hash", "hash", "wheel"],
)
async def test_it_is_said(
    drift: str | None, requirements: str | None, said: str, filled: Repository, client: GitHubClient
) -> None:
    for path, text in ((".github/workflows/drift.yml", drift), (".github/dbxwizard-requirements.txt", requirements)):
        if text:
            filled.create_file(path, "Write", text)
    found = await proof.obstacle(client)
    assert said in found
    assert bool(said) is bool(found)
