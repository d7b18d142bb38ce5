"""What a step would change, with a reason per field."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dbxwizard.core.render import shortened, shown
from dbxwizard.core.secret import Secret


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Reason:
    """One field that differs: `before` is what is there, `after` what should be; None means absent."""

    field: str
    before: object
    after: object

    def __str__(self) -> str:
        before, after = self.sides()
        return f"{self.field}: {before} → {after}"

    def sides(self) -> tuple[str, str]:
        """What was and what shall be, as a person reads them: long values shortened, secrets hidden."""
        return shortened(shown(self.before)), shortened(shown(self.after))

    def in_full(self) -> str:
        """As str(), but with long values whole, so that two plans can be compared."""
        return f"{self.field}: {shown(self.before)} → {shown(self.after)}"


@dataclass(frozen=True, slots=True)
class Change:
    action: Action
    reasons: tuple[Reason, ...] = ()
    note: str = ""

    @classmethod
    def none(cls) -> Change:
        return cls(Action.NONE)

    @classmethod
    def create(cls, note: str = "", **fields: object) -> Change:
        """A creation; each of `fields` becomes a reason with nothing before it."""
        return cls(Action.CREATE, tuple(Reason(name, None, value) for name, value in fields.items()), note)

    @classmethod
    def update(cls, reasons: Collection[Reason], note: str = "") -> Change:
        """An update for `reasons`; without any there is nothing to do."""
        return cls(Action.UPDATE, tuple(reasons), note) if reasons else cls.none()

    @classmethod
    def delete(cls, note: str = "") -> Change:
        return cls(Action.DELETE, (), note)

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return self.action is not Action.NONE

    def lines(self) -> tuple[str, ...]:
        """The reasons as text, the note last."""
        return (*(str(reason) for reason in self.reasons), *((self.note,) if self.note else ()))


def compare(
    desired: Mapping[str, object],
    actual: Mapping[str, object],
    *,
    ignore: Collection[str] = (),
    prefix: str = "",
    keyed: Mapping[str, str] | None = None,
    unordered: Collection[str] = (),
) -> tuple[Reason, ...]:
    """The fields that `desired` names and that `actual` has otherwise; what only `actual` has is not looked at.

    Mappings are compared field by field, lists as whole values. `ignore`, `keyed` and `unordered` name fields by their
    dotted path without `prefix`. A list in `keyed` (path → key field) is compared item by item, items matched by the
    value of their key field; items that only `actual` has are differences. A list in `unordered` is compared whatever
    its order.
    """
    rules = _Rules(frozenset(ignore), keyed or {}, frozenset(unordered), f"{prefix}." if prefix else "")
    return tuple(rules.mapping(desired, actual, ""))


@dataclass(frozen=True, slots=True)
class _Rules:
    ignore: frozenset[str]
    keyed: Mapping[str, str]
    unordered: frozenset[str]
    prefix: str

    def mapping(self, desired: Mapping[str, object], actual: Mapping[str, object], path: str) -> Iterator[Reason]:
        for name, wanted in desired.items():
            field = f"{path}.{name}" if path else name
            if field not in self.ignore:
                yield from self.field(wanted, actual.get(name), field)

    def field(self, wanted: object, found: object, path: str) -> Iterator[Reason]:
        if isinstance(wanted, Mapping):
            yield from self.mapping(wanted, found if isinstance(found, Mapping) else {}, path)
        elif path in self.keyed and isinstance(wanted, list | tuple):
            yield from self.items(wanted, found if isinstance(found, list | tuple) else (), path)
        elif not self.equal(wanted, found, path):
            yield Reason(self.prefix + path, found, wanted)

    def items(self, wanted: Collection[object], found: Collection[object], path: str) -> Iterator[Reason]:
        key = self.keyed[path]
        desired, actual = _by_key(wanted, key), _by_key(found, key)
        for name, item in desired.items():
            if name in actual:
                yield from self.mapping(item, actual[name], f"{path}[{name}]")
            else:
                yield Reason(f"{self.prefix}{path}[{name}]", None, item)
        for name in actual.keys() - desired.keys():
            yield Reason(f"{self.prefix}{path}[{name}]", actual[name], None)

    def equal(self, wanted: object, found: object, path: str) -> bool:
        if path in self.unordered and isinstance(wanted, list | tuple) and isinstance(found, list | tuple | None):
            return sorted(map(_sort_key, wanted)) == sorted(map(_sort_key, found or ()))
        return _normal(wanted) == _normal(found)


def _by_key(items: Collection[object], key: str) -> dict[str, Mapping[str, object]]:
    return {str(item.get(key)): item for item in items if isinstance(item, Mapping)}


def _sort_key(value: object) -> str:
    return value.reveal() if isinstance(value, Secret) else shown(value)


def _normal(value: object) -> object:
    """A form in which equal JSON is equal: tuples are lists, and True is not 1."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _normal(item) for key, item in value.items()}
    return value
