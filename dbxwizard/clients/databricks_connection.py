"""How requests reach a workspace: databricks-sdk's transport with our own sign-in. Importing it takes 1.8 s."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from azure.core.credentials import TokenCredential
from databricks.sdk.clock import Clock
from databricks.sdk.core import ApiClient, Config, DatabricksError
from databricks.sdk.credentials_provider import CredentialsStrategy
from databricks.sdk.errors.platform import NotFound

import dbxwizard
from dbxwizard.clients.cloud import DATABRICKS_APP_ID, Cloud
from dbxwizard.clients.errors import NotAllowedYet, service_error, translated
from dbxwizard.clients.request_log import note_response
from dbxwizard.core import errors

# What the SDK makes of SCIM's errors, and the numbers with which requests are refused at the door.
_CODES = {
    "401": "UNAUTHENTICATED",
    "403": "PERMISSION_DENIED",
    "SCIM_401": "UNAUTHENTICATED",
    "SCIM_403": "PERMISSION_DENIED",
    "SCIM_404": "RESOURCE_DOES_NOT_EXIST",
    "SCIM_409": "RESOURCE_ALREADY_EXISTS",
}
_CONFLICTS = frozenset({"RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS", "RESOURCE_CONFLICT", "INVALID_STATE"})


class Connection:
    """A blocking connection to one workspace. Safe to use from several threads."""

    def __init__(
        self, cloud: Cloud, credential: TokenCredential, host: str, resource_id: str, *, timeout: float
    ) -> None:
        config = _Config(
            host=host,
            azure_workspace_resource_id=resource_id,
            credentials_strategy=_EntraTokens(cloud, credential, resource_id),
            http_timeout_seconds=timeout,
            clock=_NeverAgain(),
            product="dbxwizard",
            product_version=dbxwizard.__version__,
        )
        self._api = ApiClient(config)
        self._last = threading.local()
        session = self._api._api_client._session  # the SDK has no setting for certificates
        session.hooks["response"] += [self._remember, note_response]
        if cloud.ca_bundle:
            # REQUESTS_CA_BUNDLE would win over session.verify; and no proxy leads to the sandbox.
            session.verify, session.trust_env = str(cloud.ca_bundle), False
        self.close: Callable[[], None] = session.close

    def do(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, bytes] | None = None,
        resource: str = "",
    ) -> dict[str, Any]:
        """The answer's JSON object ({} when it has none). Raises the errors of dbxwizard.core.errors."""
        send = partial(self._api.do, method, path, query=dict(query or {}), headers={"Accept": "application/json"})
        try:
            with translated(resource):
                if files:
                    answer = send(files=dict(files), data=dict(form or {}))
                else:
                    answer = send(body=None if body is None else dict(body))
        except DatabricksError as error:
            raise self._known(error, resource) from error
        if method == "GET" and self._last.headers.get("Content-Length") == "0":
            # The SDK makes {} of it, which would mean that there is nothing.
            raise errors.Transient("answer-unreadable", "the answer of the workspace is empty", resource=resource)
        return answer if isinstance(answer, dict) else {"items": answer}

    def _remember(self, response: Any, *_args: Any, **_more: Any) -> None:
        self._last.status, self._last.headers = response.status_code, response.headers

    def _known(self, error: DatabricksError, resource: str) -> errors.OperationError:
        status, headers = self._last.status, self._last.headers
        code, message = _CODES.get(str(error.error_code), str(error.error_code or f"http-{status}")), str(error)
        if status == 403:
            # Right after a role assignment it means "not yet" (platform facts, 12).
            return NotAllowedYet(code, message, resource=resource, status=status)
        if isinstance(error, NotFound):
            return errors.NotFound(code, message, resource=resource, status=status)
        if code in _CONFLICTS:
            return errors.Conflict(code, message, resource=resource, status=status)
        return service_error(status, code, message, resource=resource, headers=headers)


class _Config(Config):
    """Settings from the constructor alone: no variable, profile or discovery changes where we sign in."""

    @classmethod
    def attributes(cls) -> Any:
        return Config.attributes()  # kept per class from its __dict__: a subclass has none

    def _load_from_env(self) -> None:
        pass

    def _known_file_config_loader(self) -> None:
        pass

    def _resolve_host_metadata(self) -> None:
        pass  # asks with a session of its own, which does not know our certificates

    def wrap_debug_info(self, message: str) -> str:
        return message  # the service's own words


class _NeverAgain(Clock):
    """Makes the SDK's first try its last: raises its error where it would wait. The engine knows when to try again."""

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        raise sys.exception() or RuntimeError(f"asked to sleep {seconds} s")


class _EntraTokens(CredentialsStrategy):
    """Both Entra tokens on every request: a principal that is not in the workspace yet enters with them, as an admin,
    when it holds Contributor or Owner on it (learn.microsoft.com/azure/databricks/dev-tools/auth)."""

    def __init__(self, cloud: Cloud, credential: TokenCredential, resource_id: str) -> None:
        self._credential, self._resource_id = credential, resource_id
        self._scopes = (f"{DATABRICKS_APP_ID}/.default", f"{cloud.management_audience}/.default")

    def auth_type(self) -> str:
        return "azure-identity"

    def __call__(self, cfg: Config) -> Callable[[], dict[str, str]]:
        return self._headers

    def _headers(self) -> dict[str, str]:
        workspace, management = (self._credential.get_token(scope).token for scope in self._scopes)
        return {
            "Authorization": f"Bearer {workspace}",
            "X-Databricks-Azure-SP-Management-Token": management,
            "X-Databricks-Azure-Workspace-Resource-Id": self._resource_id,
        }
