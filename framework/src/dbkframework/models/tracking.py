"""MLflow, tracking and registry, where it is configured; elsewhere the same calls do nothing.

It is configured where one of MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME and DBK_MODEL_SCHEMA is set; a cluster sets
them in `spark_env_vars`. DBK_MODEL_SCHEMA (`catalog.schema`) registers models in Unity Catalog; without it they go to
the registry that MLFLOW_REGISTRY_URI names or to the tracking server's, and on Databricks nowhere: new accounts have no
registry but Unity Catalog's.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dbkframework import telemetry
from dbkframework.engine.place import installed, place
from dbkframework.errors import FrameworkError

if TYPE_CHECKING:
    from dbkframework.models.validation import FoldOutcome

SCHEMA_VARIABLE = "DBK_MODEL_SCHEMA"
_CONFIGURED_BY = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", SCHEMA_VARIABLE)
_UNITY_CATALOG = "databricks-uc"
_log = telemetry.get_logger("tracking")


class TrackingError(FrameworkError):
    """MLflow is configured and could not do what was asked."""


@dataclass(frozen=True)
class Registered:
    """A version of a model in a registry."""

    name: str
    version: str
    uri: str


class Tracking(Protocol):
    def log_outcomes(self, run: str, outcomes: Sequence[FoldOutcome], parameters: Mapping[str, Any]) -> None:
        """A run of this name with a child for each model, which has a step for each fold. Raises TrackingError."""

    def register(self, name: str, model: Any, example: Any, *, files: Sequence[Path] = ()) -> Registered | None:
        """Logs a fitted model with `files`, registers it, and says as what; None where there is no registry.

        `example`: a few points, from which the model's signature comes. Raises TrackingError.
        """


class NoTracking:
    """Where MLflow is not configured."""

    def log_outcomes(self, run: str, outcomes: Sequence[FoldOutcome], parameters: Mapping[str, Any]) -> None:
        _log.info("no MLflow is configured: the outcomes of %s are in the log alone", run)

    def register(self, name: str, model: Any, example: Any, *, files: Sequence[Path] = ()) -> Registered | None:
        _log.info("no MLflow is configured: %s is not registered", name)
        return None


def get_tracking(experiment: str) -> Tracking:
    """MLflow's, where it is configured. `experiment`: its name; on Databricks a path such as `/Shared/iris`."""
    if not (any(map(os.environ.get, _CONFIGURED_BY)) and installed("mlflow")):
        return NoTracking()
    return MlflowTracking(os.environ.get(_CONFIGURED_BY[1]) or experiment)


class MlflowTracking:
    """As `Tracking`, in MLflow. What the SDK raises is a TrackingError."""

    def __init__(self, experiment: str) -> None:
        self._experiment = experiment

    def log_outcomes(self, run: str, outcomes: Sequence[FoldOutcome], parameters: Mapping[str, Any]) -> None:
        try:
            self._log_outcomes(run, outcomes, parameters)
        except Exception as error:
            raise _failed("log the outcomes", error) from error

    def register(self, name: str, model: Any, example: Any, *, files: Sequence[Path] = ()) -> Registered | None:
        try:
            return self._register(name, model, example, files)
        except Exception as error:
            raise _failed(f"register {name}", error) from error

    def _log_outcomes(self, run: str, outcomes: Sequence[FoldOutcome], parameters: Mapping[str, Any]) -> None:
        import mlflow

        mlflow.set_experiment(self._experiment)
        tags = telemetry.current().correlation.attributes()
        with mlflow.start_run(run_name=run, tags=tags):
            mlflow.log_params(dict(parameters))
            for model in dict.fromkeys(outcome.model for outcome in outcomes):
                with mlflow.start_run(run_name=model, nested=True, tags=tags):
                    for outcome in outcomes:
                        if outcome.model == model:
                            _log_fold(outcome)

    def _register(self, name: str, model: Any, example: Any, files: Sequence[Path]) -> Registered | None:
        import mlflow
        from mlflow.models import infer_signature

        registered_name = _registered_name(name)
        mlflow.set_experiment(self._experiment)
        with mlflow.start_run(run_name=name, tags=telemetry.current().correlation.attributes()):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # advice on types of columns, on stderr
                signature = infer_signature(_as_array(example), model.predict(example))
            logged = mlflow.sklearn.log_model(
                model,
                registered_model_name=registered_name,
                signature=signature,
                pip_requirements=_requirements(),
                **_name_argument("model"),
            )
            for file in files:
                mlflow.log_artifact(str(file))
        if registered_name is None:
            _log.warning("%s is logged, not registered: set %s to catalog.schema", name, SCHEMA_VARIABLE)
            return None
        version = str(logged.registered_model_version)
        _log.info("%s is registered as version %s", registered_name, version, extra={"version": version})
        return Registered(registered_name, version, f"models:/{registered_name}/{version}")


def _as_array(example: Any) -> Any:
    """MLflow takes a list of points for one point of lists."""
    if not isinstance(example, (list, tuple)):
        return example
    import numpy

    return numpy.asarray(example)


def _registered_name(name: str) -> str | None:
    import mlflow

    schema = os.environ.get(SCHEMA_VARIABLE)
    if schema:
        if schema.count(".") != 1 or not all(schema.split(".")):
            raise ValueError(f"{SCHEMA_VARIABLE} is {schema}: write catalog.schema")
        if not os.environ.get("MLFLOW_REGISTRY_URI"):
            mlflow.set_registry_uri(_UNITY_CATALOG)
        return f"{schema}.{name}"
    return name if os.environ.get("MLFLOW_REGISTRY_URI") or not place().on_databricks else None


def _requirements() -> list[str]:
    """What a served model needs. MLflow would find out by loading the model in one more process."""
    from importlib.metadata import version  # a third of the import of `models`

    return [f"{name}=={version(name)}" for name in ("scikit-learn", "numpy", "cloudpickle")]


def _name_argument(name: str) -> dict[str, str]:
    """MLflow 3 calls a logged model's name `name`, MLflow 2 `artifact_path`."""
    import mlflow

    return {"artifact_path" if mlflow.__version__.startswith("2.") else "name": name}


def _log_fold(outcome: FoldOutcome) -> None:
    import mlflow

    if outcome.error:
        mlflow.set_tag(f"error.fold_{outcome.fold}", outcome.error[:500])
    else:
        mlflow.log_metrics({**outcome.scores, "seconds": outcome.seconds}, step=outcome.fold)


def _failed(what: str, error: Exception) -> TrackingError:
    return TrackingError(f"MLflow could not {what} ({type(error).__name__}: {error})", "see that it may be reached")
