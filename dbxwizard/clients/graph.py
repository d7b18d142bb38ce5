"""Microsoft Graph v1.0: people, groups, applications and their service principals.

There is no light official SDK for it, so this is azure-core's pipeline with the documented operations
(learn.microsoft.com/graph/api/overview).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from azure.core import AsyncPipelineClient
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    UserAgentPolicy,
)
from azure.core.rest import AsyncHttpResponse, HttpRequest

from dbxwizard.clients.client import Client
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.errors import error_body, retry_after, service_error, translated
from dbxwizard.clients.identity import AsyncCredential, SignedIn
from dbxwizard.clients.transport import CloudTransport
from dbxwizard.core.errors import NotFound, NotYet, OperationError, Transient
from dbxwizard.core.secret import Secret

Json = dict[str, Any]
APPLICATION_FIELDS = "id,appId,displayName,createdDateTime,signInAudience,tags,uniqueName,passwordCredentials"
PRINCIPAL_FIELDS = "id,appId,displayName,createdDateTime,tags"
# learn.microsoft.com/graph/api/application-upsert: not in the national clouds.
_WITHOUT_UPSERT = frozenset({"AzureUSGovernment", "AzureChinaCloud"})
# What Graph says while another of its servers does not know a new application yet; the Azure CLI waits for these too.
_REPLICATING = (
    "does not reference a valid application object",
    "backing application of the service principal being created must in the local tenant",
    "No password credential found with keyId",
)
# Writes to one application at the same time: "wait briefly and retry" (github.com/nais/azurerator/issues/448).
_AT_ONCE = ("Directory_ConcurrencyViolation",)


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A client secret that was just made. `expires` in epoch seconds."""

    key_id: str
    secret: Secret
    expires: float


class GraphClient(Client):
    """An asynchronous context manager. What is found comes as the JSON objects of Graph; every method raises the
    core's errors, and NotYet for what a new application's replication explains."""

    def __init__(self, cloud: Cloud, signed_in: SignedIn) -> None:
        self._cloud = cloud
        policies = [
            RequestIdPolicy(),
            HeadersPolicy(),
            UserAgentPolicy(base_user_agent="dbxwizard"),
            AsyncBearerTokenCredentialPolicy(AsyncCredential(signed_in.credential), cloud.graph_scope),
        ]
        self._client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(
            f"{cloud.graph}/v1.0", policies=policies, transport=CloudTransport(cloud)
        )

    @property
    def makes_by_name(self) -> bool:
        """Whether this cloud makes an application by its uniqueName, as `ensure_application` says."""
        return self._cloud.name not in _WITHOUT_UPSERT

    async def close(self) -> None:
        await self._client.close()

    # People and groups.

    async def me(self) -> Json:
        return await self._get("/me", "the signed-in person")

    async def user(self, name: str) -> Json | None:
        """By object id or user principal name."""
        return await self._find(f"/users/{_segment(name)}", f"user {name}")

    async def group(self, object_id: str) -> Json | None:
        return await self._find(f"/groups/{_segment(object_id)}", f"group {object_id}")

    async def groups_named(self, name: str) -> list[Json]:
        return await self._list("/groups", f"groups named {name}", {"$filter": f"displayName eq {_text(name)}"})

    async def beginning(self, collection: str, text: str, most: int) -> list[Json]:
        """At most `most` (999 is Graph's limit) of `users`, `groups` or `servicePrincipals` whose names begin so."""
        names = ("displayName", "userPrincipalName") if collection == "users" else ("displayName",)
        condition = " or ".join(f"startswith({name},{_text(text)})" for name in names)
        query = {"$top": str(most), "$select": ",".join(("id", *names))} | ({"$filter": condition} if text else {})
        page = await self._get(f"/{collection}", f"{collection} of the directory", query)
        return list(page.get("value", []))

    async def may_register_applications(self) -> bool:
        """The tenant's setting for ordinary members."""
        policy = await self._get("/policies/authorizationPolicy", "the tenant's authorization policy")
        return bool(policy.get("defaultUserRolePermissions", {}).get("allowedToCreateApps", True))

    # Applications.

    async def application(self, application_id: str) -> Json | None:
        """By object id."""
        return await self._application(f"/applications/{_segment(application_id)}", application_id)

    async def application_of_client(self, client_id: str) -> Json | None:
        return await self._application(f"/applications(appId={_key(client_id)})", client_id)

    async def application_of_name(self, unique_name: str) -> Json | None:
        """By its uniqueName, the key that a client chooses. Where `ensure_application` gives none, there is none."""
        if not self.makes_by_name:
            return None
        return await self._application(f"/applications(uniqueName={_key(unique_name)})", unique_name)

    async def _application(self, path: str, name: str) -> Json | None:
        return await self._find(path, f"application {name}", {"$select": APPLICATION_FIELDS})

    async def applications_tagged(self, tag: str) -> list[Json]:
        return await self._applications(f"tags/any(t:t eq {_text(tag)})", f"applications tagged {tag}")

    async def applications_named(self, display_name: str) -> list[Json]:
        return await self._applications(f"displayName eq {_text(display_name)}", f"applications named {display_name}")

    async def _applications(self, condition: str, resource: str) -> list[Json]:
        query = {"$filter": condition, "$select": APPLICATION_FIELDS}
        return await self._list("/applications", resource, query)

    async def owners(self, application_id: str) -> list[Json]:
        """Who owns the application: people, and service principals without a userPrincipalName."""
        path = f"/applications/{_segment(application_id)}/owners"
        return await self._list(path, f"owners of {application_id}", {})

    async def ensure_application(self, unique_name: str, fields: Mapping[str, Any]) -> Json | None:
        """Makes the application of that uniqueName, or gives it these fields when it exists: then the result is None.

        So two runs at once can't make two. The national clouds lack it; there it is made without that guard.
        """
        resource = f"application {fields['displayName']}"
        if not self.makes_by_name:
            return await self._send("POST", "/applications", resource, dict(fields))
        path = f"/applications(uniqueName={_key(unique_name)})"
        return await self._send("PATCH", path, resource, dict(fields), {"Prefer": "create-if-missing"})

    async def update_application(self, application_id: str, fields: Mapping[str, Any]) -> None:
        path = f"/applications/{_segment(application_id)}"
        await self._change("PATCH", path, f"application {application_id}", dict(fields))

    # Service principals.

    async def principal_of_client(self, client_id: str) -> Json | None:
        path = f"/servicePrincipals(appId={_key(client_id)})"
        return await self._find(path, f"service principal of {client_id}", {"$select": PRINCIPAL_FIELDS})

    async def make_principal(self, client_id: str) -> Json:
        body = {"appId": client_id}
        resource = f"service principal of {client_id}"
        return _object(await self._change("POST", "/servicePrincipals", resource, body), resource)

    # Credentials.

    async def add_password(self, application_id: str, display_name: str, expires: float) -> NewPassword:
        """A new client secret, valid until `expires` (epoch seconds). A second call makes a second one."""
        ends = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = f"/applications/{_segment(application_id)}/addPassword"
        resource = f"client secret {display_name}"
        body = {"passwordCredential": {"displayName": display_name, "endDateTime": ends}}
        made = _object(await self._change("POST", path, resource, body), resource)
        return NewPassword(made["keyId"], Secret(made["secretText"]), epoch(made["endDateTime"]))

    async def remove_password(self, application_id: str, key_id: str) -> None:
        path = f"/applications/{_segment(application_id)}/removePassword"
        await self._change("POST", path, f"client secret {key_id}", {"keyId": key_id})

    async def federated_credentials(self, application_id: str) -> list[Json]:
        resource = f"federated credentials of {application_id}"
        try:
            return await self._list(_trusts(application_id), resource, {})
        except NotFound as error:
            raise _new(error) from error

    async def make_federated_credential(self, application_id: str, fields: Mapping[str, Any]) -> Json:
        """`fields`: name, issuer, subject, audiences (exactly one), description. Conflict: the name is taken."""
        resource = f"federated credential {fields['name']}"
        return _object(await self._change("POST", _trusts(application_id), resource, dict(fields)), resource)

    async def update_federated_credential(
        self, application_id: str, credential_id: str, fields: Mapping[str, Any]
    ) -> None:
        path = f"{_trusts(application_id)}/{_segment(credential_id)}"
        await self._change("PATCH", path, f"federated credential {credential_id}", dict(fields))

    # Requests.

    async def _get(self, path: str, resource: str, query: Mapping[str, str] | None = None) -> Json:
        address = path + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        return _object(await self._send("GET", address, resource), resource)

    async def _find(self, path: str, resource: str, query: Mapping[str, str] | None = None) -> Json | None:
        try:
            return await self._get(path, resource, query)
        except NotFound:
            return None

    async def _list(self, path: str, resource: str, query: Mapping[str, str]) -> list[Json]:
        """All pages."""
        page = await self._get(path, resource, query)
        found: list[Json] = list(page.get("value", []))
        while str(page.get("@odata.nextLink", "")).startswith(f"{self._cloud.graph}/"):
            page = _object(await self._send("GET", page["@odata.nextLink"], resource), resource)
            found += page.get("value", [])
        return found

    async def _change(self, method: str, path: str, resource: str, body: Json) -> Json | None:
        """A write to something that exists; where Graph does not know it, it is new."""
        try:
            return await self._send(method, path, resource, body)
        except NotFound as error:
            raise _new(error) from error

    async def _send(
        self,
        method: str,
        address: str,
        resource: str,
        body: Json | None = None,
        headers: dict[str, str] | None = None,
    ) -> Json | None:
        """The JSON object of the answer, None where it has none. `address` is a path below /v1.0, or a whole url."""
        url = address if address.startswith("https://") else f"{self._cloud.graph}/v1.0{address}"
        with translated(resource):
            response = await self._client.send_request(HttpRequest(method, url, json=body, headers=headers))
            text = response.text()
        if response.status_code >= 400:
            raise _refused(response, text, resource)
        if not text:
            return None
        with translated(resource):
            return _object(response.json(), resource)


def epoch(stamp: str) -> float:
    """The epoch seconds of a time as Graph writes it."""
    return datetime.fromisoformat(stamp).timestamp()


def _new(error: NotFound) -> NotYet:
    return NotYet(error.code, error.message, resource=error.resource, status=error.status)


def _refused(response: AsyncHttpResponse, text: str, resource: str) -> OperationError:
    code, message = error_body(text)
    message = message or f"Microsoft Graph answered {response.status_code}"
    if any(words in message for words in _REPLICATING):
        return NotYet(code, message, resource=resource, status=response.status_code)
    headers = dict(response.headers)
    if code in _AT_ONCE:
        wait = retry_after(headers)
        return Transient(code, message, resource=resource, status=response.status_code, retry_after=wait)
    status = response.status_code
    return service_error(status, code or f"http-{status}", message, resource=resource, headers=headers)


def _object(answer: Any, resource: str) -> Json:
    if not isinstance(answer, dict):
        raise Transient("answer-unreadable", "the answer of Microsoft Graph is no JSON object", resource=resource)
    return answer


def _trusts(application_id: str) -> str:
    return f"/applications/{_segment(application_id)}/federatedIdentityCredentials"


def _segment(text: str) -> str:
    return quote(text, safe="")


def _text(value: str) -> str:
    """A literal of OData: quotes are doubled."""
    return "'" + value.replace("'", "''") + "'"


def _key(value: str) -> str:
    return "'" + quote(value.replace("'", "''"), safe="") + "'"
