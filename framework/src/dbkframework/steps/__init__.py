"""Data preparation: steps with names and types, and checks that report what they find as data.

>>> rows = [{"size": 1.0, "colour": "red"}, {"size": 99.0, "colour": None}]
>>> report = run_checks(rows, [AtLeast(1), NotNull("colour"), InRange("size", 0, 10)])
>>> report.passed
False
>>> print(report)
passed  at least 1 rows        2 rows
FAILED  colour is not null     1 of 2 rows
FAILED  size is from 0 to 10   1 of 2 rows

A step is a function with a name; a pipeline is steps whose types fit, run one after the other:

>>> @step("double")
... def double(sizes: list[float]) -> list[float]:
...     return [2 * size for size in sizes]
>>> @step("total")
... def total(sizes: list[float]) -> float:
...     return sum(sizes)
>>> run = pipeline("sizes", double).then(total).run([1.0, 2.0])
>>> run.value
6.0
>>> [record.name for record in run.steps]
['double', 'total']
"""

from dbkframework.steps.checks import (
    AtLeast,
    Check,
    CheckReport,
    CheckResult,
    ChecksFailedError,
    InRange,
    NotNull,
    OneOf,
    Schema,
    Unique,
    run_checks,
)
from dbkframework.steps.drift import Baseline, Drift
from dbkframework.steps.pipeline import Pipeline, PipelineRun, Step, StepFailedError, StepRecord, pipeline, step
from dbkframework.steps.tables import Kind, Rows, Table, as_table
from dbkframework.steps.versions import DataVersion, data_version

__all__ = [
    "AtLeast",
    "Baseline",
    "Check",
    "CheckReport",
    "CheckResult",
    "ChecksFailedError",
    "DataVersion",
    "Drift",
    "InRange",
    "Kind",
    "NotNull",
    "OneOf",
    "Pipeline",
    "PipelineRun",
    "Rows",
    "Schema",
    "Step",
    "StepFailedError",
    "StepRecord",
    "Table",
    "Unique",
    "as_table",
    "data_version",
    "pipeline",
    "run_checks",
    "step",
]
