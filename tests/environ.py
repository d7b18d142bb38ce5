"""The environment in which tests run the program."""

from __future__ import annotations

import os

# A proof installs dbxwizard in four jobs: only the tests of it make one, with "" for this.
NO_PROOF = {"DBXWIZARD_NO_PROOF": "1"}
_DECIDING = ("CI", "GITHUB_", "AZURE_", "ARM_", "DBXWIZARD_", "GH_", "PAT_", "ACTIONS_")


def undecided(*also: str) -> dict[str, str]:
    """This process's environment without what decides for the program. `also`: beginnings of more names that go."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith((*_DECIDING, *also))}
    return kept | NO_PROOF
