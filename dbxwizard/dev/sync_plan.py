"""What a sync has to do: both sides compared with what they were when they were last the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dbxwizard.dev.notebooks import Form


class Move(StrEnum):
    """`conflict`: both have changed, to different contents. `agree`: both have changed, to the same."""

    PUSH = "push"
    PULL = "pull"
    DELETE_THERE = "delete there"
    DELETE_HERE = "delete here"
    CONFLICT = "conflict"
    AGREE = "agree"


@dataclass(frozen=True, slots=True)
class Version:
    """A file on one side: `digest` of its content; on the workspace's `name` and `form`, and `stamp`, the time of its
    last change ("" where the service does not say)."""

    digest: str
    form: Form
    name: str = ""
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Agreed:
    """The digests of both sides when they were last the same; they differ where the service rewrites a notebook."""

    here: str
    there: str
    form: Form
    name: str
    stamp: str = ""


def decide(here: Mapping[str, Version], there: Mapping[str, Version], agreed: Mapping[str, Agreed]) -> dict[str, Move]:
    """By the local path; what is the same on both sides, or gone from both, is left out. A side that deleted what the
    other one changed gets it back."""
    found = {path: _move(here.get(path), there.get(path), agreed.get(path)) for path in {*here, *there}}
    return {path: move for path, move in sorted(found.items()) if move is not None}


def _move(here: Version | None, there: Version | None, agreed: Agreed | None) -> Move | None:
    changed_here = (here.digest if here else "") != (agreed.here if agreed else "")
    changed_there = (there.digest if there else "") != (agreed.there if agreed else "")
    if here and there and changed_here and changed_there:
        return Move.AGREE if here.digest == there.digest else Move.CONFLICT
    if here and (changed_here or not there):
        return Move.PUSH if changed_here else Move.DELETE_HERE
    if there and (changed_there or not here):
        return Move.PULL if changed_there else Move.DELETE_THERE
    return None
