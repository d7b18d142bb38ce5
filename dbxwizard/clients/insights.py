"""Queries of Application Insights: learn.microsoft.com/rest/api/application-insights/query."""

from __future__ import annotations

from typing import Any

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
from dbxwizard.clients.credentials import AsyncCredential
from dbxwizard.clients.errors import error_body, service_error, translated
from dbxwizard.clients.identity import SignedIn
from dbxwizard.clients.transport import CloudTransport
from dbxwizard.core.errors import Transient


class InsightsClient(Client):
    """An asynchronous context manager, for all components that the caller may read."""

    def __init__(self, cloud: Cloud, signed_in: SignedIn) -> None:
        self._root = f"{cloud.insights}/v1/apps"
        policies = [
            RequestIdPolicy(),
            HeadersPolicy(),
            UserAgentPolicy(base_user_agent="dbxwizard"),
            AsyncBearerTokenCredentialPolicy(AsyncCredential(signed_in.credential), cloud.insights_scope),
        ]
        self._client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(
            self._root, policies=policies, transport=CloudTransport(cloud)
        )

    async def close(self) -> None:
        await self._client.close()

    async def query(self, application_id: str, query: str, resource: str) -> list[dict[str, Any]]:
        """The rows of the answer, by column. Raises the core's errors."""
        with translated(resource):
            request = HttpRequest("POST", f"{self._root}/{application_id}/query", json={"query": query})
            response = await self._client.send_request(request)
            text = response.text()
        if response.status_code >= 400:
            code, message = error_body(text)
            headers = dict(response.headers)
            raise service_error(response.status_code, code, message, resource=resource, headers=headers)
        with translated(resource):
            answer = response.json()
        try:
            [table] = [one for one in answer["tables"] if one["name"] == "PrimaryResult"]
            names = [column["name"] for column in table["columns"]]
            return [dict(zip(names, row, strict=True)) for row in table["rows"]]
        except (KeyError, TypeError, ValueError) as error:
            raise Transient("answer-unreadable", "the answer of the query is no table", resource=resource) from error
