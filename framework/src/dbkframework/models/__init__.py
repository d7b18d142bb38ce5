"""Models: cross-validation of several at once, and MLflow where it is configured.

A model is what scikit-learn makes of one: `fit(points, labels)` and `predict(points)`. Two need nothing but Python.

>>> from dbkframework.samples import iris_measures
>>> points, labels = iris_measures()
>>> outcomes = cross_validate({"centroid": NearestCentroid(), "majority": MajorityClass()}, points, labels, on="here")
>>> print(table(scores(outcomes)))
model     accuracy      ± folds failed
centroid     0.920  0.027     5      0
majority     0.333  0.000     5      0
"""

from dbkframework.models.baselines import MajorityClass, NearestCentroid
from dbkframework.models.folds import Fold, stratified_folds
from dbkframework.models.scoring import ModelScore, ModelsFailedError, accuracy, best, scores, table
from dbkframework.models.tracking import MlflowTracking, NoTracking, Registered, Tracking, TrackingError, get_tracking
from dbkframework.models.validation import FoldOutcome, Model, cross_validate

__all__ = [
    "Fold",
    "FoldOutcome",
    "MajorityClass",
    "MlflowTracking",
    "Model",
    "ModelScore",
    "ModelsFailedError",
    "NearestCentroid",
    "NoTracking",
    "Registered",
    "Tracking",
    "TrackingError",
    "accuracy",
    "best",
    "cross_validate",
    "get_tracking",
    "scores",
    "stratified_folds",
    "table",
]
