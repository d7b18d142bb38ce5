"""What the Bicep compiler writes for the plain part of the language that bicep/ uses.

Each rule was read in the compiler's sources (Azure/bicep, src/Bicep.Core/Emit, version 0.46.1) and tried on its own
samples. What it does not know is refused, never skipped. `python arm_emitter.py main.bicep` prints main.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from dbxwizard.arm_template.template_hash import template_hash
from tests.bicep.bicep_tree import (
    Array,
    BicepFile,
    Declaration,
    Interpolated,
    Literal,
    Loop,
    Name,
    Node,
    Object,
    Operation,
    Property,
    read_file,
    walk,
)

Json = Any
Reader = Callable[[BicepFile, str], BicepFile]

COMPILER = {"name": "bicep", "version": "0.46.1.21595"}
NESTED_DEPLOYMENT_API = "2025-04-01"
SCHEMAS = {
    "subscription": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
    "resourceGroup": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
}
CONSTRAINTS = ("minLength", "maxLength", "minValue", "maxValue")
NOT_IN_THE_BODY = ("name", "parent", "scope", "dependsOn")


def read_module(parent: BicepFile, path: str) -> BicepFile:
    return read_file(parent.path.parent / path)


def emit(file: BicepFile, read: Reader = read_module, generator: Mapping[str, str] = COMPILER) -> Json:
    """The template, as Python's json gives it, in the order in which the compiler writes it."""
    return _Emitter(file, read, generator).template()


@dataclass
class _Emitter:
    file: BicepFile
    read: Reader
    generator: Mapping[str, str]
    locals: dict[str, str] = field(default_factory=dict)  # the item of a loop → its ARM expression

    def __post_init__(self) -> None:
        # Outputs have a namespace of their own.
        self.symbols = {one.name: one for one in self.file.declarations if one.kind != "output"}

    def template(self) -> Json:
        generator: dict[str, str] = dict(self.generator)
        template: dict[str, Json] = {
            "$schema": SCHEMAS[self.file.target_scope],
            "contentVersion": "1.0.0.0",
            "metadata": {"_generator": generator, **self.file.metadata},
            "parameters": {one.name: self.parameter(one) for one in self.file.of("param")},
            "variables": {one.name: self.value(_given(one)) for one in self.file.of("var")},
            "resources": [
                *(self.resource(one) for one in self.file.of("resource")),
                *(self.module(one) for one in self.file.of("module")),
            ],
            "outputs": {one.name: self.output(one) for one in self.file.of("output")},
        }
        template = {key: part for key, part in template.items() if part or key == "resources"}
        generator["templateHash"] = template_hash(template)
        return template

    def parameter(self, declaration: Declaration) -> Json:
        if declaration.value is None:
            return self.decorated(declaration, {"type": declaration.detail})
        return self.decorated(declaration, {"type": declaration.detail, "defaultValue": self.value(declaration.value)})

    def decorated(self, declaration: Declaration, base: Json) -> Json:
        decorators = {name: self.value(argument) for name, argument in declaration.decorators}
        unknown = set(decorators) - {"description", "allowed", *CONSTRAINTS}
        if unknown:
            raise ValueError(f"the decorators {unknown} are not known")
        if "allowed" in decorators:
            base["allowedValues"] = decorators["allowed"]
        base.update({name: decorators[name] for name in CONSTRAINTS if name in decorators})
        if "description" in decorators:
            base["metadata"] = {"description": decorators["description"]}
        return base

    def output(self, declaration: Declaration) -> Json:
        output = self.decorated(declaration, {"type": declaration.detail})
        output["value"] = self.value(_given(declaration))
        return output

    def resource(self, declaration: Declaration) -> Json:
        resource: dict[str, Json] = {}
        body, loop = self.body(declaration), declaration.value
        if isinstance(loop, Loop):
            resource["copy"] = {"name": declaration.name, "count": f"[length({self.text(loop.array)})]"}
            self.locals[loop.item] = f"{self.text(loop.array)}[copyIndex()]"
        resource["type"], resource["apiVersion"] = declaration.detail.split("@")
        scope = body.get("scope")
        if scope is not None:
            resource["scope"] = f"[{self.resource_id(self.symbol(scope))}]"
        resource["name"] = self.resource_name(declaration)
        resource.update(self.value(body.without(*NOT_IN_THE_BODY)))
        resource |= self.depends_on(declaration)
        self.locals.clear()
        return resource

    def module(self, declaration: Declaration) -> Json:
        body = self.body(declaration)
        nested = self.read(self.file, declaration.detail)
        module: dict[str, Json] = {
            "type": "Microsoft.Resources/deployments",
            "apiVersion": NESTED_DEPLOYMENT_API,
            "name": self.value(_required(body, "name")),
        }
        if body.get("scope") is not None:
            module["resourceGroup"] = self.value(self.group_name(body))
        parameters = body.get("params") or Object(())
        if not isinstance(parameters, Object):
            raise ValueError("params is no object")  # noqa: TRY004
        module["properties"] = {
            "expressionEvaluationOptions": {"scope": "inner"},
            "mode": "Incremental",
            **self.module_parameters(parameters),
            "template": emit(nested, self.read, self.generator),
        }
        return module | self.depends_on(declaration)

    def module_parameters(self, parameters: Object) -> Json:
        if not parameters.pairs:
            return {}
        if any(isinstance(value, Operation) and value.function == "if" for _, value in parameters.pairs):
            raise ValueError("a condition as the value of a module's parameter is not known")
        return {"parameters": {name: {"value": self.value(value)} for name, value in parameters.pairs}}

    def depends_on(self, declaration: Declaration) -> Json:
        names = {node.name for node in walk(declaration.value) if isinstance(node, Name)} - {declaration.name}
        names = {name for name in names if self.kind(name) in ("resource", "module")}
        ids = [self.dependency(self.symbols[name]) for name in sorted(names, key=str.lower)]
        return {"dependsOn": ids} if ids else {}

    def dependency(self, declaration: Declaration) -> str:
        return declaration.name if isinstance(declaration.value, Loop) else f"[{self.resource_id(declaration)}]"

    def kind(self, name: str) -> str:
        return self.symbols[name].kind if name in self.symbols else ""

    def body(self, declaration: Declaration) -> Object:
        body = declaration.value.body if isinstance(declaration.value, Loop) else declaration.value
        if not isinstance(body, Object):
            raise ValueError(f"the body of {declaration.name} is not known")  # noqa: TRY004
        return body

    def symbol(self, node: Node) -> Declaration:
        if not isinstance(node, Name) or node.name not in self.symbols:
            raise ValueError(f"{node} is no symbol of this file")
        return self.symbols[node.name]

    def group_name(self, module_body: Object) -> Node:
        group = self.symbol(_required(module_body, "scope"))
        if not group.detail.startswith("Microsoft.Resources/resourceGroups@"):
            raise ValueError(f"the scope {group.name} is not known")
        return _required(self.body(group), "name")

    def name_segments(self, declaration: Declaration) -> list[Node]:
        body = self.body(declaration)
        parent = body.get("parent")
        return [*(self.name_segments(self.symbol(parent)) if parent else ()), _required(body, "name")]

    def resource_name(self, declaration: Declaration) -> Json:
        segments = self.name_segments(declaration)
        if len(segments) == 1:
            return self.value(segments[0])
        places = "/".join(f"{{{index}}}" for index in range(len(segments)))
        return f"[format('{places}', {self.texts(segments)})]"

    def resource_id(self, declaration: Declaration) -> str:
        body = self.body(declaration)
        if declaration.kind == "module":
            return self.module_id(body)
        kind = declaration.detail.split("@")[0]
        scope = body.get("scope")
        if scope is not None:
            scope_id = self.resource_id(self.symbol(scope))
            return f"extensionResourceId({scope_id}, '{kind}', {self.texts(self.name_segments(declaration))})"
        function = "subscriptionResourceId" if self.file.target_scope == "subscription" else "resourceId"
        return f"{function}('{kind}', {self.texts(self.name_segments(declaration))})"

    def module_id(self, body: Object) -> str:
        name = self.text(_required(body, "name"))
        if body.get("scope") is None:
            return f"resourceId('Microsoft.Resources/deployments', {name})"
        group = self.text(self.group_name(body))
        scope = f"format('/subscriptions/{{0}}/resourceGroups/{{1}}', subscription().subscriptionId, {group})"
        return f"extensionResourceId({scope}, 'Microsoft.Resources/deployments', {name})"

    def value(self, node: Node) -> Json:
        """The node as JSON; what has to be computed becomes an expression in square brackets."""
        if isinstance(node, Literal):
            text = node.value
            return f"[{text}" if isinstance(text, str) and text.startswith("[") else text
        if isinstance(node, Array):
            return [self.value(item) for item in node.items]
        if isinstance(node, Object):
            copies = [self.copy(key, loop) for key, loop in node.pairs if isinstance(loop, Loop)]
            plain = {key: self.value(part) for key, part in node.pairs if not isinstance(part, Loop)}
            return {"copy": copies, **plain} if copies else plain
        return f"[{self.text(node)}]"

    def copy(self, name: str, loop: Loop) -> Json:
        array = self.text(loop.array)
        outer = dict(self.locals)
        self.locals[loop.item] = f"{array}[copyIndex('{name}')]"
        copy = {"name": name, "count": f"[length({array})]", "input": self.value(loop.body)}
        self.locals = outer
        return copy

    def texts(self, nodes: tuple[Node, ...] | list[Node]) -> str:
        return ", ".join(self.text(node) for node in nodes)

    @singledispatchmethod
    def text(self, node: Node) -> str:
        """The node as it stands inside an ARM expression."""
        raise ValueError(f"{node} is not known inside an expression")

    @text.register
    def _(self, node: Literal) -> str:
        return _literal(node.value)

    @text.register
    def _(self, node: Interpolated) -> str:
        escaped = [text.replace("{", "{{").replace("}", "}}") for text in node.texts]
        places = "".join(f"{{{index}}}{text}" for index, text in enumerate(escaped[1:]))
        return f"format({_literal(escaped[0] + places)}, {self.texts(node.expressions)})"

    @text.register
    def _(self, node: Name) -> str:
        return self.reference(node.name)

    @text.register
    def _(self, node: Operation) -> str:
        return f"{node.function}({self.texts(node.arguments)})"

    @text.register
    def _(self, node: Array) -> str:
        return f"createArray({self.texts(node.items)})"

    @text.register
    def _(self, node: Object) -> str:
        pairs = ", ".join(f"{_literal(key)}, {self.text(value)}" for key, value in node.pairs)
        return f"createObject({pairs})"

    @text.register
    def _(self, node: Property) -> str:
        return self.property(node)

    def reference(self, name: str) -> str:
        if name in self.locals:
            return self.locals[name]
        function = {"param": "parameters", "var": "variables"}.get(self.kind(name))
        if function is None:
            raise ValueError(f"{name} by itself is not known")
        return f"{function}('{name}')"

    def property(self, node: Property) -> str:
        symbol = self.symbols.get(node.base.name) if isinstance(node.base, Name) else None
        if symbol is None or symbol.kind in ("param", "var"):
            return self.deep_property(node)
        if symbol.kind == "module":
            return f"reference({self.resource_id(symbol)}, '{NESTED_DEPLOYMENT_API}').{node.name}"
        if node.name == "id":
            return self.resource_id(symbol)
        if node.name in ("name", "type", "apiVersion"):
            raise ValueError(f"{symbol.name}.{node.name} is not known")
        api = symbol.detail.split("@")[1]
        if node.name == "properties":
            return f"reference({self.resource_id(symbol)}, '{api}')"
        return f"reference({self.resource_id(symbol)}, '{api}', 'full').{node.name}"

    def deep_property(self, node: Property) -> str:
        base = node.base
        text = f"{self.text(base)}.{node.name}"
        module_output = isinstance(base, Property) and base.name == "outputs" and isinstance(base.base, Name)
        return f"{text}.value" if module_output else text


def _given(declaration: Declaration) -> Node:
    if declaration.value is None:
        raise ValueError(f"{declaration.name} has no value")
    return declaration.value


def _required(body: Object, name: str) -> Node:
    value = body.get(name)
    if value is None:
        raise ValueError(f"there is no {name}")
    return value


def _literal(value: str | int | bool | None) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null()", True: "true()", False: "false()"}[value]
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(emit(read_file(Path(sys.argv[1]))), indent=2, ensure_ascii=False))
