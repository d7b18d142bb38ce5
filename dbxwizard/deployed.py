"""One environment's Azure resources, by what its template wants, and the way into its workspace. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import not_deployed

if TYPE_CHECKING:
    from dbxwizard.arm_template import Expansion, Expected
    from dbxwizard.clients.databricks import WorkspaceClient
    from dbxwizard.parameters.model import Environment
    from dbxwizard.steps.connection import Connection

Json = Mapping[str, Any]
WORKSPACE = "Microsoft.Databricks/workspaces"
COMPONENT = "Microsoft.Insights/components"


class Deployed:
    """For one question, not for long: the template is expanded once, and a resource that was read is not read again."""

    def __init__(self, environment: Environment, connection: Connection) -> None:
        """Raises UsageError for a file that is no template."""
        from dbxwizard.steps.azure.expected import load_template

        self.environment, self.connection = environment, connection
        self._template = load_template(environment.root)
        self._read: dict[str, Json | None] = {}

    @cached_property
    def expected(self) -> Expansion:
        """Raises OperationError for a template that the service would refuse."""
        from dbxwizard.steps.azure.expected import expected_resources

        return expected_resources(self.environment, self._template, self.connection.signed_in.tenant_id)

    def expected_of(self, kind: str) -> Expected:
        """The one resource of this type that the template has."""
        return next(item for item in self.expected.resources if item.type == kind)

    async def resource(self, kind: str) -> Json | None:
        """The one of this type as Azure has it; None while it is not there. Raises the core's errors."""
        if kind not in self._read:
            wanted, arm = self.expected_of(kind), self.connection.arm(self.environment.subscription_id)
            self._read[kind] = await arm.get_resource(wanted.id, wanted.api_version)
        return self._read[kind]

    async def workspace(self) -> WorkspaceClient | None:
        """None while there is none that has an address: it gets one towards the end of its deployment."""
        url = await self._of_workspace("workspaceUrl")
        return await self.connection.workspace(f"https://{url}", self.expected_of(WORKSPACE).id) if url else None

    async def require_workspace(self) -> WorkspaceClient:
        """Raises the core's errors: OperationError `not-deployed`."""
        workspace = await self.workspace()
        if workspace is None:
            raise not_deployed(self.environment.name, "workspace", "workspace")
        return workspace

    async def workspace_number(self) -> str:
        """The id of the workspace as its addresses have it (`?o=`); "" while there is none."""
        return await self._of_workspace("workspaceId")

    async def _of_workspace(self, name: str) -> str:
        found = await self.resource(WORKSPACE)
        return str((found or {}).get("properties", {}).get(name) or "")

    async def component(self) -> Json:
        """The properties of Application Insights. Raises the core's errors: OperationError `not-deployed`."""
        found = await self.resource(COMPONENT)
        if found is None:
            raise not_deployed(self.environment.name, "Application Insights", self.expected_of(COMPONENT).name)
        properties: Json = found["properties"]
        return properties
