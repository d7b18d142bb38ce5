"""A job: checks the iris sample, cross-validates a classifier on it, and logs each outcome.

It runs on one machine in plain Python. Where there is a Spark, it counts the flowers there too, and compares. It fails
(exit code 1) when a check fails or the classifier is right for fewer than eight flowers in ten.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, version

from dbkframework import checks, engine, models, samples, telemetry

ENOUGH = 0.8
SPECIES = ("setosa", "versicolor", "virginica")


def installed_version() -> str:
    try:
        return version("dbkframework")
    except PackageNotFoundError:
        return "from its sources"


def data_is_sound(rows: checks.Rows, logger: logging.Logger) -> bool:
    results = checks.run_checks(
        rows,
        [
            checks.at_least(30),
            checks.has_columns([*samples.IRIS_MEASURES, "species"]),
            checks.one_of("species", SPECIES),
            *(checks.in_range(measure, 0.1, 8.0) for measure in samples.IRIS_MEASURES),
        ],
    )
    for result in results:
        level = logging.INFO if result.passed else logging.ERROR
        said = "holds" if result.passed else "fails"
        logger.log(level, "check %s: %s, %s", said, result.name, result.detail, extra={"passed": result.passed})
    return all(result.passed for result in results)


def spark_agrees(rows: list[dict[str, float | str]], logger: logging.Logger) -> bool:
    if not engine.has_spark():
        logger.info("no Spark here: the comparison with Spark is left out")
        return True
    counted = engine.get_spark().createDataFrame(rows).groupBy("species").count().collect()
    in_spark = {row["species"]: row["count"] for row in counted}
    agrees = in_spark == dict(Counter(row["species"] for row in rows))
    logger.log(logging.INFO if agrees else logging.ERROR, "Spark counted %s", in_spark, extra={"passed": agrees})
    return agrees


def classifier_is_good(rows: list[dict[str, float | str]], logger: logging.Logger) -> bool:
    points = [[float(row[measure]) for measure in samples.IRIS_MEASURES] for row in rows]
    tested = correct = 0
    for result in models.cross_validate(models.NearestCentroid, points, [str(row["species"]) for row in rows]):
        tested, correct = tested + result.tested, correct + result.correct
        extra = {"fold": result.fold, "accuracy": result.accuracy}
        logger.info("fold %d: %d of %d right", result.fold, result.correct, result.tested, extra=extra)
    good = correct / tested >= ENOUGH
    level = logging.INFO if good else logging.ERROR
    logger.log(level, "nearest centroid: %d of %d right", correct, tested, extra={"accuracy": correct / tested})
    return good


def main() -> int:
    log = telemetry.start()
    log.logger.info("dbkframework %s, log to %s", installed_version(), ", ".join(log.destinations))
    rows = samples.load_iris()
    try:
        sound = data_is_sound(rows, log.logger) and spark_agrees(rows, log.logger)
        return 0 if sound and classifier_is_good(rows, log.logger) else 1
    finally:
        log.flush()


if __name__ == "__main__" and main() != 0:
    # Success just ends: a runner may take any SystemExit for a failure.
    sys.exit(1)
