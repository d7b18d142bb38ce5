"""Secret scopes with their values and rights.

A value is read back to see whether it is unchanged: who manages a scope may. A value that nobody has in this way of
signing in is left out, and said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dbxwizard.core.plan import Action, Change, Inputs, Progress, Reason
from dbxwizard.core.requests import Request
from dbxwizard.core.secret import Secret
from dbxwizard.steps.databricks.requests import to_workspace
from dbxwizard.steps.databricks.shared_workspace import SharedWorkspace, WorkspaceStep

# The value that a source of model.SecretScope names; None when it does not exist here. May raise KnownAfterApply.
Resolve = Callable[[str, Inputs], Awaitable[Secret | None]]
_SECRETS = "/api/2.0/secrets"


@dataclass(frozen=True, slots=True)
class ScopeState:
    """`wanted` and `found`: key → value, None for none."""

    exists: bool
    acls: Mapping[str, str]
    wanted: Mapping[str, Secret | None]
    found: Mapping[str, Secret | None]


class SecretScopeStep(WorkspaceStep[ScopeState]):
    """`secrets`: key → source. `acls`: principal (application id, sign-in name, group) → READ, WRITE or MANAGE; the
    service principal manages the scope, and whoever is not named has no right on it."""

    def __init__(
        self,
        workspace: SharedWorkspace,
        name: str,
        secrets: Mapping[str, str],
        service_principal: str,
        resolve: Resolve,
        *,
        acls: Mapping[str, str] | None = None,
        needs: Sequence[str] = (),
    ) -> None:
        super().__init__(
            workspace,
            f"secret-scopes/{name}",
            f"secret scope {name}",
            resource=f"secret scope {name} in {workspace.environment}",
            needs=needs,
        )
        self._name, self._secrets, self._resolve = name, dict(secrets), resolve
        self._acls = {**(acls or {}), service_principal: "MANAGE"}

    async def read(self, inputs: Inputs) -> ScopeState:
        keys = list(self._secrets)
        values = await asyncio.gather(*(self._resolve(self._secrets[key], inputs) for key in keys))
        wanted = dict(zip(keys, values, strict=True))
        scopes = await self.workspace.scopes(inputs)
        if not any(scope["name"] == self._name for scope in scopes):
            return ScopeState(False, {}, wanted, dict.fromkeys(keys))
        client = await self.workspace.client(inputs)
        known = [key for key in keys if wanted[key]]
        acls = await client.scope_acls(self._name)
        held = await asyncio.gather(*(client.secret_value(self._name, key) for key in known))
        return ScopeState(True, acls, wanted, {**dict.fromkeys(keys), **dict(zip(known, held, strict=True))})

    def diff(self, state: ScopeState | None, inputs: Inputs) -> Change:
        assert state is not None  # noqa: S101  read gives one always
        reasons = [
            Reason(f"secrets[{key}]", "another value" if state.found[key] else None, self._secrets[key])
            for key in self._outdated(state)
        ]
        names = dict.fromkeys((*self._acls, *state.acls))
        reasons += [
            Reason(f"acls[{name}]", state.acls.get(name), self._acls.get(name))
            for name in names
            if state.acls.get(name) != self._acls.get(name)
        ]
        if not state.exists:
            return Change(Action.CREATE, tuple(reasons), self._left_out_note(state))
        return Change.update(reasons, self._left_out_note(state))

    def _outdated(self, state: ScopeState) -> list[str]:
        return [key for key, value in state.wanted.items() if value and value != state.found[key]]

    def _left_out(self, state: ScopeState) -> list[str]:
        return [key for key, value in state.wanted.items() if not value]

    def _left_out_note(self, state: ScopeState) -> str:
        missing = [f"{key} ({self._secrets[key]})" for key in self._left_out(state)]
        return f"left out, as there is no such value here: {', '.join(missing)}" if missing else ""

    async def apply(
        self, state: ScopeState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        assert state is not None  # noqa: S101  read gives one always
        client, acls = await self.workspace.client(inputs), dict(state.acls)
        try:
            if not state.exists:
                await client.create_scope(self._name)
                acls = await client.scope_acls(self._name)  # whoever makes a scope manages it
        finally:
            self.workspace.changed("scopes")
        for key in self._outdated(state):
            value = state.wanted[key]
            if value:
                await client.put_secret(self._name, key, value)
        await self._set_acls(inputs, acls)
        if note := self._left_out_note(state):
            progress.info(note)
        return self.outputs(state, inputs)

    async def _set_acls(self, inputs: Inputs, held: Mapping[str, str]) -> None:
        """Gives before it takes, so that somebody manages the scope at any moment."""
        client = await self.workspace.client(inputs)
        for name, level in self._acls.items():
            if held.get(name) != level:
                await client.put_scope_acl(self._name, name, level)
        for name in held.keys() - self._acls.keys():
            await client.delete_scope_acl(self._name, name)

    def writes(self, state: ScopeState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """Which of the values are there shows where the vault can be read; whoever makes a scope manages it first."""
        keys, unknown = list(self._secrets) if state is None else self._outdated(state), state is None
        put = f"{_SECRETS}/put"
        values = [to_workspace("POST", put, f"writes {self._name}/{key}", optional=unknown) for key in keys]
        if state and state.exists:
            return (*values, *self._changed_rights(state.acls))
        return (
            to_workspace("POST", f"{_SECRETS}/scopes/create", f"makes the {self.title}"),
            *values,
            *(_give(name, level, optional=level == "MANAGE") for name, level in self._acls.items()),
            _take("whoever made it", optional=True),
        )

    def _changed_rights(self, held: Mapping[str, str]) -> Iterator[Request]:
        yield from (_give(name, level) for name, level in self._acls.items() if held.get(name) != level)
        yield from (_take(name) for name in held.keys() - self._acls.keys())

    def outputs(self, state: ScopeState, inputs: Inputs) -> Mapping[str, object]:
        return {"left_out": self._left_out(state)} if self._left_out(state) else {}


def _give(name: str, level: str, *, optional: bool = False) -> Request:
    return to_workspace("POST", f"{_SECRETS}/acls/put", f"gives {level} to {name}", optional=optional)


def _take(name: str, *, optional: bool = False) -> Request:
    return to_workspace("POST", f"{_SECRETS}/acls/delete", f"takes the right of {name}", optional=optional)
