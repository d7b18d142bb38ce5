"""What setup publishes to GitHub as pages show it: loads no steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["environment", "variable", "secret"]
Standing = Literal["new", "unchanged", "will be replaced", "not checked"]
SEALED = "sealed for this repository with its public key"


@dataclass(frozen=True, slots=True)
class GitHubRow:
    """`where`: an environment of GitHub, "" for the repository itself. `words`: what it is for."""

    kind: Kind
    name: str
    where: str
    standing: Standing
    words: str


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The id of the key that secrets of `where` are sealed with; "" while GitHub has not made that environment."""

    where: str
    key_id: str


@dataclass(frozen=True, slots=True)
class GitHubTable:
    """`sealed`: how secrets travel, in words; `keys` only where there are any."""

    repository: str
    rows: tuple[GitHubRow, ...]
    keys: tuple[PublicKey, ...]
    sealed: str = SEALED

    def counts(self) -> dict[Standing, int]:
        standings = [row.standing for row in self.rows]
        return {standing: standings.count(standing) for standing in dict.fromkeys(standings)}
