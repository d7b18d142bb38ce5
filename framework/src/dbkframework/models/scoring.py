"""What the outcomes of a cross-validation say of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbkframework.errors import FrameworkError

if TYPE_CHECKING:
    from dbkframework.models.validation import FoldOutcome


class ModelsFailedError(FrameworkError):
    """No model came through all of its folds."""


@dataclass(frozen=True)
class ModelScore:
    """Mean and standard deviation over the folds that did not fail, by measure. `seconds`: of all folds together."""

    model: str
    mean: Mapping[str, float]
    deviation: Mapping[str, float]
    folds: int
    failed: int
    seconds: float


def accuracy(known: Sequence[Any], predicted: Sequence[Any]) -> float:
    """The share of labels that are right. Raises ValueError where there are none, or the two are not as many.

    >>> accuracy(["a", "b", "b"], ["a", "b", "a"])
    0.6666666666666666
    """
    pairs = list(zip(known, predicted, strict=True))
    if not pairs:
        raise ValueError("there are no labels to compare")
    return sum(bool(one == other) for one, other in pairs) / len(pairs)


def scores(outcomes: Sequence[FoldOutcome]) -> list[ModelScore]:
    """One for each model, in the order of the outcomes."""
    by_model: dict[str, list[FoldOutcome]] = {}
    for outcome in outcomes:
        by_model.setdefault(outcome.model, []).append(outcome)
    return [_score(model, of_model) for model, of_model in by_model.items()]


def _score(model: str, outcomes: Sequence[FoldOutcome]) -> ModelScore:
    import statistics

    passed = [outcome for outcome in outcomes if not outcome.error]
    measures = list(passed[0].scores) if passed else []
    values = {measure: [outcome.scores[measure] for outcome in passed] for measure in measures}
    return ModelScore(
        model,
        {measure: statistics.fmean(of_measure) for measure, of_measure in values.items()},
        {measure: statistics.pstdev(of_measure) for measure, of_measure in values.items()},
        len(outcomes),
        len(outcomes) - len(passed),
        sum(outcome.seconds for outcome in outcomes),
    )


def best(of: Sequence[ModelScore], measure: str = "accuracy") -> ModelScore:
    """The highest mean among the models that failed in no fold; of two that are as good, the one that came first.

    Raises ModelsFailedError where every model has failed in some fold.
    """
    sound = [score for score in of if not score.failed and measure in score.mean]
    if not sound:
        raise ModelsFailedError("no model came through all of its folds", "see the outcomes in the log for the errors")
    return max(sound, key=lambda score: score.mean[measure])


def table(of: Sequence[ModelScore], measure: str = "accuracy") -> str:
    """The models as lines of text, the best first."""
    width = max((len(score.model) for score in of), default=5)
    lines = [f"{'model':<{width}} {measure:>9} {'±':>6} {'folds':>5} {'failed':>6}"]
    for score in sorted(of, key=lambda score: -score.mean.get(measure, -1.0)):
        mean, deviation = score.mean.get(measure), score.deviation.get(measure)
        shown = f"{mean:>9.3f} {deviation:>6.3f}" if mean is not None else f"{'-':>9} {'-':>6}"
        lines.append(f"{score.model:<{width}} {shown} {score.folds:>5} {score.failed:>6}")
    return "\n".join(lines)
