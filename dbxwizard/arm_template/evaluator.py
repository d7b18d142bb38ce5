"""Evaluates one deployment: its parameters, variables, resources one by one, and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import dbxwizard.arm_template.functions  # noqa: F401  (fills the table of functions)
from dbxwizard.arm_template import copies, dependencies, resources
from dbxwizard.arm_template.definitions import Definitions
from dbxwizard.arm_template.errors import (
    ExpressionError,
    TemplateError,
    as_invalid,
    bounded,
    invalid,
    unprocessable,
)
from dbxwizard.arm_template.evaluation import Frame, Iteration, Phase, evaluate
from dbxwizard.arm_template.host import Budget, Runtime, Surroundings
from dbxwizard.arm_template.parameters import TypedValue, typed
from dbxwizard.arm_template.references import References
from dbxwizard.arm_template.resources import Resource
from dbxwizard.arm_template.scope import DeploymentScope, Level
from dbxwizard.arm_template.template import MAX_NESTING, check_resource_count, check_size, parse_template
from dbxwizard.arm_template.template_hash import template_hash
from dbxwizard.arm_template.types import MismatchError
from dbxwizard.arm_template.values import JsonObject, JsonValue, Unknown, contains_unknown

# Keys of a declaration that say how to deploy, and are no part of what is sent to the provider.
_DIRECTIVES = {
    "apiversion",
    "asserts",
    "comments",
    "condition",
    "copy",
    "dependson",
    "existing",
    "metadata",
    "name",
    "options",
    "resourcegroup",
    "resources",
    "scope",
    "subscriptionid",
    "type",
}


@dataclass(frozen=True, slots=True)
class Expected:
    """A resource as the template wants it. `body` is what goes to its provider: location, properties, sku, tags …

    A value in `body` that shows only while the deployment runs is an Unknown. `depends_on` holds resource ids.
    """

    symbolic_name: str
    id: str
    type: str
    name: str
    api_version: str
    scope: str
    location: str
    existing: bool
    body: JsonObject = field(repr=False)
    depends_on: tuple[str, ...] = ()


class Evaluator:
    """One deployment of a template at a scope.

    Making it checks everything that can be told before anything is deployed: parameters, variables, names, conditions,
    dependencies. `resources` lists what to deploy, each after its dependencies; `evaluate` gives the body of one when
    its turn has come; `nested` the Evaluator of one that is a deployment itself; `outputs` what comes out in the end.
    Every method raises TemplateError, and nothing else for anything that a template can say.
    """

    def __init__(
        self,
        template: JsonValue,
        parameters: Mapping[str, JsonValue],
        scope: DeploymentScope,
        *,
        runtime: Runtime | None = None,
        surroundings: Surroundings | None = None,
        parent: Evaluator | None = None,
    ) -> None:
        self.scope = scope
        self.runtime = runtime
        self.surroundings = surroundings or Surroundings()
        self.parent = parent
        self.budget: Budget = Budget() if parent is None else parent.budget
        self._nested: dict[str, Evaluator] = {}
        self._resources: list[Resource] = []
        self._outputs: dict[str, TypedValue] | None = None
        self._check_nesting(template)
        self.template = parse_template(template, scope.level)
        self._definitions = Definitions(self.template, self)
        self._references = References(self)
        with bounded():
            self.parameters = self._definitions.set_parameters(parameters, self._secret)
            self._definitions.set_variables()
            self._resources = self._declared()

    def _check_nesting(self, template: JsonValue) -> None:
        if self.parent is None:
            check_size(template)
        if self._level > MAX_NESTING:
            raise invalid(
                f"The nesting of deployments limit exceeded. Limit: '{MAX_NESTING}' and actual: '{self._level}'"
            )

    @property
    def _level(self) -> int:
        return 0 if self.parent is None else 1 + self.parent._level

    def _secret(self, reference: JsonObject) -> JsonValue:
        vault, name = reference.get("keyVault"), reference.get("secretName")
        vault_id = vault.get("id") if isinstance(vault, dict) else None
        if not isinstance(vault_id, str) or not isinstance(name, str):
            raise TemplateError(
                "InvalidRequestContent",
                "The request content was invalid: a parameter's reference names no Key Vault secret.",
            )
        if self.runtime is None:
            return Unknown(f"{vault_id}/secrets/{name}")
        return self.runtime.secret(vault_id, name, str(reference.get("secretVersion") or ""))

    def _declared(self) -> list[Resource]:
        declared = resources.unroll(self.template, Frame(self, Phase.DECLARATION), self.scope)
        check_resource_count(len(declared))
        seen: set[str] = set()
        for resource in declared:
            if resource.key in seen:
                raise invalid(
                    f"The resource '{resource.id}' is defined multiple times in a template. "
                    "Please see https://aka.ms/arm-syntax-resources for usage details."
                )
            seen.add(resource.key)
        self._references.directory = dependencies.Directory(declared, resources.loop_names(self.template))
        return dependencies.with_dependencies(declared, self._references.directory)

    # What the caller walks through

    def resources(self) -> list[Resource]:
        """Those whose condition holds, each after all that it depends on."""
        return [resource for resource in self._resources if resource.deployed]

    def evaluate(self, resource: Resource) -> Expected:
        """The resource with its body evaluated. Of a deployment the properties lack template and parameters."""
        body = self.body(resource)
        location = body.get("location")
        by_key = {item.key: item.id for item in self._resources}
        return Expected(
            symbolic_name=resource.key if resource.symbolic_name else "",
            id=resource.id,
            type=resource.type,
            name=resource.name,
            api_version=resource.api_version,
            scope=resource.scope,
            location=location if isinstance(location, str) else "",
            existing=resource.existing,
            body=body,
            depends_on=tuple(by_key[key] for key in resource.depends_on),
        )

    def body(self, resource: Resource) -> JsonObject:
        wanted = {key: value for key, value in resource.declaration.items() if key.lower() not in _DIRECTIVES}
        properties = wanted.get("properties")
        if resource.is_deployment and isinstance(properties, dict):
            kept = {key: value for key, value in properties.items() if key not in ("template", "parameters")}
            wanted["properties"] = kept
        evaluated = self._evaluate_for(resource, wanted)
        return evaluated if isinstance(evaluated, dict) else {}

    def _evaluate_for(self, resource: Resource, value: JsonValue) -> JsonValue:
        frame = replace(resource.frame, phase=Phase.BODY)
        try:
            with bounded():
                return evaluate(value, frame)
        except ExpressionError as error:
            if self.runtime is not None:
                raise unprocessable(resource.id, str(error)) from None
            raise invalid(
                f"The template resource '{resource.name}' is not valid: {error}. "
                "Please see https://aka.ms/arm-functions for usage details."
            ) from None

    def nested(self, resource: Resource) -> Evaluator:
        """The deployment that a resource of type Microsoft.Resources/deployments stands for."""
        if self.runtime is None and resource.key in self._nested:
            return self._nested[resource.key]
        properties = self._nested_properties(resource)
        nested = Evaluator(
            properties.get("template"),
            properties.get("parameters") or {},
            self._nested_scope(resource),
            runtime=self.runtime,
            surroundings=replace(self.surroundings, deployment_name=resource.name),
            parent=self,
        )
        self._nested[resource.key] = nested
        return nested

    def waits(self, resource: Resource) -> bool:
        """Whether parameters of a nested deployment are known only while this runs: nobody can look into it before."""
        return contains_unknown(self._nested_properties(resource).get("parameters"))

    def _nested_properties(self, resource: Resource) -> JsonObject:
        properties = resource.declaration.get("properties")
        if not isinstance(properties, dict):
            raise invalid(f"The template resource '{resource.name}' is not valid: it has no properties")
        if "templateLink" in properties:
            link = self._evaluate_for(resource, properties["templateLink"])
            named = link if isinstance(link, dict) else {}
            where = named.get("uri") or named.get("id") or named.get("relativePath")
            message = f"Unable to download deployment content from '{where}'."
            raise TemplateError("InvalidContentLink", message, resource.id)
        if dependencies.is_inner(resource):
            parameters = self._evaluate_for(resource, properties.get("parameters") or {})
            return {"template": properties.get("template"), "parameters": parameters}
        chosen = {key: properties[key] for key in ("template", "parameters") if key in properties}
        evaluated = self._evaluate_for(resource, chosen)
        return evaluated if isinstance(evaluated, dict) else {}

    def _nested_scope(self, resource: Resource) -> DeploymentScope:
        with as_invalid(f"The template resource '{resource.name}' is not valid"):
            scope = resources.target_scope(resource.declaration, resource.frame, self.scope)
        if scope.level is Level.RESOURCE_GROUP:
            return scope if scope == self.scope else replace(scope, location="")
        location = self._evaluate_for(resource, resource.declaration.get("location"))
        return replace(scope, location=location if isinstance(location, str) else "")

    def outputs(self) -> dict[str, TypedValue]:
        """Those whose condition holds. Raises TemplateError for one that does not have its declared type."""
        if self.runtime is not None or self._outputs is None:
            self._outputs = self._evaluated_outputs()
        return self._outputs

    def _evaluated_outputs(self) -> dict[str, TypedValue]:
        result: dict[str, TypedValue] = {}
        for name, declaration in self.template.outputs.items():
            with bounded(), as_invalid(f"The template output '{name}' is not valid"):
                frame = Frame(self, Phase.OUTPUT)
                if evaluate(declaration.get("condition", True), frame) is not False:
                    result[name] = self._output(name, declaration, frame)
        return result

    def _output(self, name: str, declaration: JsonObject, frame: Frame) -> TypedValue:
        loop = declaration.get("copy")
        if isinstance(loop, dict):
            value: JsonValue = _output_loop(name, loop, frame)
        elif "value" in declaration:
            value = evaluate(declaration["value"], frame)
        else:
            raise ExpressionError("It has neither a value nor a copy loop.")
        try:
            self.template.types.check(value, declaration)
        except MismatchError as error:
            raise ExpressionError(f"Template output JToken type is not valid. {error.reason}") from None
        return typed(self.template.types, declaration, value)

    # What expressions ask for

    def parameter(self, name: str) -> JsonValue:
        return self._definitions.parameter(name)

    def variable(self, name: str) -> JsonValue:
        return self._definitions.variable(name)

    def call_user_function(self, name: str, arguments: list[JsonValue], frame: Frame) -> JsonValue:
        return self._definitions.call(name, arguments, frame)

    def deployment(self) -> JsonObject:
        """What deployment() answers; templateHash is left out where nobody knows how it is made."""
        result: JsonObject = {"name": self.surroundings.deployment_name}
        if self.scope.level is not Level.RESOURCE_GROUP:
            result["location"] = self.scope.location
        result["properties"] = {
            "template": self.template.source,
            **_hashed(self.template.source),
            "parameters": {name: {"value": value} for name, value in self._definitions.passed.items()},
            "mode": "Incremental",
            "provisioningState": "Accepted",
        }
        return result

    def resource_group(self) -> JsonObject:
        return self._references.resource_group()

    def reference(self, target: str, api_version: str, *, full: bool) -> JsonValue:
        return self._references.reference(target, api_version, full=full)

    def references(self, symbolic_name: str, *, full: bool) -> JsonValue:
        return self._references.references(symbolic_name, full=full)

    def list(self, target: str, function: str, api_version: str, value: JsonValue) -> JsonValue:
        return self._references.list(target, function, api_version, value)

    def resource_info(self, symbolic_name: str) -> JsonObject:
        return self._references.resource_info(symbolic_name)


def _hashed(template: JsonObject) -> JsonObject:
    try:
        return {"templateHash": template_hash(template)}
    except (ValueError, TypeError, AttributeError):
        return {}


def _output_loop(name: str, loop: JsonObject, frame: Frame) -> list[JsonValue]:
    if "count" not in loop or "input" not in loop:
        raise ExpressionError("The copy element of an output needs a count and an input.")
    count = copies.checked_count(evaluate(loop["count"], frame), name)
    return [evaluate(loop["input"], replace(frame, turn=Iteration("", index))) for index in range(count)]
