"""What only setup knows is written into the environment files: ids of subscription and people, user name, repository.

Everything else in a file stays as it is, and so does a value that somebody filled in.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.plan import Change, Inputs, Progress, Reason, Scope, Step
from dbxwizard.parameters import Loaded, blanks, load, set_values
from dbxwizard.parameters.nodes import Node, Object, elements, parts, text_of

STEP_ID = "setup/files"
FILLED = "_filled"  # the output that is there once the files are
# The fields beside a principal that say more of an object id (environments/schema.json).
_TYPE_BESIDE = {"RBAC_Assignments": "principalType", "Access": "PrincipalType"}
_NAME_BESIDE = {"RBAC_Assignments": "principalName", "SecretScopes": "PrincipalName", "Access": "PrincipalName"}
_PRINCIPAL = re.compile(r"/(RBAC_Assignments|Access|SecretScopes)/(?:\d+|\d+/Acls/\d+)/[Pp]rincipal")


@dataclass(frozen=True, slots=True)
class Person:
    """Who `me`, `user:…` or `group:…` is.

    `name`: the one that Databricks knows, a sign-in name or a group's; `kind`: User, Group or ServicePrincipal.
    """

    object_id: str
    name: str
    kind: str = "User"


@dataclass(frozen=True, slots=True)
class Values:
    """`git_username` and `repository_url` for the blanks of that kind; `person` finds who a principal is."""

    subscription_id: str
    git_username: str
    repository_url: str
    person: Callable[[str], Awaitable[Person]]


@dataclass(frozen=True, slots=True)
class Fill:
    """One value to write: `pointer` is a JSON Pointer, `before` what stands there ("" where nothing does)."""

    pointer: str
    before: str
    after: str


State = Mapping[Path, tuple[Fill, ...]]


class ParameterFilesStep(Step[State]):
    """No file has a value left that setup knows."""

    id = STEP_ID
    title = "Environment files"
    scope = Scope.SETUP

    def __init__(self, files: Sequence[Path], values: Values) -> None:
        self._files, self._values = tuple(files), values

    async def read(self, inputs: Inputs) -> State:
        return {path: await self._fills(await asyncio.to_thread(load, path)) for path in self._files}

    async def _fills(self, loaded: Loaded) -> tuple[Fill, ...]:
        fills: list[Fill] = []
        for blank in blanks(loaded):
            if blank.fill == "principal":
                fills += await self._principal(loaded, blank.pointer, blank.value)
            else:
                fills.append(Fill(blank.pointer, blank.value, self._known(blank.fill)))
        return tuple(fills)

    def _known(self, fill: str) -> str:
        values = self._values
        return {
            "subscription-id": values.subscription_id,
            "git-username": values.git_username,
            "repository-url": values.repository_url,
        }[fill]

    async def _principal(self, loaded: Loaded, pointer: str, value: str) -> list[Fill]:
        """The object id, and beside it what it stands for. A `<>` is nobody: validation tells of it."""
        if value != "me" and not value.startswith(("user:", "group:")):
            return []
        person = await self._values.person(value)
        fills = [Fill(pointer, value, person.object_id)]
        found = _PRINCIPAL.fullmatch(pointer)
        if found is None:
            return fills
        for names, text in ((_TYPE_BESIDE, person.kind), (_NAME_BESIDE, person.name)):
            beside = f"{pointer.rsplit('/', 1)[0]}/{names.get(found.group(1), '')}"
            before = _value_at(loaded, beside)
            if found.group(1) in names and before != text:
                fills.append(Fill(beside, before, text))
        return fills

    def diff(self, state: State | None, inputs: Inputs) -> Change:
        return Change.update(
            [
                Reason(f"{path.name}{fill.pointer}", fill.before or None, fill.after)
                for path, fills in (state or {}).items()
                for fill in fills
            ]
        )

    async def apply(
        self, state: State | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        for path, fills in (state or {}).items():
            values = {fill.pointer: fill.after for fill in fills}
            if values:
                await asyncio.to_thread(set_values, path, values)
        return {FILLED: True}

    def outputs(self, state: State, inputs: Inputs) -> Mapping[str, object]:
        """While there is something to fill in, what the files will hold is known only after apply."""
        return {} if any(state.values()) else {FILLED: True}


def _value_at(loaded: Loaded, pointer: str) -> str:
    """The text at a JSON Pointer; "" where there is none."""
    node: Node | None = loaded.rewritten.parsed.root if loaded.rewritten else None
    for part in parts(pointer):
        node = node.get(part) if isinstance(node, Object) else elements(node)[int(part)] if part.isdecimal() else None
    return text_of(node) or ""
