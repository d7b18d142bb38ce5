"""Steps with names and types, run one after the other. Telemetry tells how long each took, and of which data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from dbkframework import telemetry
from dbkframework.errors import FrameworkError
from dbkframework.steps.versions import DataVersion, data_version

In = TypeVar("In")
Out = TypeVar("Out")
Next = TypeVar("Next")


class StepFailedError(FrameworkError):
    """A step raised; `__cause__` is what it raised, `step` its name."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step


@dataclass(frozen=True)
class Step(Generic[In, Out]):
    """A function under a name; called, it is that function."""

    name: str
    function: Callable[[In], Out]

    def __call__(self, value: In) -> Out:
        return self.function(value)


def step(name: str) -> Callable[[Callable[[In], Out]], Step[In, Out]]:
    """Makes a function a Step: `@step("drop nulls")`."""
    return lambda function: Step(name, function)


@dataclass(frozen=True)
class StepRecord:
    """What a step did."""

    name: str
    seconds: float
    given: DataVersion
    made: DataVersion


@dataclass(frozen=True)
class PipelineRun(Generic[Out]):
    """What came out, and a record of each step in order."""

    value: Out
    steps: tuple[StepRecord, ...]


@dataclass(frozen=True)
class Pipeline(Generic[In, Out]):
    """Takes `In` to `Out`; a type checker sees whether steps fit. Made with `pipeline`."""

    name: str
    steps: tuple[Step[Any, Any], ...]

    def then(self, following: Step[Out, Next]) -> Pipeline[In, Next]:
        """This pipeline and one more step. Raises ValueError when it has a step of that name."""
        if any(one.name == following.name for one in self.steps):
            raise ValueError(f"{self.name} has a step {following.name} already")
        return Pipeline(self.name, (*self.steps, following))

    def run(self, value: In) -> PipelineRun[Out]:
        """Raises StepFailedError from what a step raises; the steps after it don't run."""
        current: Any = value
        records: list[StepRecord] = []
        with telemetry.span(self.name, steps=len(self.steps)):
            given = data_version(value)
            for one in self.steps:
                with telemetry.span(f"{self.name}/{one.name}", **given.attributes("input")) as span:
                    current = self._run(one, current)
                    made = data_version(current)
                    span.set(**made.attributes("output"))
                records.append(StepRecord(one.name, span.seconds or 0.0, given, made))
                given = made
        return PipelineRun(current, tuple(records))

    def _run(self, one: Step[Any, Any], value: Any) -> Any:
        try:
            return one(value)
        except Exception as error:
            text = f"step {one.name} of {self.name} failed: {type(error).__name__}: {error}"
            raise StepFailedError(one.name, text) from error


def pipeline(name: str, first: Step[In, Out]) -> Pipeline[In, Out]:
    """A pipeline of one step; `then` adds more."""
    return Pipeline(name, (first,))
