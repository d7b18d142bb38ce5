"""The endpoint that takes telemetry, as the exporters of Azure Monitor send it: no token, the key is in the items.

Protocol: applicationinsights/data-plane/Monitor.Exporters in Azure/azure-rest-api-specs; answers:
learn.microsoft.com/azure/azure-monitor/app/data-model-complete and the exporters' own sources. The wording of single
errors is not published.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from dbxwizard.sandbox.http import ApiError, Call, Request, Response, Route, Service, read_json
from dbxwizard.sandbox.insights import components
from dbxwizard.sandbox.insights.telemetry import ItemError, row
from dbxwizard.sandbox.store import Document

MAX_ITEMS = 64_000  # in one request; learn.microsoft.com/azure/azure-monitor/service-limits#application-insights
_ROWS = "insights.row"


class IngestionService(Service):
    """The hosts of all regions, played by one."""

    name = "ingestion"

    def __init__(self) -> None:
        super().__init__()
        for version in ("v2", "v2.1"):
            self.route("POST", f"/{version}/track", body=object, public=True)(_track)

    def match(self, request: Request) -> tuple[Route, dict[str, str]] | None:
        """Endpoints in connection strings end with a slash, and azure-monitor-opentelemetry-exporter 1.0.0b58 puts
        another one behind it."""
        return super().match(replace(request, path=f"/{request.path.lstrip('/')}"))

    def unknown_field(self, call: Call, problem: str, path: str) -> ApiError:
        return ApiError(400, "", f"{problem} {path}".strip())

    def malformed(self, call: Call) -> ApiError:
        return ApiError(400, "", "Invalid JSON")

    def no_route(self, request: Request) -> ApiError:
        return ApiError(404, "", "Not Found")

    def parse_body(self, call: Call) -> Any:
        """A JSON array, one object, or objects line by line; the server has unpacked it."""
        text = call.request.body
        try:
            found = read_json(text or b"[]")
        except ValueError:
            try:
                return [read_json(line) for line in text.splitlines() if line.strip()]
            except ValueError as error:
                raise self.malformed(call) from error
        if not isinstance(found, dict | list):
            raise self.malformed(call)
        return [found] if isinstance(found, dict) else found

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        errors = [{"index": 0, "statusCode": error.status, "message": error.message}]
        return Response(error.status, {"itemsReceived": 0, "itemsAccepted": 0, "errors": errors, "appId": None})

    def decorate(self, call: Call | None, request: Request, response: Response) -> None:
        response.headers["x-ms-session-id"] = str(uuid.uuid4()).upper()


def _track(call: Call) -> Response:
    if len(call.body) > MAX_ITEMS:
        raise ApiError(413, "", "The request has too many items")
    errors: list[Document] = []
    application = None
    known: dict[str, Document | None] = {}  # components by their key: all items of an exporter have the same
    for index, envelope in enumerate(call.body):
        try:
            application = _keep(call, envelope, known)
        except ItemError as refused:
            errors.append({"index": index, "statusCode": 400, "message": str(refused)})
    accepted = len(call.body) - len(errors)
    status = 200 if not errors else 206 if accepted else 400
    body = {"itemsReceived": len(call.body), "itemsAccepted": accepted, "errors": errors, "appId": application}
    return Response(status, body)


def _keep(call: Call, envelope: Any, known: dict[str, Document | None]) -> str:
    """Keeps one item, and returns the id of the application whose it is."""
    table, columns = row(envelope, call.now)
    key = str(envelope.get("iKey") or "")
    if key not in known:
        known[key] = components.of_key(call.store, key)
    component = known[key]
    if component is None:
        raise ItemError("Invalid instrumentation key")
    properties = component["properties"]
    application = str(properties["AppId"])
    where = (call.store.get("_counter", "insights") or {"value": 0})["value"] + 1
    call.store.put("_counter", "insights", {"value": where})
    made = {
        **columns,
        "appId": application,
        "appName": properties["Name"],
        "iKey": key,
        "itemId": str(uuid.uuid5(uuid.UUID(application), str(where))),
    }
    seen = call.now + call.seconds("insights.ingest")
    call.store.put(_ROWS, f"{application}/{table}/{where:010d}", {"seenAt": seen, "row": made})
    return application


def rows(call: Call, application: str, table: str) -> list[Document]:
    """The rows of a table that can be queried by now, in the order in which they came."""
    kept = call.store.all(_ROWS, f"{application}/{table}/")
    return [one["row"] for one in kept if one["seenAt"] <= call.now]
