"""Secrets of an environment, or of the repository where its plan has no environments.

GitHub never shows a secret again, so what was written is noted beside it, in the variable DBXWIZARD_SECRETS: for each
secret the version of its value, which is the key id of the credential and nothing of the value. A secret counts as
unchanged when its version is noted and GitHub says that it was not written after the note was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dbxwizard.core.errors import NotFound, OperationError
from dbxwizard.core.plan import Action, Change, Inputs, KnownAfterApply, Progress, Reason, Scope, Step
from dbxwizard.core.requests import Host, Request
from dbxwizard.core.secret import Secret
from dbxwizard.steps.branching import environment_of
from dbxwizard.steps.github.environments import environment_path, environment_step_id

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient

NOTE = "DBXWIZARD_SECRETS"


@dataclass(frozen=True, slots=True)
class WantedSecret:
    """`version` tells one value from the next and shows nothing of it; `value` is None where nobody knows it any more.

    Both are computed from the outputs of the steps in `needs`.
    """

    name: str
    version: Callable[[Inputs], str]
    value: Callable[[Inputs], Secret | None]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretsState:
    """`written_at`: when each secret was written; `note`: what was noted, "" for nothing, and when.

    Times are as GitHub writes them, so they sort as text.
    """

    written_at: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    noted_at: str = ""

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each secret by the note; none where somebody wrote something else into it."""
        try:
            data = json.loads(self.note)
        except (ValueError, RecursionError):
            return {}
        if not isinstance(data, dict):
            return {}
        return {name: version for name, version in data.items() if isinstance(version, str)}

    def untouched(self, name: str) -> bool:
        """Whether the secret is there and nobody wrote it after the note."""
        return name in self.written_at and name in self.versions and self.written_at[name] <= self.noted_at


async def read_secrets(client: GitHubClient, environment: str) -> SecretsState | None:
    """What is there; None where there is no such environment."""
    try:
        variables = await client.variables(environment)
        written_at = await client.secrets(environment)
    except NotFound:
        return None
    note = variables.get(NOTE)
    return SecretsState(written_at, note.value, note.updated_at) if note else SecretsState(written_at)


async def stored_versions(client: GitHubClient, environment: str) -> dict[str, str]:
    """The secrets that are as dbxwizard wrote them, with the version of each: whose value is still known to GitHub."""
    state = await read_secrets(client, environment)
    if state is None:
        return {}
    return {name: version for name, version in state.versions.items() if state.untouched(name)}


def secrets_step_id(environment: str) -> str:
    return f"setup/github/secrets/{environment.lower() or 'repository'}"


class GitHubSecretsStep(Step[SecretsState]):
    """Each of `secrets` is there with its version; others are left alone.

    `holder`: the GitHub environment; "" means the repository.
    """

    scope = Scope.SETUP

    def __init__(self, client: GitHubClient, holder: str, secrets: Sequence[WantedSecret]) -> None:
        self.id = secrets_step_id(holder)
        self.title = f"GitHub secrets of {holder or 'the repository'}"
        self.environment, self.holder = environment_of(holder), holder
        sources = dict.fromkeys(need for secret in secrets for need in secret.needs)
        self.needs = (*([environment_step_id(holder)] if holder else []), *sources)
        self._client, self._secrets = client, tuple(secrets)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(secret.name for secret in self._secrets)

    async def read(self, inputs: Inputs) -> SecretsState | None:
        return await read_secrets(self._client, self.holder)

    def diff(self, state: SecretsState | None, inputs: Inputs) -> Change:
        found = state or SecretsState()
        reasons = [reason for secret in self._secrets for reason in _reasons(found, secret, inputs)]
        exists = any(secret.name in found.written_at for secret in self._secrets)
        return Change(Action.UPDATE if exists else Action.CREATE, tuple(reasons)) if reasons else Change.none()

    async def apply(
        self, state: SecretsState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        found = state or SecretsState()
        changed = [secret for secret in self._secrets if any(_reasons(found, secret, inputs))]
        values = {secret.name: self._value(secret, inputs) for secret in changed}
        await self._client.put_secrets(self.holder, values)
        kept = {name: version for name, version in found.versions.items() if found.untouched(name)}
        await self._note(found, kept | {secret.name: secret.version(inputs) for secret in changed})
        return {}

    def writes(self, state: SecretsState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        found, path = state or SecretsState(), environment_path(self._client.name, self.holder)
        sealed = [
            Request("PUT", Host.GITHUB, f"{path}/secrets/{secret.name}", f"seals {secret.name} for GitHub")
            for secret in self._secrets
            if _differs(found, secret, inputs)
        ]
        method, name = ("PATCH", f"/{NOTE}") if found.noted_at else ("POST", "")
        return (*sealed, Request(method, Host.GITHUB, f"{path}/variables{name}", "notes which values are there"))

    def _value(self, secret: WantedSecret, inputs: Inputs) -> Secret:
        value = secret.value(inputs)
        if value is None:
            raise OperationError(
                "secret-value-unknown",
                f"{secret.name} has to be written, and its value is not known: it is shown only when it is made",
                resource=self.subject,
                fix="Run setup again: it makes a new credential for what GitHub does not hold.",
            )
        return value

    async def _note(self, found: SecretsState, versions: Mapping[str, str]) -> None:
        """Writes the note after the secrets, so that it is not older than they are."""
        text = json.dumps(versions, sort_keys=True)
        if text == found.note:
            # GitHub doesn't say whether the same text again counts as an update, so it is spaced otherwise.
            text = json.dumps(versions, sort_keys=True, separators=(",", ":"))
        if found.noted_at:
            await self._client.update_variable(self.holder, NOTE, text)
        else:
            await self._client.create_variable(self.holder, NOTE, text)


def _differs(found: SecretsState, secret: WantedSecret, inputs: Inputs) -> bool:
    """A value whose version is known only after apply is another than what is there."""
    try:
        return bool(_reasons(found, secret, inputs))
    except KnownAfterApply:
        return True


def _reasons(found: SecretsState, secret: WantedSecret, inputs: Inputs) -> list[Reason]:
    version, name = secret.version(inputs), secret.name
    after = f"version {version}"
    if name not in found.written_at:
        return [Reason(name, None, after)]
    if name not in found.versions:
        return [Reason(name, "not written by dbxwizard", after)]
    if found.versions[name] != version:
        return [Reason(name, f"version {found.versions[name]}", after)]
    if not found.untouched(name):
        return [Reason(name, f"written by somebody else at {found.written_at[name]}", after)]
    return []
