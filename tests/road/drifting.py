"""What may drift: how a field is changed behind its step's back, and what the plan then names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbxwizard.sandbox.store import Document, Store

Change = Callable[[Document], Document]
GONE = object()


@dataclass(frozen=True)
class Drift:
    """The first document of `kind` whose key ends with `key` (and holds all of `where`) is changed, or deleted.

    `step`: a part of the name of the one resource that the plan then changes; `named`: how each of its reasons begins.
    `sets` are the fields that this is about, `METHOD route field`, of a list's entries `[]`. `writes`: how many
    requests mend it. A row that touches several `steps` stands `alone`; `anew`: what it mends has another id then.
    """

    name: str
    kind: str
    change: Change | None
    step: str
    named: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    key: str = ""
    where: tuple[str, ...] = ()
    writes: int = 1
    steps: int = 1
    alone: bool = False
    anew: bool = False

    def happen(self, store: Store) -> None:
        for key, body in store.find(self.kind):
            if key.lower().endswith(self.key.lower()) and all(part in str(body) for part in self.where):
                self._at(store, key, body)
                return
        raise AssertionError(f"there is no {self.kind} {self.key} {self.where}")

    def _at(self, store: Store, key: str, body: Document) -> None:
        if self.change is None:
            store.delete(self.kind, key)
            return
        changed = self.change(body)
        assert changed != body, f"{self.name} changes nothing"
        store.put(self.kind, key, changed)


def rounds(rows: Sequence[Drift]) -> list[list[Drift]]:
    """As few as can be, in each of which no step has more than one row."""
    made: list[list[Drift]] = []
    for row in rows:
        fitting = (one for one in made if not one[0].alone and row.step not in {other.step for other in one})
        place = None if row.alone else next(fitting, None)
        if place is None:
            made.append([row])
        else:
            place.append(row)
    return made


def put(**changed: Any) -> Change:
    """Other values for fields of the document itself."""
    return lambda body: {**body, **changed}


def at(path: str, value: Any) -> Change:
    """Another value at `path`: keys joined by dots, of a list `[]` for the first entry and `[-1]` for the last; GONE
    takes a key away."""
    return lambda body: _set(body, path.split("."), value)


def _set(body: Any, path: Sequence[str], value: Any) -> Any:
    name, *rest = path
    if name in ("[]", "[-1]"):
        place = 0 if name == "[]" else len(body) - 1
        return [*body[:place], _set(body[place], rest, value), *body[place + 1 :]]
    if not rest and value is GONE:
        return {key: held for key, held in body.items() if key != name}
    return {**body, name: _set(body.get(name), rest, value) if rest else value}


def fewer(entries: str, **held: str) -> Change:
    """Takes the entries that hold all of `held` out of a list."""

    def change(body: Document) -> Document:
        left = [one for one in body[entries] if any(one[key] != value for key, value in held.items())]
        return {**body, entries: left}

    return change


def level(kind: str, other: str) -> Change:
    """Another right for the principals of this kind."""

    def change(body: Document) -> Document:
        entries = [{**one, "level": other} if one["kind"] == kind else one for one in body["entries"]]
        return {**body, "entries": entries}

    return change


def leaves(value: object, path: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """Every field of a body that is a value of its own, by its dotted path; lists of values are values."""
    if isinstance(value, Mapping) and value:
        parts = [leaves(held, (*path, str(key))) for key, held in value.items()]
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        parts = [leaves(one, (*path, "[]")) for one in value]
    else:
        return {".".join(path): value}
    return {name: held for part in parts for name, held in part.items()}
