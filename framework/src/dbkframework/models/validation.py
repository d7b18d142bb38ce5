"""Cross-validation of several models at once: on Spark where there is one, else on this machine's processors."""

from __future__ import annotations

import copy
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dbkframework import telemetry
from dbkframework.engine.place import installed, place
from dbkframework.engine.spark import get_spark
from dbkframework.models.folds import Fold, stratified_folds, take
from dbkframework.models.scoring import ModelsFailedError, accuracy
from dbkframework.redaction import clean

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Score = Callable[[Any, Any], float]
On = Literal["auto", "spark", "joblib", "here"]
_log = telemetry.get_logger("models")


class Model(Protocol):
    """What scikit-learn calls an estimator. It is copied for each fold, so that none knows what another has seen."""

    def fit(self, points: Any, labels: Any, /) -> Any: ...

    def predict(self, points: Any, /) -> Any: ...


@dataclass(frozen=True)
class FoldOutcome:
    """How a model did on one fold: its scores by name, or the error that it failed with."""

    model: str
    fold: int
    scores: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class _Task:
    """One model on one fold. `work` goes to other processes, so it is plain functions and data."""

    points: Any
    labels: Any
    models: Mapping[str, Model]
    measures: Mapping[str, Score]

    def run(self, name: str, fold: Fold) -> FoldOutcome:
        began = time.perf_counter()
        try:
            model = _copy(self.models[name])
            model.fit(take(self.points, fold.learn), take(self.labels, fold.learn))
            predicted = model.predict(take(self.points, fold.test))
            known = take(self.labels, fold.test)
            made = {measure: float(score(known, predicted)) for measure, score in self.measures.items()}
        except Exception as error:  # one model that fails is a result; the others go on
            text = str(clean(f"{type(error).__name__}: {error}"))
            return FoldOutcome(name, fold.number, seconds=time.perf_counter() - began, error=text)
        return FoldOutcome(name, fold.number, made, time.perf_counter() - began)


def cross_validate(
    models: Mapping[str, Model],
    points: Any,
    labels: Any,
    *,
    folds: int = 5,
    seed: int = 0,
    measures: Mapping[str, Score] | None = None,
    on: On = "auto",
) -> list[FoldOutcome]:
    """Tries every model on every fold, and logs each outcome as it comes; they are returned in order of model and fold.

    `points` and `labels`: sequences, numpy arrays or pandas objects of the same length. `measures`: functions of
    known and predicted labels, as in sklearn.metrics; by default the accuracy. `on`: `spark` sends each fold to a
    worker, `joblib` to a process of this machine, `here` runs one after the other; `auto` takes Spark on a cluster or
    through Databricks Connect, else joblib where it is installed. Workers import dbkframework and what the models are
    made of. A model that fails has outcomes with an error. Raises ValueError where folds can't be made.
    """
    parts = stratified_folds(list(labels), folds, seed)
    task = _Task(points, labels, dict(models), dict(measures or {"accuracy": accuracy}))
    work = [partial(task.run, name, part) for name in models for part in parts]
    where = _where() if on == "auto" else on
    outcomes = []
    with telemetry.span("cross-validate", models=len(models), folds=folds, on=where) as span:
        for outcome in _RUNNERS[where](work):
            _tell(outcome)
            outcomes.append(outcome)
        span.set(failed=sum(bool(outcome.error) for outcome in outcomes))
    order = {name: position for position, name in enumerate(models)}
    return sorted(outcomes, key=lambda outcome: (order[outcome.model], outcome.fold))


def _where() -> On:
    if place().is_distributed and (installed("pyspark") or installed("databricks.connect")):
        return "spark"
    return "joblib" if installed("joblib") else "here"


def _tell(outcome: FoldOutcome) -> None:
    extra = {"model": outcome.model, "fold": outcome.fold, "seconds": outcome.seconds}
    if outcome.error:
        _log.warning("%s, fold %d failed: %s", outcome.model, outcome.fold, outcome.error, extra=extra)
        return
    shown = ", ".join(f"{name} {value:.3f}" for name, value in outcome.scores.items())
    _log.log(logging.INFO, "%s, fold %d: %s", outcome.model, outcome.fold, shown, extra={**extra, **outcome.scores})
    for name, value in outcome.scores.items():
        telemetry.metric(f"cross_validation.{name}", value, model=outcome.model)


def _copy(model: Model) -> Model:
    """Unfitted, as scikit-learn clones where the model can be asked for its parameters."""
    if hasattr(model, "get_params") and installed("sklearn"):
        from sklearn.base import clone

        made: Model = clone(model)
        return made
    return copy.deepcopy(model)


Work = Sequence[Callable[[], FoldOutcome]]


def _here(work: Work) -> Iterator[FoldOutcome]:
    for one in work:
        yield one()


def _joblib(work: Work) -> Iterator[FoldOutcome]:
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=-1, return_as="generator_unordered")(delayed(_call)(one) for one in work)


def _call(one: Callable[[], FoldOutcome]) -> FoldOutcome:
    return one()


def _spark(work: Work) -> Iterator[FoldOutcome]:
    """A row of a range is a task, in a partition of its own. DataFrames alone, so that Spark Connect can do it too."""
    from pyspark.sql.functions import col, udf
    from pyspark.sql.types import StringType

    spark: SparkSession = get_spark()
    outcome = udf(lambda number: json.dumps(asdict(work[number]())), StringType())
    rows = spark.range(0, len(work), 1, len(work)).select(outcome(col("id")).alias("outcome"))
    try:
        for row in rows.toLocalIterator():
            yield FoldOutcome(**json.loads(row["outcome"]))
    except Exception as error:
        if "No module named 'dbkframework'" in str(error):
            fix = "install its wheel on the cluster (WheelFiles, or dbxwizard dev push), or give on='joblib'"
            raise ModelsFailedError("Spark's workers have no dbkframework", fix) from error
        raise


_RUNNERS: Mapping[On, Callable[[Work], Iterator[FoldOutcome]]] = {"here": _here, "joblib": _joblib, "spark": _spark}
