"""Takes from the official API descriptions which fields each operation has, for tests/proof/api_fields.json.

    python tools/api_fields.py --github api.github.com.json --graph cleanMetadata.xml > tests/proof/api_fields.json

GitHub: descriptions/api.github.com/api.github.com.json of github/rest-api-description. Graph:
clean_v10_metadata/cleanMetadata.xml of microsoftgraph/msgraph-metadata. Only the operations that the sandbox plays are
taken, of each its names and types:

`{"name": type}`; a name that ends in `?` may be left out; `[type]` a list; `"a|b"` alternatives of plain types. What
lies deeper than DEEPEST, or is free, is "object".
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from dbxwizard.sandbox.github.service import GitHubService
from dbxwizard.sandbox.graph.service import GraphService
from dbxwizard.sandbox.http import Route

DEEPEST = 4
_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_PLAIN = {"Edm.Boolean": "boolean", "Edm.Int32": "integer", "Edm.Int64": "integer"}


def plain(path: str) -> str:
    """A path whose parameters have no names."""
    return re.sub(r"\{[^}]*\}", "{}", path)


class GitHub:
    """An OpenAPI description."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._description = description
        self._paths = {plain(path): operations for path, operations in description["paths"].items()}

    def operation(self, route: Route) -> dict[str, Any] | None:
        found = self._paths.get(plain(route.path).rstrip("/") or "/", {})
        operation = found.get(route.method.lower())
        if operation is None:
            return None
        parameters = [self._at(one) for one in (*found.get("parameters", ()), *operation.get("parameters", ()))]
        made: dict[str, Any] = {"query": sorted(one["name"] for one in parameters if one["in"] == "query")}
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        return made | ({"body": self._type(content["schema"])} if content else {})

    def _at(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a `$ref` points to."""
        while "$ref" in schema:
            found: Any = self._description
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema

    def _type(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        schema = self._at(schema)
        if depth > DEEPEST:
            return "object"
        if "allOf" in schema:
            return self._merged(schema["allOf"], depth)
        if "properties" in schema:
            required = schema.get("required", ())
            fields = schema["properties"].items()
            return {name if name in required else f"{name}?": self._type(one, depth + 1) for name, one in fields}
        if schema.get("type") == "array":
            return [self._type(schema.get("items", {}), depth + 1)]
        alternatives = schema.get("oneOf") or schema.get("anyOf")
        return self._either(alternatives, depth) if alternatives else schema.get("type", "object")

    def _merged(self, parts: Iterable[Mapping[str, Any]], depth: int) -> Any:
        found = [self._type(one, depth) for one in parts]
        return {name: kind for one in found if isinstance(one, dict) for name, kind in one.items()} or found[0]

    def _either(self, alternatives: Iterable[Mapping[str, Any]], depth: int) -> Any:
        """Of several objects all fields, none of them needed; likewise of what several have under one name."""
        found = [self._type(one, depth) for one in alternatives]
        if all(isinstance(one, str) for one in found):
            return "|".join(dict.fromkeys(found))
        objects = [one for one in found if isinstance(one, dict)]
        if len(objects) < len(found):
            return "object"
        return _union(objects)


def _union(objects: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, kind in ((f"{name.rstrip('?')}?", kind) for one in objects for name, kind in one.items()):
        known = made.get(name)
        made[name] = _union([known, kind]) if isinstance(known, dict) and isinstance(kind, dict) else kind
    return made


class Graph:
    """An OData metadata document."""

    def __init__(self, document: ElementTree.Element) -> None:
        root = next(one for one in document.iter(_EDM + "Schema") if one.get("Namespace") == "microsoft.graph")
        kinds = [one for kind in ("EntityType", "ComplexType") for one in root.iter(_EDM + kind)]
        self._types = {f"graph.{one.get('Name')}": one for one in kinds}
        self._actions = list(root.iter(_EDM + "Action"))
        roots = [one for kind in ("EntitySet", "Singleton") for one in root.iter(_EDM + kind)]
        self._roots = {str(one.get("Name")): _inner(str(one.get("EntityType") or one.get("Type"))) for one in roots}

    def operation(self, route: Route) -> dict[str, Any] | None:
        words = plain(route.path).removeprefix("/v1.0/").split("/")
        kind, action = self._walk([word for word in words if word != "{}" and not word.startswith("microsoft.graph.")])
        if kind is None and action is None:
            return None
        if route.method not in ("POST", "PATCH"):
            return {}
        return {"body": self._action(action) if action is not None else self._fields(str(kind))}

    def _walk(self, words: list[str]) -> tuple[str | None, ElementTree.Element | None]:
        """The type that a path leads to, or the action at its end."""
        kind = self._roots.get(words[0])
        for word in words[1:]:
            inner = self._navigation(str(kind), word)
            if inner is None:
                return None, self._bound(str(kind), word)
            kind = inner
        return kind, None

    def _navigation(self, kind: str, name: str) -> str | None:
        for one in self._lineage(kind):
            for found in one.iter(_EDM + "NavigationProperty"):
                if found.get("Name") == name:
                    return _inner(str(found.get("Type")))
        return None

    def _bound(self, kind: str, name: str) -> ElementTree.Element | None:
        names = {f"graph.{one.get('Name')}" for one in self._lineage(kind)}
        for action in self._actions:
            bound = action.find(_EDM + "Parameter")
            if action.get("Name") == name and bound is not None and _inner(str(bound.get("Type"))) in names:
                return action
        return None

    def _lineage(self, kind: str) -> list[ElementTree.Element]:
        """A type and those that it is made from."""
        found = self._types.get(kind)
        return [] if found is None else [found, *self._lineage(str(found.get("BaseType")))]

    def _action(self, action: ElementTree.Element) -> dict[str, Any]:
        parameters = list(action.iter(_EDM + "Parameter"))[1:]
        return {f"{one.get('Name')}?": self._type(str(one.get("Type")), 0) for one in parameters}

    def _fields(self, kind: str, depth: int = 0) -> dict[str, Any]:
        properties = [one for part in self._lineage(kind) for one in part.iter(_EDM + "Property")]
        return {f"{one.get('Name')}?": self._type(str(one.get("Type")), depth) for one in properties}

    def _type(self, text: str, depth: int) -> Any:
        if text.startswith("Collection("):
            return [self._type(_inner(text), depth)]
        if text not in self._types:
            return _PLAIN.get(text, "string")
        return self._fields(text, depth + 1) if depth < 1 else "object"


def _inner(text: str) -> str:
    """A type without the collection around it, under the schema's short name."""
    return text.removeprefix("Collection(").removesuffix(")").removeprefix("microsoft.")


def operations(routes: Iterable[Route], description: GitHub | Graph) -> dict[str, Any]:
    """Each operation of `routes` that the description has, by method and path without names."""
    found = {f"{route.method} {plain(route.path)}": description.operation(route) for route in routes}
    return {name: found[name] for name in sorted(found) if found[name] is not None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--github", type=Path, required=True)
    parser.add_argument("--graph", type=Path, required=True)
    given = parser.parse_args()
    github = GitHub(json.loads(given.github.read_bytes()))
    graph = Graph(ElementTree.parse(given.graph).getroot())  # noqa: S314  a file that somebody chose
    made = {
        "github": operations(GitHubService().routes, github),
        "graph": operations(GraphService().routes, graph),
    }
    json.dump(made, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
