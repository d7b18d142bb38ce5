"""Databricks' SDK as it comes, signed in to the workspace of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from databricks.sdk import WorkspaceClient as Sdk
from databricks.sdk.core import Config, CredentialsStrategy

from tests.databricks.conftest import ADA, RESOURCE_ID, SignedTokens, World
from tests.databricks.environment import CLUSTER

SETTINGS: dict[str, Any] = {**CLUSTER.settings, "single_user_name": ADA}


class Entra(CredentialsStrategy):
    """Both tokens, as a program that is not ours would send them."""

    def __init__(self, world: World, name: str) -> None:
        self._tokens = SignedTokens(world, name)

    def auth_type(self) -> str:
        return "test"

    def __call__(self, cfg: Any) -> Callable[[], dict[str, str]]:
        def headers() -> dict[str, str]:
            workspace_token = self._tokens.get_token("2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default").token
            management = self._tokens.get_token("https://management.core.windows.net//.default").token
            return {
                "Authorization": f"Bearer {workspace_token}",
                "X-Databricks-Azure-SP-Management-Token": management,
                "X-Databricks-Azure-Workspace-Resource-Id": RESOURCE_ID,
            }

        return headers


def sdk_for(world: World) -> Callable[[str], Sdk]:
    """For somebody; it needs the sandbox's certificates where it looks by itself (REQUESTS_CA_BUNDLE)."""
    return lambda name: Sdk(config=Config(host=world.url, credentials_strategy=Entra(world, name)))


def ask(client: Sdk, method: str, path: str, **more: Any) -> dict[str, Any]:
    """A request of the SDK's without its models, which drop what they do not know."""
    answer: Any = client.api_client.do(method, path, **more)
    return dict(answer)


def new_cluster(client: Sdk) -> str:
    return str(ask(client, "POST", "/api/2.1/clusters/create", body=SETTINGS)["cluster_id"])


def ended(client: Sdk, run_id: int) -> dict[str, Any]:
    """The run once it has ended, with the `output` of its first task. What it executes takes what it takes: no clock of
    the sandbox, and so no settling of it, says when."""
    run = ask(client, "GET", f"/api/2.2/jobs/runs/get?run_id={run_id}")
    while run["state"]["life_cycle_state"] not in ("TERMINATED", "INTERNAL_ERROR", "SKIPPED"):
        run = ask(client, "GET", f"/api/2.2/jobs/runs/get?run_id={run_id}")
    output = ask(client, "GET", f"/api/2.2/jobs/runs/get-output?run_id={run['tasks'][0]['run_id']}")
    return {**run, "output": output}
