"""The name of the custom role in the environment files, which give it to the Databricks service principal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dbxwizard import parameters
from dbxwizard.backend.project import loaded_files
from dbxwizard.parameters.nodes import Node, Object, Scalar, children
from dbxwizard.steps.azure.role_assignments import BUILT_IN_ROLES

_PRINCIPAL = "databricks-spn"


def custom_names(root: Path) -> tuple[str, ...]:
    """Those that the files give to it and that are none of Azure's own that we know, in the order of the files."""
    drafts = (file.draft for file in loaded_files(root).files if file.draft)
    given = (one for draft in drafts for one in draft.role_assignments if one.principal == _PRINCIPAL)
    names = dict.fromkeys(name for one in given for name in one.roles)
    return tuple(name for name in names if name not in BUILT_IN_ROLES)


def rename(root: Path, old: str, new: str) -> tuple[str, ...]:
    """Writes `new` wherever a file gives the role `old`; the names of the files that were changed. OperationError."""
    changed = []
    for file in loaded_files(root).files:
        tree = file.rewritten.parsed.root if file.rewritten else None
        place = tree.get("RBAC_Assignments") if isinstance(tree, Object) else None
        found = list(_pointers(place, old, "/RBAC_Assignments")) if place else []
        if found:
            parameters.set_values(file.document.path, dict.fromkeys(found, new))
            changed.append(file.document.path.name)
    return tuple(changed)


def _pointers(node: Node, text: str, pointer: str) -> Iterator[str]:
    if isinstance(node, Scalar) and node.value == text:
        yield pointer
    for name, child in children(node):
        yield from _pointers(child, text, f"{pointer}/{name}")
