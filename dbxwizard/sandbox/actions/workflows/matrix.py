"""The jobs of a matrix.

docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrix: all combinations,
less what fits an `exclude`; an `include` adds to each combination whose own values it leaves as they are, and is one
itself if there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from dbxwizard.sandbox.actions.expressions.values import Value, is_equal, to_number

MAX_JOBS = 256  # docs.github.com/actions/reference/limits: jobs of a matrix in one run


@dataclass(frozen=True, slots=True)
class Combination:
    """One place in a matrix. `of`: the id of the job that has it; `max_parallel` of its places are taken up at once."""

    of: str
    index: int
    total: int
    max_parallel: int
    fails_fast: bool

    def context(self) -> dict[str, Value]:
        """The `strategy` context: docs.github.com/actions/reference/workflows-and-actions/contexts#strategy-context."""
        return {
            "fail-fast": self.fails_fast,
            "job-index": self.index,
            "job-total": self.total,
            "max-parallel": self.max_parallel,
        }


def combination(job_id: str, strategy: Value, index: int, total: int) -> Combination:
    """`strategy`: what stands under that key, evaluated; jobs that it does not limit all run at once."""
    said = strategy if isinstance(strategy, Mapping) else {}
    most = to_number(said.get("max-parallel", total))
    fails_fast = said.get("fail-fast", True)
    return Combination(job_id, index, total, int(most) if most >= 1 else total, fails_fast is not False)


def combinations(matrix: Mapping[str, Value]) -> list[dict[str, Value]]:
    """What each job has as its `matrix`. Raises ValueError for a matrix that makes more than MAX_JOBS, or is none."""
    vectors = {key: values for key, values in matrix.items() if key not in {"include", "exclude"}}
    for name, values in vectors.items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"Matrix vector '{name}' does not contain any values")
    excluded, included = matrix.get("exclude") or [], matrix.get("include") or []
    original = [each for each in _product(vectors) if not any(_fits(each, rule) for rule in excluded)]
    extended = [dict(each) for each in original]
    alone = []
    for addition in included:
        targets = [whole for whole, own in zip(extended, original, strict=True) if _leaves(own, addition)]
        for target in targets:
            target.update(addition)
        if not targets:
            alone.append(dict(addition))
    jobs = extended + alone
    if len(jobs) > MAX_JOBS:
        raise ValueError(f"The strategy configuration produces more than {MAX_JOBS} jobs")
    return jobs


def _product(vectors: Mapping[str, list[Value]]) -> Iterator[dict[str, Value]]:
    if vectors:
        yield from (dict(zip(vectors, values, strict=True)) for values in product(*vectors.values()))


def _leaves(original: Mapping[str, Value], addition: Mapping[str, Value]) -> bool:
    """Whether nothing of the combination's own would be overwritten."""
    return all(_same(original[key], value) for key, value in addition.items() if key in original)


def _fits(combination: Mapping[str, Value], rule: Mapping[str, Value]) -> bool:
    """Whether all that the rule names is so; objects may have more than it names."""
    return all(key in combination and _same(combination[key], value) for key, value in rule.items())


def _same(left: Value, right: Value) -> bool:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return all(key in left and _same(left[key], value) for key, value in right.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return is_equal(left, right)
