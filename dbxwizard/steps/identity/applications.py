"""Applications of Entra with their service principals, and their client secrets where those are wanted.

An application is known by a key that we choose (its uniqueName), by our tag, or because the user says so by its id;
never by its display name alone.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import Conflict, NotYet, OperationError, Transient
from dbxwizard.core.plan import Change, Inputs, KnownAfterApply, Progress, Reason, Scope, Step, compare
from dbxwizard.core.requests import Host, Request
from dbxwizard.core.secret import Secret

if TYPE_CHECKING:
    from dbxwizard.clients.graph import GraphClient

OWN_TAG = "dbxwizard"
_AUDIENCE = "AzureADMyOrg"
_DAY = 86400.0
_SECRET_NAME = "dbxwizard"  # noqa: S105  how the credential is called in Entra
_SOON = 1.0  # seconds after which a new application is asked for again


def application_step_id(key: str) -> str:
    return f"setup/application/{key}"


def own_tags(repository: str, key: str) -> tuple[str, str]:
    """What an application of ours carries: one tag for all of them, one for its repository and key."""
    return OWN_TAG, f"{OWN_TAG}:{repository.lower()}:{key}"


def unique_name(repository: str, key: str) -> str:
    """The key under which Entra itself keeps us from making the application twice."""
    return f"{OWN_TAG}-{uuid.uuid5(uuid.NAMESPACE_URL, own_tags(repository, key)[1])}"


@dataclass(frozen=True, slots=True)
class ApplicationState:
    """As Graph has them; `principal` is None while the application has none in the tenant."""

    application: Mapping[str, Any]
    principal: Mapping[str, Any] | None


class ApplicationStep(Step[ApplicationState]):
    """The application of `key` (`main-spn`, `development/main-spn` …) exists, and so does its service principal.

    `adopt`: the client id or object id of an application to take over; of it only the tags are changed. Outputs:
    client_id, application_id, object_id (of the service principal), ids (both), name.
    """

    scope = Scope.SETUP

    def __init__(self, graph: GraphClient, *, key: str, display_name: str, repository: str, adopt: str = "") -> None:
        self.id = application_step_id(key)
        self.title = f"application {display_name}"
        self.environment = key.rpartition("/")[0]
        self._graph, self._name, self._adopt = graph, display_name, adopt
        self._tags = own_tags(repository, key)
        self._unique_name = unique_name(repository, key)

    async def read(self, inputs: Inputs) -> ApplicationState | None:
        application = await (self._find_adopted() if self._adopt else self._find())
        if application is None:
            return None
        return ApplicationState(application, await self._graph.principal_of_client(application["appId"]))

    async def _find_adopted(self) -> Mapping[str, Any]:
        found = await self._graph.application_of_client(self._adopt) or await self._graph.application(self._adopt)
        if found is None:
            raise OperationError(
                "application-not-found",
                f"there is no application with the id {self._adopt} in this tenant",
                resource=self.title,
                fix="--adopt takes the application (client) id or the object id of an application",
            )
        return found

    async def _find(self) -> Mapping[str, Any] | None:
        found = await self._graph.application_of_name(self._unique_name)
        if found is not None:
            return found
        tagged = await self._graph.applications_tagged(self._tags[1])
        if len(tagged) > 1:
            raise self._ambiguous(tagged)
        return tagged[0] if tagged else await self._find_by_name()

    async def _find_by_name(self) -> Mapping[str, Any] | None:
        """None, or the one of ours that another run has made since we looked for its key and its tag."""
        others = await self._graph.applications_named(self._name)
        for other in others:
            if other.get("uniqueName") == self._unique_name or self._tags[1] in other["tags"]:
                return other
        if others:
            ids = ", ".join(other["appId"] for other in others)
            raise OperationError(
                "application-name-taken",
                f"an application named {self._name} exists and is not marked as one of dbxwizard's: {ids}",
                resource=self.title,
                fix=f"take it over with --adopt {others[0]['appId']}, or choose another name with --main-spn-name, "
                "--databricks-spn-name or --plan-spn-name",
            )
        return None

    def _ambiguous(self, tagged: Sequence[Mapping[str, Any]]) -> OperationError:
        ids = ", ".join(other["appId"] for other in tagged)
        return OperationError(
            "application-ambiguous",
            f"several applications carry the tag {self._tags[1]}: {ids}",
            resource=self.title,
            fix="remove the tag from all but one, or say which one with --adopt ID",
        )

    def diff(self, state: ApplicationState | None, inputs: Inputs) -> Change:
        if state is None:
            return Change.create(displayName=self._name, tags=list(self._tags))
        missing = [] if state.principal else [Reason("servicePrincipal", None, self._name)]
        return Change.update([*self._differences(state.application), *missing])

    def _differences(self, application: Mapping[str, Any]) -> tuple[Reason, ...]:
        """Of an application that somebody else made only the tags are ours."""
        desired: dict[str, object] = {"tags": sorted({*application["tags"], *self._tags})}
        if application.get("uniqueName") == self._unique_name:
            desired |= {"displayName": self._name, "signInAudience": _AUDIENCE}
        return compare(desired, application, unordered=["tags"])

    async def apply(
        self, state: ApplicationState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        if state is None:
            return await self._make()
        fields = {reason.field: reason.after for reason in self._differences(state.application)}
        if fields:
            await self._graph.update_application(state.application["id"], fields)
        principal = state.principal or await self._make_principal(state.application["appId"])
        return _outputs(dict(state.application) | fields, principal)

    def writes(self, state: ApplicationState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        principal = Request("POST", Host.GRAPH, "/v1.0/servicePrincipals", "makes its service principal")
        if state is None:
            return self._creation(), principal
        path = f"/v1.0/applications/{state.application['id']}"
        changed = Request("PATCH", Host.GRAPH, path, f"changes the {self.title}")
        differs = bool(self._differences(state.application))
        return (*([changed] if differs else []), *([] if state.principal else [principal]))

    def _creation(self) -> Request:
        made = f"makes the {self.title}"
        if not self._graph.makes_by_name:
            return Request("POST", Host.GRAPH, "/v1.0/applications", made)
        return Request("PATCH", Host.GRAPH, f"/v1.0/applications(uniqueName='{self._unique_name}')", made)

    async def _make(self) -> Mapping[str, object]:
        fields = {"displayName": self._name, "signInAudience": _AUDIENCE, "tags": list(self._tags)}
        made = await self._graph.ensure_application(self._unique_name, fields)
        application = made or await self._graph.application_of_name(self._unique_name)
        if application is None:
            raise self._soon("application-replicating", "the new application can't be read yet")
        try:
            return _outputs(application, await self._make_principal(application["appId"]))
        except NotYet as error:
            raise self._soon(error.code, error.message) from error

    def _soon(self, code: str, message: str) -> Transient:
        """For what this very run has made: until it can be read, nothing says that it is fresh."""
        return Transient(code, message, resource=self.title, retry_after=_SOON)

    async def _make_principal(self, client_id: str) -> Mapping[str, Any]:
        """Made, and seen: who plans or deploys right after setup would find none while it replicates."""
        try:
            await self._graph.make_principal(client_id)
        except Conflict as error:
            found = await self._graph.principal_of_client(client_id)
            if found is None:
                raise NotYet(error.code, error.message, resource=self.title, status=error.status) from error
            return found
        found = await self._graph.principal_of_client(client_id)
        if found is None:
            raise self._soon("principal-replicating", "the new service principal can't be read yet")
        return found

    def outputs(self, state: ApplicationState, inputs: Inputs) -> Mapping[str, object]:
        return _outputs(state.application, state.principal)

    def fresh_since(self, state: ApplicationState) -> float | None:
        from dbxwizard.clients.graph import epoch

        stamps = [found["createdDateTime"] for found in (state.application, state.principal) if found]
        return max((epoch(stamp) for stamp in stamps if stamp), default=None)


def _outputs(application: Mapping[str, Any], principal: Mapping[str, Any] | None) -> dict[str, object]:
    outputs = {
        "client_id": application["appId"],
        "application_id": application["id"],
        "name": application["displayName"],
    }
    if principal is None:
        return outputs
    ids = f"{application['appId']}/{principal['id']}"
    return outputs | {"object_id": principal["id"], "ids": ids}


Held = Callable[[], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True)
class Password:
    """One client secret of an application; times in epoch seconds."""

    key_id: str
    expires: float


@dataclass(frozen=True, slots=True)
class PasswordsState:
    """Our secrets of the application, the longest lasting first. `held`: whose value is known where it is used."""

    passwords: tuple[Password, ...]
    held: frozenset[str]

    @property
    def current(self) -> Password | None:
        return next((one for one in self.passwords if one.key_id in self.held), None)


class ClientSecretStep(Step[PasswordsState]):
    """The application of `key` has a client secret of ours that lasts, and whose value is where it is needed.

    `held` gives the key ids whose value all holders (GitHub's secrets) have by now: a secret is shown only when it is
    made, so one that they lack is replaced. A new one never takes the place of another; RetiredSecretsStep removes
    what is superseded. Outputs: key_id, and _client_secret when it was just made.
    """

    scope = Scope.SETUP

    def __init__(
        self,
        graph: GraphClient,
        *,
        key: str,
        held: Held,
        lifetime_days: int = 180,
        renew_days: int = 30,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.id = client_secret_step_id(key)
        self.title = f"client secret of {key}"
        self.environment = key.rpartition("/")[0]
        self.needs = (application_step_id(key),)
        self._graph, self._held, self._now = graph, held, now
        self._lifetime, self._margin = lifetime_days, renew_days

    async def read(self, inputs: Inputs) -> PasswordsState | None:
        passwords = await _own_passwords(self._graph, _application_id(inputs, self.needs[0]))
        return PasswordsState(passwords, frozenset(await self._held())) if passwords else None

    def diff(self, state: PasswordsState | None, inputs: Inputs) -> Change:
        lifetime = f"{self._lifetime} days"
        if state is None:
            return Change.create(displayName=_SECRET_NAME, lifetime=lifetime)
        if state.current is None:
            return Change.update([Reason("value", "not known where it is used", "a new one")])
        if any(one is not state.current and one.expires > self._now() for one in state.passwords):
            # A run was cut off before it removed what is superseded; only a value that is known can prove itself.
            return Change.update([Reason("value", "one of several", "a new one in place of all")])
        left = int((state.current.expires - self._now()) // _DAY)
        if left < self._margin:
            return Change.update([Reason("endDateTime", f"in {left} days", f"in {lifetime}")])
        return Change.none()

    async def apply(
        self, state: PasswordsState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        expires = self._now() + self._lifetime * _DAY
        application_id = _application_id(inputs, self.needs[0])
        made = await self._graph.add_password(application_id, _SECRET_NAME, expires)
        return {"key_id": made.key_id, "_client_secret": made.secret}

    def writes(self, state: PasswordsState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        path = f"/v1.0/applications/{inputs.shown(self.needs[0], 'application_id')}/addPassword"
        return (Request("POST", Host.GRAPH, path, f"makes a {self.title}"),)

    def outputs(self, state: PasswordsState, inputs: Inputs) -> Mapping[str, object]:
        return {"key_id": state.current.key_id} if state.current else {}


def client_secret_step_id(key: str) -> str:
    return f"setup/client-secret/{key}"


Prove = Callable[[str, Secret], Awaitable[None]]


class RetiredSecretsStep(Step[PasswordsState]):
    """Secrets of ours that a newer one has superseded are gone, once that one has signed in and its holders have it.

    `prove(client_id, secret)` signs in with it. `held` as for ClientSecretStep; `needs` names the steps that hand the
    new value to its holders. Where the new value is not known in this run, only what has expired is removed.
    """

    scope = Scope.SETUP

    def __init__(
        self,
        graph: GraphClient,
        *,
        key: str,
        prove: Prove,
        held: Held,
        needs: Sequence[str] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self.id = f"setup/retired-secrets/{key}"
        self.title = f"superseded client secrets of {key}"
        self.environment = key.rpartition("/")[0]
        self._application, self._secret = application_step_id(key), client_secret_step_id(key)
        self.needs = (self._application, self._secret, *needs)
        self._graph, self._prove, self._held, self._now = graph, prove, held, now

    async def read(self, inputs: Inputs) -> PasswordsState | None:
        try:
            application_id = _application_id(inputs, self._application)
        except KnownAfterApply:
            return None  # a new application has nothing to retire
        passwords = await _own_passwords(self._graph, application_id)
        return PasswordsState(passwords, frozenset()) if passwords else None

    def diff(self, state: PasswordsState | None, inputs: Inputs) -> Change:
        retired = self._retired(state, inputs)
        return Change.delete(f"{len(retired)} superseded") if retired else Change.none()

    def _retired(self, state: PasswordsState | None, inputs: Inputs) -> list[Password]:
        if state is None:
            return []
        kept = inputs.get(self._secret, "key_id")
        others = [one for one in state.passwords if one.key_id != kept]
        if new_secret_value(inputs, self._secret) is not None:
            return others
        return [one for one in others if one.expires <= self._now()]

    async def apply(
        self, state: PasswordsState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        value = new_secret_value(inputs, self._secret)
        if value is not None:
            progress.waiting("the new client secret to sign in")
            await self._prove(str(inputs.get(self._application, "client_id")), value)
            await self._require_held(str(inputs.get(self._secret, "key_id")))
        application_id = _application_id(inputs, self._application)
        for password in self._retired(state, inputs):
            await self._graph.remove_password(application_id, password.key_id)
        return {}

    def writes(self, state: PasswordsState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """A secret that is still to be made supersedes all of them."""
        try:
            retired: Sequence[Password] = self._retired(state, inputs)
        except KnownAfterApply:
            retired = state.passwords if state else ()
        path = f"/v1.0/applications/{inputs.shown(self._application, 'application_id')}/removePassword"
        return tuple(Request("POST", Host.GRAPH, path, f"removes the client secret {one.key_id}") for one in retired)

    async def _require_held(self, key_id: str) -> None:
        """Another run may have put one of its own there meanwhile, which must not be removed."""
        if key_id not in await self._held():
            raise OperationError(
                "client-secret-at-once",
                "another run of setup has handed on a client secret of its own meanwhile",
                resource=self.title,
                fix="Run `dbxwizard setup` again once the other run has ended.",
            )


def new_secret_value(inputs: Inputs, step_id: str) -> Secret | None:
    """The client secret that the ClientSecretStep `step_id` has made in this run; None where it made none."""
    try:
        value = inputs.get(step_id, "_client_secret")
    except KeyError:
        return None
    return value if isinstance(value, Secret) else None


def _application_id(inputs: Inputs, step_id: str) -> str:
    return str(inputs.get(step_id, "application_id"))


async def _own_passwords(graph: GraphClient, application_id: str) -> tuple[Password, ...]:
    from dbxwizard.clients.graph import epoch

    application = await graph.application(application_id)
    if application is None:
        message = f"the application {application_id} can't be read"
        raise NotYet("application-replicating", message, resource=application_id, status=404)
    found = [one for one in application["passwordCredentials"] if one["displayName"] == _SECRET_NAME]
    passwords = [Password(one["keyId"], epoch(one["endDateTime"])) for one in found]
    return tuple(sorted(passwords, key=lambda one: (-one.expires, one.key_id)))
