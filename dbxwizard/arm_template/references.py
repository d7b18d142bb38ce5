"""What expressions ask about resources: of live state where there is a runtime, else of the templates themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbxwizard.arm_template.dependencies import Directory
from dbxwizard.arm_template.errors import ExpressionError, TemplateError
from dbxwizard.arm_template.resources import Resource
from dbxwizard.arm_template.scope import RESOURCE_GROUP_TYPE
from dbxwizard.arm_template.values import JsonObject, JsonValue, Unknown

if TYPE_CHECKING:
    from dbxwizard.arm_template.evaluator import Evaluator

# What a deployment has beside its outputs, and only once it ran.
_LATER = ("correlationId", "duration", "outputResources", "timestamp")
_SUCCEEDED = {"provisioningState": "Succeeded"}


class References:
    """`directory` is empty until the resources of the template are declared."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self.directory = Directory([])

    def resource_group(self) -> JsonObject:
        """What resourceGroup() answers."""
        scope = self._evaluator.scope
        return {
            **self._resource_group_body(),
            "id": scope.id,
            "name": scope.resource_group,
            "type": RESOURCE_GROUP_TYPE,
        }

    def _resource_group_body(self) -> JsonObject:
        """From the runtime, a template above that makes the group, or the scope, in this order."""
        scope, runtime = self._evaluator.scope, self._evaluator.runtime
        if runtime is not None:
            live = runtime.reference(scope.id, "", True)
            return live if isinstance(live, dict) else {"location": live, "tags": live, "properties": live}
        body = self._declared_above(scope.id)
        if body is not None:
            return {"tags": {}, **body, "properties": _SUCCEEDED}
        location = scope.location or Unknown("resourceGroup().location")
        return {"location": location, "tags": Unknown("resourceGroup().tags"), "properties": _SUCCEEDED}

    def _declared_above(self, identifier: str) -> JsonObject | None:
        """The body that a template above gives the resource, None where none declares it."""
        evaluator = self._evaluator.parent
        while evaluator is not None:
            for resource in evaluator.resources():
                if resource.id.lower() == identifier.lower() and not resource.existing:
                    return evaluator.body(resource)
            evaluator = evaluator.parent
        return None

    def reference(self, target: str, api_version: str, *, full: bool) -> JsonValue:
        resource = self.directory.one(target)
        identifier = resource.id if resource is not None else self._identifier(target)
        version = api_version or (resource.api_version if resource is not None else "")
        if not version:
            raise ExpressionError(
                f"The reference to '{target}' requires an API version, because the template does not deploy it. "
                "Please see https://aka.ms/arm-function-reference for usage details."
            )
        if self._evaluator.runtime is not None:
            return self._evaluator.runtime.reference(identifier, version, full)
        if resource is not None and resource.is_deployment and resource.deployed and not resource.existing:
            try:
                return self._outcome(resource, full=full)
            except TemplateError:
                if not self._evaluator.waits(resource):
                    raise
        whole = ", 'full'" if full else ""
        return Unknown(f"reference('{identifier}', '{version}'{whole})")

    def _identifier(self, target: str) -> str:
        if target.startswith("/"):
            return target
        namespace, *parts = target.strip("/").split("/")
        if "." in namespace and len(parts) % 2 == 0 and parts:
            return f"{self._evaluator.scope.id.rstrip('/')}/providers/{target.strip('/')}"
        raise ExpressionError(
            f"The template reference '{target}' is not valid: could not find template resource or resource copy "
            "with this name. Please see https://aka.ms/arm-function-reference for usage details."
        )

    def _outcome(self, resource: Resource, *, full: bool) -> JsonObject:
        """What can be told of a nested deployment before it ran: its outputs, as far as they are known."""
        outputs = self._evaluator.nested(resource).outputs()
        properties: JsonObject = {
            **{name: Unknown(f"reference('{resource.id}').{name}") for name in _LATER},
            "mode": "Incremental",
            **_SUCCEEDED,
            "outputs": {name: {"type": output.type, "value": output.value} for name, output in outputs.items()},
        }
        return {"apiVersion": resource.api_version, "properties": properties} if full else properties

    def references(self, symbolic_name: str, *, full: bool) -> JsonValue:
        found = self.directory.find(symbolic_name)
        if not any(resource.loop for resource in found):
            raise ExpressionError(
                f"The template reference '{symbolic_name}' is not valid: could not find a resource copy with this name."
            )
        return [self.reference(item.key, "", full=full) for item in found if item.deployed]

    def list(self, target: str, function: str, api_version: str, value: JsonValue) -> JsonValue:
        resource = self.directory.one(target)
        identifier = resource.id if resource is not None else self._identifier(target)
        if self._evaluator.runtime is None:
            return Unknown(f"{function}('{identifier}', '{api_version}')")
        return self._evaluator.runtime.list(identifier, function, api_version, value)

    def resource_info(self, symbolic_name: str) -> JsonObject:
        resource = self.directory.one(symbolic_name)
        if resource is None:
            raise ExpressionError(f"The symbolic name '{symbolic_name}' is not defined in the template.")
        return {
            "id": resource.id,
            "name": resource.name,
            "type": resource.type,
            "apiVersion": resource.api_version,
        }
