# Databricks notebook source
# %% What this is
"""From data to a registered model with the framework: the iris flowers, checked, prepared, modelled.

One file, run in any of four ways: as a script, cell by cell in an editor's interactive window (`# %%`), as a notebook
of the Git folder (`# COMMAND`), and as the job `job_remote_analysis` of environments/*.json. It fails when
a check fails, or when no model is right for 85 % of the flowers.

Parameters, `--name VALUE` or the job's: `folds`, `output` (the folder for the plot), and those that tie its telemetry
to the job run (`job_id`, `job_run_id`, `task`, `environment`).
"""

import tempfile
from pathlib import Path
from typing import Any

from dbkframework import engine, models, steps, telemetry
from dbkframework.engine.place import installed
from dbkframework.samples import IRIS_MEASURES, IRIS_SPECIES, load_iris

ENOUGH = 0.85
FOLDS = int(engine.get_parameter("folds", "5"))
OUTPUT = Path(engine.get_parameter("output", tempfile.gettempdir()))

started = telemetry.start("remote_analysis")
log = telemetry.get_logger("remote_analysis")
log.info("Spark: %s. Telemetry: %s", engine.place().value, ", ".join(started.destinations))

# COMMAND ----------

# %% Load the data and check them
flowers = load_iris()
report = steps.run_checks(
    flowers,
    [
        steps.AtLeast(150),
        steps.Schema({**dict.fromkeys(IRIS_MEASURES, "number"), "species": "text"}, exact=True),
        *(steps.NotNull(column) for column in (*IRIS_MEASURES, "species")),
        *(steps.InRange(measure, 0.1, 8.0) for measure in IRIS_MEASURES),
        steps.OneOf("species", IRIS_SPECIES),
        # Against itself, so it can't drift: a job that gets new data keeps the baseline as a file.
        *(steps.Drift(steps.Baseline.of(flowers), measure) for measure in IRIS_MEASURES),
    ],
    name="check iris",
)
print(report)
report.raise_if_failed()

# COMMAND ----------


# %% Prepare them
@steps.step("drop repeated flowers")
def drop_repeated(rows: steps.Rows) -> steps.Rows:
    return list({tuple(row.values()): row for row in rows}.values())


@steps.step("add areas")
def add_areas(rows: steps.Rows) -> steps.Rows:
    return [
        {
            **row,
            "sepal_area": row["sepal_length"] * row["sepal_width"],
            "petal_area": row["petal_length"] * row["petal_width"],
        }
        for row in rows
    ]


prepared = steps.pipeline("prepare iris", drop_repeated).then(add_areas).run(flowers)
points = [[value for name, value in row.items() if name != "species"] for row in prepared.value]
species = [row["species"] for row in prepared.value]
for record in prepared.steps:
    print(f"{record.name:<22} {record.seconds:.3f} s   {record.given.rows} -> {record.made.rows} rows")

# COMMAND ----------

# %% Cross-validate several models at once
candidates: dict[str, models.Model] = {
    "majority class": models.MajorityClass(),
    "nearest centroid": models.NearestCentroid(),
}
if installed("sklearn"):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    candidates |= {
        "logistic regression": LogisticRegression(max_iter=1000),
        "random forest": RandomForestClassifier(n_estimators=50, random_state=0),
        "support vectors": SVC(),
    }
outcomes = models.cross_validate(candidates, points, species, folds=FOLDS)
scores = models.scores(outcomes)
print(models.table(scores))

# COMMAND ----------


# %% Draw them
def draw(of: list[models.ModelScore], folds: list[models.FoldOutcome]) -> Any:
    """Each model's mean as a bar, each fold as a dot."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    ordered = sorted((score for score in of if score.mean), key=lambda score: score.mean["accuracy"])
    axes.barh([score.model for score in ordered], [score.mean["accuracy"] for score in ordered], color="#8fb8de")
    passed = [fold for fold in folds if not fold.error]
    axes.plot([fold.scores["accuracy"] for fold in passed], [fold.model for fold in passed], "o", color="#1f4e79")
    axes.set(title=f"Iris, {FOLDS} folds", xlabel="accuracy", xlim=(0, 1.02))
    return figure


plots: list[Path] = []
if installed("matplotlib"):
    OUTPUT.mkdir(parents=True, exist_ok=True)
    plots = [OUTPUT / "remote_analysis.png"]
    figure = draw(scores, outcomes)
    figure.savefig(plots[0])
    engine.show(figure)
    print(f"plot: {plots[0]}")
else:
    log.warning("no plot: matplotlib is not installed")

# COMMAND ----------

# %% Keep the best
best = models.best(scores)
log.info("the best is %s", best.model, extra={"model": best.model, "accuracy": best.mean["accuracy"]})
tracking = models.get_tracking("/Shared/remote_analysis")
tracking.log_outcomes("cross-validation", outcomes, {"folds": FOLDS, "rows": len(points)})
model = candidates[best.model]
model.fit(points, species)
registered = tracking.register("iris", model, points[:5], files=plots)
print(f"best: {best.model}, registered as {registered.uri if registered else 'nothing: no registry is configured'}")

# COMMAND ----------

# %% Send what is still to be sent, and fail if it was not good enough
started.flush()
if best.mean["accuracy"] < ENOUGH:
    raise models.ModelsFailedError(f"{best.model} is right for {best.mean['accuracy']:.0%} only")
