"""A step: one thing that has to be true, and how to see it, compare it and make it so."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from dbxwizard.core.change import Change
from dbxwizard.core.errors import NotChecked
from dbxwizard.core.requests import Request

StateT = TypeVar("StateT")


class Scope(StrEnum):
    """Whose rights a step needs: a person's (setup), or what CI has (deploy)."""

    SETUP = "setup"
    DEPLOY = "deploy"


class KnownAfterApply(Exception):  # noqa: N818 - it is an answer rather than an error
    """An output was asked for that exists only once `step_id` was applied."""

    def __init__(self, step_id: str, name: str, title: str = "") -> None:
        super().__init__(f"{name} of {step_id}")
        self.step_id = step_id
        self.name = name
        self.title = title or step_id


@dataclass(frozen=True, slots=True)
class Given:
    """What one step gives to those that need it."""

    title: str
    outputs: Mapping[str, object]
    complete: bool = True  # False: applying the step adds outputs
    not_checked: str = ""


class Inputs:
    """The outputs of the steps that one step needs."""

    __slots__ = ("_given", "_needs")

    def __init__(self, needs: tuple[str, ...], given: Mapping[str, Given]) -> None:
        self._needs = needs
        self._given = given

    def get(self, step_id: str, name: str) -> object:
        """The output `name` of `step_id`.

        Raises KnownAfterApply while that step is still to be applied, NotChecked when it could not be read, KeyError
        when the asking step does not need it or it has no such output (both are programming errors).
        """
        if step_id not in self._needs:
            raise KeyError(f"{step_id} is not among the needs {self._needs}")
        given = self._given[step_id]
        if given.not_checked:
            cause = given.not_checked
            raise NotChecked(f"it needs {given.title}, which was not read: {cause}", cause=cause)
        if name in given.outputs:
            return given.outputs[name]
        if not given.complete:
            raise KnownAfterApply(step_id, name, given.title)
        raise KeyError(f"{step_id} has no output {name!r}")

    def shown(self, step_id: str, name: str) -> str:
        """The output as text, `{name}` in its place while it is known only after apply."""
        try:
            return str(self.get(step_id, name))
        except KnownAfterApply:
            return f"{{{name}}}"


class Progress(Protocol):
    """What a step tells while it is applied. May be called from any thread."""

    def waiting(self, what: str) -> None: ...

    def info(self, text: str) -> None: ...


class Step(ABC, Generic[StateT]):
    """One thing that has to be true. A step is immutable; what it finds is its state, what it tells others its outputs.

    `id` is unique in a plan and starts with the environment where there is one: `development/clusters/dbx-sp-cluster`.
    Outputs that are a Secret, or whose name starts with `_`, never leave the program.
    """

    id: str
    title: str
    environment: str = ""
    scope: Scope = Scope.DEPLOY
    needs: tuple[str, ...] = ()
    resource: str = ""  # what errors and changes name; "" means the title

    @property
    def subject(self) -> str:
        return self.resource or self.title

    @abstractmethod
    async def read(self, inputs: Inputs) -> StateT | None:
        """What is there now, None when it does not exist. Writes nothing."""

    @abstractmethod
    def diff(self, state: StateT | None, inputs: Inputs) -> Change:
        """What has to change. Asks nothing of the network."""

    @abstractmethod
    async def apply(
        self, state: StateT | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        """Makes it so; returns the outputs. After a retryable error it is read and compared anew, then called again."""

    async def require_rights(self, state: StateT | None, change: Change, inputs: Inputs) -> None:
        """Raises Forbidden where the actor may not make `change`, as far as that shows beforehand. Writes nothing."""

    def writes(self, state: StateT | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """The requests that `apply` will send to make `change`, in no order. Asks nothing of the network.

        `state` is None too where it can't be read yet.
        """
        return ()

    def outputs(self, state: StateT, inputs: Inputs) -> Mapping[str, object]:
        """The outputs of what exists already."""
        return {}

    def fresh_since(self, state: StateT) -> float | None:
        """Epoch seconds at which something of it was made that must replicate; None when nothing is fresh."""
        return None
