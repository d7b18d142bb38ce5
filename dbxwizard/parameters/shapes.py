"""What a key may hold, as data: checked (checks.py), turned into the typed model (build.py) and into JSON Schema
(json_schema.py) from one declaration (fields.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dbxwizard.parameters.model import JsonValue


@dataclass(frozen=True, slots=True)
class Text:
    """`pattern` has to match the whole text; `help` says it in words. `code` names the problem. `check` is a rule of
    values.py that looks further. `fill`: what setup writes here (subscription-id, repository-url, git-username,
    principal), so that a `<>` may stand until then. `suggest`: what an editor offers (cluster, job, task, job-cluster,
    git-folder, role, principal, secret-source); where it is "" `check` says that too."""

    allowed: tuple[str, ...] = ()
    pattern: str = ""
    help: str = ""
    code: str = "invalid-value"
    check: str = ""
    most: int = 0
    fill: str = ""
    free: bool = False  # words for people: `<` has no meaning in it
    suggest: str = ""
    secret: bool = False  # what stands here by mistake may be a secret: no message shows it


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number. `also` is allowed outside the range."""

    least: int
    most: int
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """`unique`: the key by which each item may be there once ("" for plain texts: the text itself)."""

    item: Shape
    least: int = 0
    most: int = 0
    unique: str | None = None


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with keys of the author's choice. `model` names a class of model.py that takes key and value."""

    value: Shape
    key: Text = Text()
    most: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Free:
    """What we hand on as it is: the service checks it."""

    kind: str  # object, array, number or text


@dataclass(frozen=True, slots=True)
class Field:
    """`doc` is the help text, `attribute` the name in the typed model."""

    name: str
    shape: Shape
    doc: str
    attribute: str = ""
    required: bool = False
    default: JsonValue = None


@dataclass(frozen=True, slots=True)
class Record:
    """`model` names the class of model.py; without one the value stays a mapping of what the author wrote. `rules` are
    the checks of rules.py on the object as a whole. `title`: the schema describes it once, under that name."""

    fields: tuple[Field, ...]
    model: str = ""
    rules: tuple[str, ...] = ()
    title: str = ""

    def names(self) -> list[str]:
        return [one.name for one in self.fields]


Shape: TypeAlias = Text | Whole | Flag | ListOf | MapOf | Free | Record
