"""The parts of a template, checked for shape and for the limits of Resource Manager.

learn.microsoft.com/azure/azure-resource-manager/templates/syntax and …/templates/best-practices (template limits).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dbxwizard.arm_template.errors import TemplateError, invalid
from dbxwizard.arm_template.scope import Level
from dbxwizard.arm_template.types import Types
from dbxwizard.arm_template.values import MAX_SIZE, JsonObject, JsonValue

MAX_PARAMETERS = 256
MAX_VARIABLES = 256
MAX_RESOURCES = 800  # counting each turn of a copy loop
MAX_OUTPUTS = 64
MAX_NESTING = 5  # deployments within deployments

_SECTIONS = {
    "$schema",
    "languageversion",
    "contentversion",
    "apiprofile",
    "metadata",
    "definitions",
    "parameters",
    "functions",
    "variables",
    "resources",
    "outputs",
}
_LANGUAGE_VERSIONS = (
    None,
    "1.0",
    "1.9-experimental",
    "1.10-experimental",
    "2.0",
    "2.1-experimental",
    "2.2-experimental",
)
_SCHEMA = re.compile(r"https?://schema\.management\.azure\.com/schemas/[\w-]+/(\w+)\.json#?", re.IGNORECASE)
_SCHEMA_LEVELS = {
    "deploymenttemplate": Level.RESOURCE_GROUP,
    "subscriptiondeploymenttemplate": Level.SUBSCRIPTION,
    "managementgroupdeploymenttemplate": Level.MANAGEMENT_GROUP,
    "tenantdeploymenttemplate": Level.TENANT,
}


@dataclass(frozen=True, slots=True)
class UserFunction:
    """`parameters`: the declarations, each with its name; `output`: the declaration with its value."""

    name: str
    parameters: tuple[JsonObject, ...]
    output: JsonObject


@dataclass(frozen=True, slots=True)
class Template:
    """Sections as written. `symbolic`: resources are an object, and their keys are their symbolic names."""

    source: JsonObject
    parameters: Mapping[str, JsonObject]
    variables: Mapping[str, JsonValue]
    resources: tuple[tuple[str, JsonObject], ...]  # symbolic name or "", declaration
    outputs: Mapping[str, JsonObject]
    functions: Mapping[str, UserFunction]  # by namespace.name, in lower case
    symbolic: bool
    types: Types = field(repr=False)


def parse_template(source: JsonValue, level: Level) -> Template:
    """Raises TemplateError for anything that Resource Manager refuses before it looks at expressions."""
    if not isinstance(source, dict):
        raise TemplateError("InvalidRequestContent", "The request content was invalid: the template is not an object.")
    sections = {key.lower(): value for key, value in source.items()}
    _check_sections(source, sections)
    _check_schema(sections.get("$schema"), level)
    resources = sections.get("resources")
    types = Types(_object(sections, "definitions"))
    return Template(
        source=source,
        parameters=_declarations(sections, "parameters", MAX_PARAMETERS, "parameters"),
        variables=_variables(_object(sections, "variables")),
        resources=_resources(resources),
        outputs=_declarations(sections, "outputs", MAX_OUTPUTS, "output parameters"),
        functions=_functions(sections.get("functions") or []),
        symbolic=isinstance(resources, dict),
        types=types,
    )


def check_size(source: JsonValue) -> None:
    try:
        size = len(json.dumps(source, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except (ValueError, TypeError, RecursionError):
        raise invalid("The template is not valid JSON or is nested too deeply") from None
    if size > MAX_SIZE:
        raise _limit("The template size", MAX_SIZE, size)


def _limit(what: str, limit: int, actual: int) -> TemplateError:
    return invalid(
        f"{what} limit exceeded. Limit: '{limit}' and actual: '{actual}'. "
        "Please see https://aka.ms/arm-deploy for usage details."
    )


def check_resource_count(count: int) -> None:
    if count > MAX_RESOURCES:
        raise _limit("The number of template resources", MAX_RESOURCES, count)


def _check_sections(source: JsonObject, sections: JsonObject) -> None:
    for key in source:
        if key.lower() not in _SECTIONS and (source[key] or key.lower() not in ("imports", "extensions", "asserts")):
            raise TemplateError(
                "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: "
                f"'Could not find member '{key}' on object of type 'Template'. Path 'properties.template.{key}'.'.",
            )
    version = sections.get("languageversion")
    if version not in _LANGUAGE_VERSIONS:
        raise invalid(f"The template language version '{version}' is not supported")
    if not isinstance(sections.get("contentversion"), str):
        raise invalid("The template has no content version. Please see https://aka.ms/arm-syntax for usage details.")
    if isinstance(sections.get("resources"), dict) and version in (None, "1.0"):
        raise invalid("Resources as an object need the template language version '2.0'")


def _check_schema(schema: JsonValue, level: Level) -> None:
    match = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
    declared = _SCHEMA_LEVELS.get(match.group(1).lower()) if match else None
    if declared is None:
        help_text = "Please see https://aka.ms/arm-syntax for usage details."
        raise invalid(f"The template schema '{schema}' is not supported. {help_text}")
    # That of resource groups is taken at a subscription too: the recorded requests of Azure/azure-cli show it.
    if declared not in (level, Level.RESOURCE_GROUP):
        raise invalid(
            f"The template schema '{schema}' is for a deployment at {declared.value} scope "
            f"and not supported for one at {level.value} scope"
        )


def _object(sections: JsonObject, name: str) -> JsonObject:
    value = sections.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"The template section '{name}' is not an object")
    return value


def _declarations(sections: JsonObject, name: str, limit: int, what: str) -> dict[str, JsonObject]:
    section = _object(sections, name)
    if len(section) > limit:
        raise _limit(f"The number of template {what}", limit, len(section))
    for key, value in section.items():
        if not isinstance(value, dict):
            raise invalid(f"The template {name.removesuffix('s')} '{key}' is not an object")
    return section


def _variables(section: JsonObject) -> JsonObject:
    loops = section.get("copy")
    count = len(section) - ("copy" in section) + (len(loops) if isinstance(loops, list) else 0)
    if count > MAX_VARIABLES:
        raise _limit("The number of template variables", MAX_VARIABLES, count)
    return section


def _resources(section: JsonValue) -> tuple[tuple[str, JsonObject], ...]:
    if isinstance(section, dict):
        pairs = list(section.items())
    elif isinstance(section, list):
        pairs = [("", item) for item in section]
    else:
        raise invalid("The template has no resources. Please see https://aka.ms/arm-syntax for usage details.")
    for name, value in pairs:
        if not isinstance(value, dict):
            raise invalid(f"The template resource '{name}' is not an object")
    return tuple(pairs)


def _functions(section: JsonValue) -> dict[str, UserFunction]:
    result: dict[str, UserFunction] = {}
    for entry in section if isinstance(section, list) else [section]:
        namespace, members = (entry.get("namespace"), entry.get("members")) if isinstance(entry, dict) else (None, None)
        if not isinstance(namespace, str) or not isinstance(members, dict):
            raise invalid("The template functions are not a list of namespaces with their members")
        for name, body in members.items():
            result[f"{namespace}.{name}".lower()] = _user_function(f"{namespace}.{name}", body)
    return result


def _user_function(name: str, body: JsonValue) -> UserFunction:
    parameters = (body.get("parameters") or []) if isinstance(body, dict) else None
    output = body.get("output") if isinstance(body, dict) else None
    named = isinstance(parameters, list) and all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in parameters
    )
    if not named or not isinstance(output, dict) or "value" not in output:
        raise invalid(f"The template function '{name}' needs named parameters and an output with a value")
    return UserFunction(name, tuple(parameters or ()), output)
