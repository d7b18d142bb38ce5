"""What one worker has recorded, and how it runs its share of the cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.matrix.cases import Case, kills, of_shard
from tests.matrix.world import Asked, Phase, World


@dataclass(frozen=True, slots=True)
class Recorded:
    """The phases of all roads, and the world of each road by its name."""

    worlds: Mapping[str, World]
    phases: tuple[Phase, ...]

    @property
    def writes(self) -> list[Asked]:
        return [write for phase in self.phases for write in phase.writes]

    @property
    def routes(self) -> set[str]:
        return {request.route for phase in self.phases for request in phase.requests}

    def check(self, cases: Sequence[Case], shard: int, shards: int, note: Callable[[str, object], None]) -> None:
        """Runs the cases of one shard, all of them, and notes how many; fails with what went wrong in each."""
        mine = of_shard(cases, shard, shards)
        wrong = {str(case): problem for case in mine if (problem := self._problem(case))}
        for kind in {type(case).__name__ for case in mine}:
            note(f"matrix {kind}", sum(type(case).__name__ == kind for case in mine))
        note("matrix writes", len(list(kills(self.phases))) // 2)  # each before and after
        note("matrix routes", len(self.routes))
        assert not wrong, "\n\n".join(f"{name}\n{problem}" for name, problem in wrong.items())

    def _problem(self, case: Case) -> str:
        try:
            case.check(self.worlds[case.phase.road])
        except AssertionError as error:
            return str(error)
        return ""
