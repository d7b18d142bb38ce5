"""Azure roles that the files give, held against those that the deployer may give."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from dbxwizard.parameters.catalog import did_you_mean, standard_roles
from dbxwizard.parameters.credentials import show
from dbxwizard.parameters.loading import Loaded
from dbxwizard.parameters.model import Environment
from dbxwizard.parameters.nodes import Node, Object, elements, objects, text_of
from dbxwizard.parameters.problems import Problem, in_order


def roles_in_use(environments: Iterable[Environment]) -> frozenset[str]:
    """Names of the Azure roles that the deployer of these environments has to be allowed to give: those in the files
    (RBAC_Assignments and Access) and the standard ones."""
    named = {
        role
        for environment in environments
        for one in (
            *(assignment.roles for assignment in environment.role_assignments),
            *(access.data_roles for access in environment.access),
        )
        for role in one
    }
    return standard_roles() | named


def check_roles(loaded: Loaded, allowed: Collection[str] | None = None) -> tuple[Problem, ...]:
    """A `role-not-allowed` for each role outside `allowed` (None: the standard ones). Case does not count."""
    names = standard_roles() if allowed is None else allowed
    folded = {name.casefold() for name in names}
    root = loaded.rewritten.parsed.root if loaded.rewritten and loaded.rewritten.parsed.sound else None
    return in_order(
        Problem(loaded.location(node.start), "error", "role-not-allowed", _message(role), _advice(role, names))
        for node in _role_nodes(root)
        if (role := text_of(node)) and role.casefold() not in folded
    )


def _message(role: str) -> str:
    return f"the deployer may not give the role {show(role)}"


def _advice(role: str, names: Collection[str]) -> str:
    meant = did_you_mean(role, names)
    return f"{meant} If not, run setup again" if meant else "run setup again: it extends the condition"


def _role_nodes(root: Node | None) -> Iterator[Node]:
    if isinstance(root, Object):
        for one in objects(root.get("RBAC_Assignments")):
            yield from elements(one.get("roles"))
        for one in objects(root.get("Access")):
            yield from elements(one.get("DataRoles"))
