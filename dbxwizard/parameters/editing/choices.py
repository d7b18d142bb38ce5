"""What a field can be set to: the short list that it takes, names of this file, and lists of the clouds.

The lists of the clouds are bundled (catalog.py). Somebody who is signed in can bring live ones: a LiveLists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from dbxwizard.parameters import catalog
from dbxwizard.parameters.editing.paths import FieldPath, node_at, shape_at
from dbxwizard.parameters.nodes import Node, Object, children, objects, text_of
from dbxwizard.parameters.shapes import Flag, ListOf, MapOf, Record, Shape, Text

LIVE_KINDS = ("region", "node-type", "runtime", "role", "principal")  # what a LiveLists is asked for
_CORES = re.compile(r"Standard_[A-Z]+(\d+)(?!.*_v2$)")
_SOURCES = (
    ("databricks-spn.client-id", "the Databricks service principal's client id"),
    ("databricks-spn.client-secret", "its secret, with --auth secret"),
    ("tenant-id", "the tenant"),
    ("application-insights.connection-string", "of this environment"),
    ("key-vault:", "and the name of a secret in the Key Vault"),
    ("environment:", "and the name of an environment variable of the deployment"),
)
NAMED_PRINCIPALS = (
    ("databricks-spn", "the service principal that owns what lives in Databricks"),
    ("main-spn", "the service principal that deploys"),
    ("me", "you, when you run setup"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """`note` says in words what helps to choose, such as "LTS, supported until 2028-10-22"."""

    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """`kind` names the list (LIVE_KINDS and those of one file, "" for what the declaration allows). `closed`: nothing
    else is allowed."""

    kind: str
    items: tuple[Choice, ...]
    closed: bool = False

    def values(self) -> list[str]:
        return [one.value for one in self.items]


@dataclass(frozen=True, slots=True)
class LiveList:
    """`whole`: there are no more; else more are found by how their names begin."""

    items: tuple[Choice, ...]
    whole: bool = True


class LiveLists(Protocol):
    """Lists as the services have them now."""

    async def fetch(self, kind: str, environment: str, text: str = "") -> LiveList | None:
        """One of LIVE_KINDS for an environment, by its name; None where nobody is signed in or the service refuses.

        `text`: what was written so far, for a list that is not whole.
        """


def choices_at(root: Node | None, path: FieldPath) -> Choices | None:
    """What the value at a path can be; None where nothing can be known."""
    shape = shape_at(path)
    match shape:
        case Flag():
            return Choices("", (Choice("true"), Choice("false")), closed=True)
        case Text(allowed=allowed) if allowed:
            return Choices("", tuple(Choice(one) for one in allowed), closed=True)
        case Text():
            return _listed(shape, root, path)
    return None


def keys_at(root: Node | None, path: FieldPath) -> Choices | None:
    """Keys that the object at a path can get: those declared and not there yet, or names that a map is about."""
    shape = shape_at(path)
    node = node_at(root, path)
    there = {member.name for member in node.members} if isinstance(node, Object) else set()
    if isinstance(shape, Record):
        declared = (Choice(one.name, one.doc) for one in shape.fields if one.name not in there)
        return Choices("", tuple(declared), closed=True)
    if isinstance(shape, MapOf):
        known = _listed(shape.key, root, path)
        left = [one for one in known.items if one.value not in there] if known else []
        return Choices(known.kind if known else "", tuple(left))
    return None


def bundled(kind: str) -> tuple[Choice, ...]:
    """The list of one of LIVE_KINDS for which nobody has to be signed in."""
    return tuple(_LISTS[kind](None, ()))


def kind_of(shape: Shape | None) -> str:
    return (shape.suggest or shape.check) if isinstance(shape, Text) else ""


def _listed(shape: Text, root: Node | None, path: FieldPath) -> Choices | None:
    kind = kind_of(shape)
    lister = _LISTS.get(kind)
    return Choices(kind, tuple(lister(root, path))) if lister else None


def _regions(root: Node | None, path: FieldPath) -> Iterator[Choice]:
    yield from map(Choice, sorted(catalog.regions()))


def _node_types(root: Node | None, path: FieldPath) -> Iterator[Choice]:
    def order(name: str) -> list[tuple[int, str]]:
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]

    for name in sorted(catalog.node_types(), key=order):
        cores = _CORES.match(name)
        yield Choice(name, f"{cores[1]} cores" if cores else "")


def _runtimes(root: Node | None, path: FieldPath) -> Iterator[Choice]:
    """The recommended one, then from new to old, those without support last."""
    recommended = catalog.recommended_runtime()

    def order(one: tuple[str, dict[str, object]]) -> tuple[bool, bool, list[int]]:
        version, _ = one
        return (
            catalog.support_ended(version),
            not recommended.startswith(f"{version}."),
            [-int(part) for part in version.split(".")],
        )

    for version, known in sorted(catalog.runtimes().items(), key=order):
        current = known.get("lts") and not catalog.support_ended(version)
        for scala in reversed(known["scala"]):
            for flavour in ("", "cpu-ml-", "gpu-ml-") if current else ("",):
                key = f"{version}.x-{flavour}scala{scala}"
                yield Choice(key, runtime_note(key))


def runtime_note(key: str) -> str:
    """What the catalog knows of a runtime such as 17.3.x-cpu-ml-scala2.13, in words; "" where it does not know it."""
    version = catalog.runtime_version(key)
    known = catalog.runtimes().get(version)
    if known is None:
        return ""
    flavour = "machine learning with GPU, " if "gpu-ml" in key else "machine learning, " if "ml-" in key else ""
    words = "no support since" if catalog.support_ended(version) else "supported until"
    support = f"{words} {known['end_of_support']}" if "end_of_support" in known else "supported"
    return f"{flavour}{'LTS, ' if known.get('lts') else ''}{support}"


def _roles(root: Node | None, path: FieldPath) -> Iterator[Choice]:
    for name in sorted(catalog.standard_roles()):
        yield Choice(name, "the deployer may give it")
    for name in catalog.other_roles():
        yield Choice(name, "run setup again before you deploy: the deployer may not give it yet")


def _principals(root: Node | None, path: FieldPath) -> Iterator[Choice]:
    named = {name for name, _ in NAMED_PRINCIPALS}
    yield from (Choice(name, note) for name, note in NAMED_PRINCIPALS)
    found = dict.fromkeys(_texts_of(root, "principal"))
    yield from (Choice(name, "named in this file") for name in found if name not in named and "<" not in name)
    yield Choice("user:", "and a sign-in name, such as user:someone@example.com")
    yield Choice("group:", "and the name of a group")


def _texts_of(root: Node | None, kind: str, path: FieldPath = ()) -> Iterator[str]:
    """All texts of a file whose declaration is of a kind."""
    shape = shape_at(path)
    if isinstance(shape, Text):
        value = text_of(root)
        if kind_of(shape) == kind and value:
            yield value
    elif isinstance(shape, Record | ListOf) and root is not None:
        for part, node in children(root):
            yield from _texts_of(node, kind, (*path, part))


def _names(section: str, key: str, note: str) -> Callable[[Node | None, FieldPath], Iterator[Choice]]:
    def names(root: Node | None, path: FieldPath) -> Iterator[Choice]:
        for one in objects(node_at(root, (section,))):
            name = text_of(one.get(key))
            if name:
                yield Choice(name, note)

    return names


def _within_job(section: str, key: str) -> Callable[[Node | None, FieldPath], Iterator[Choice]]:
    def names(root: Node | None, path: FieldPath) -> Iterator[Choice]:
        own = text_of(node_at(root, (*path[:4], key)))
        for one in objects(node_at(root, (*path[:2], section))):
            name = text_of(one.get(key))
            if name and (section != "tasks" or name != own):
                yield Choice(name, "of this job")

    return names


def _sources(root: Node | None, path: FieldPath) -> Iterator[Choice]:
    yield from (Choice(value, note) for value, note in _SOURCES)


_LISTS: dict[str, Callable[[Node | None, FieldPath], Iterator[Choice]]] = {
    "region": _regions,
    "node-type": _node_types,
    "runtime": _runtimes,
    "role": _roles,
    "principal": _principals,
    "secret-source": _sources,
    "cluster": _names("Clusters", "cluster_name", "a cluster of this file"),
    "job": _names("Jobs", "name", "a job of this file"),
    "git-folder": _names("Repo_Configuration", "path", "a Git folder of this file"),
    "task": _within_job("tasks", "task_key"),
    "job-cluster": _within_job("job_clusters", "job_cluster_key"),
}
