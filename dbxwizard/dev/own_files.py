"""The places of a workspace that are a developer's own: below the home folder, where nobody else writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient

MAX_BYTES = 10 * 1024 * 1024  # of one import (docs.databricks.com/api/azure/workspace/workspace/import)
_OURS = ".dbxwizard"  # in the home folder: what is kept there is not for people


async def home(workspace: WorkspaceClient) -> str:
    """`/Users/<sign-in name>`, which the workspace makes with each of its members."""
    return f"/Users/{(await workspace.me())['userName']}"


async def own_folder(workspace: WorkspaceClient, name: str) -> str:
    """The path of a folder for files of ours, which may be missing."""
    return f"{await home(workspace)}/{_OURS}/{name}"
