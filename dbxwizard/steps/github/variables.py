"""Variables of an environment, or of the repository where its plan has no environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbxwizard.clients.github_types import Variable
from dbxwizard.core.errors import Conflict, NotFound
from dbxwizard.core.plan import Action, Change, Inputs, Progress, Scope, Step, compare
from dbxwizard.core.requests import Host, Request
from dbxwizard.steps.branching import environment_of
from dbxwizard.steps.github.environments import environment_path, environment_step_id

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient

State = Mapping[str, Variable]


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a step that is needed."""

    step_id: str
    name: str

    def value(self, inputs: Inputs) -> str:
        return str(inputs.get(self.step_id, self.name))

    def shown(self, inputs: Inputs) -> str:
        return inputs.shown(self.step_id, self.name)


class GitHubVariablesStep(Step[State]):
    """Each of `values` (name to its text, or to where it comes from) is a variable; others are left alone.

    `holder`: the GitHub environment; "" means the repository's own variables.
    """

    scope = Scope.SETUP

    def __init__(self, client: GitHubClient, holder: str, values: Mapping[str, str | Output]) -> None:
        self.id = f"setup/github/variables/{holder.lower() or 'repository'}"
        self.title = f"GitHub variables of {holder or 'the repository'}"
        self.environment, self.holder = environment_of(holder), holder
        sources = dict.fromkeys(value.step_id for value in values.values() if isinstance(value, Output))
        self.needs = (*([environment_step_id(holder)] if holder else []), *sources)
        self._client, self._values = client, dict(values)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._values)

    async def read(self, inputs: Inputs) -> State | None:
        try:
            return await self._client.variables(self.holder)
        except NotFound:
            return None  # the environment itself is still to be made

    def diff(self, state: State | None, inputs: Inputs) -> Change:
        found = {name: variable.value for name, variable in (state or {}).items()}
        reasons = compare(self._desired(inputs), found)
        exists = any(name in found for name in self._values)
        return Change(Action.UPDATE if exists else Action.CREATE, reasons) if reasons else Change.none()

    def _desired(self, inputs: Inputs) -> dict[str, str]:
        return {
            name: value.value(inputs) if isinstance(value, Output) else value for name, value in self._values.items()
        }

    async def apply(
        self, state: State | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        found = state or {}
        for name, value in self._desired(inputs).items():
            if name not in found:
                await self._create(name, value)
            elif found[name].value != value:
                await self._client.update_variable(self.holder, name, value)
        return {}

    def writes(self, state: State | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """What is known only after apply is another than what is there."""
        found, path = state or {}, f"{environment_path(self._client.name, self.holder)}/variables"
        wanted = {
            name: value.shown(inputs) if isinstance(value, Output) else value for name, value in self._values.items()
        }
        return tuple(
            Request("PATCH", Host.GITHUB, f"{path}/{name}", f"changes {name}")
            if name in found
            else Request("POST", Host.GITHUB, path, f"makes {name}")
            for name, value in wanted.items()
            if name not in found or value != found[name].value
        )

    async def _create(self, name: str, value: str) -> None:
        """Another run at the same time may be first with each of them: too many conflicts to start again for."""
        try:
            await self._client.create_variable(self.holder, name, value)
        except Conflict:
            await self._client.update_variable(self.holder, name, value)
