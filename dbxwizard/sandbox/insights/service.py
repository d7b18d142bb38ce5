"""The API that queries telemetry: learn.microsoft.com/rest/api/application-insights/query.

Errors: learn.microsoft.com/azure/azure-monitor/logs/api/errors, where it says them; the codes of the rest are those of
its older page on Application Insights, their wording is not published.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

from dbxwizard.sandbox import rbac, tokens
from dbxwizard.sandbox.http import ApiError, Call, Request, Response, Service
from dbxwizard.sandbox.insights import components, evaluate, ingestion, kql
from dbxwizard.sandbox.insights.times import iso
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.tokens import Identity

AUDIENCE = "https://api.applicationinsights.io"
_RIGHT = "Microsoft.Insights/components/query/read"
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


class QueryService(Service):
    """One host for all components."""

    name = "insights"

    def __init__(self) -> None:
        super().__init__()
        body = {"query": str, "timespan?": str, "applications?": [str]}
        self.route("POST", "/v1/apps/{application}/query", body=body, action=_RIGHT)(_post)
        self.route("GET", "/v1/apps/{application}/query", query=("query", "timespan"), action=_RIGHT)(_get)

    def authenticate(self, call: Call) -> Identity:
        token = tokens.bearer(call.request.headers.get("authorization", ""))
        if not token:
            raise ApiError(401, "AuthorizationRequiredError", "Valid authentication was not provided")
        try:
            return tokens.verify(call.store, call.now, token, frozenset({AUDIENCE, call.url("insights")}))
        except ApiError as error:
            raise ApiError(
                403, "InvalidTokenError", "The provided authentication is not valid for this resource"
            ) from error

    def authorize(self, call: Call) -> None:
        """Who may not read a component does not learn whether it exists."""
        component = components.of_application(call.store, call.params["application"])
        identity: Identity = call.principal
        if component is None or not rbac.allowed(
            call.store, identity.object_id, call.route.action, component["id"], call.now
        ):
            raise ApiError(
                403,
                "InsufficientAccessError",
                "The provided credentials have insufficient access to perform the requested operation",
            )

    def unknown_field(self, call: Call, problem: str, path: str) -> ApiError:
        return _invalid("InvalidPropertyError", f"{path}: {problem}")

    def malformed(self, call: Call) -> ApiError:
        return _invalid("InvalidJsonBody", "The request body is not valid JSON")

    def no_route(self, request: Request) -> ApiError:
        return ApiError(404, "PathNotFoundError", "The requested path does not exist")

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        body: Document = {"message": error.message, "code": error.code}
        inner = error.extra.get("inner")
        return Response(error.status, {"error": {**body, **({"innererror": inner} if inner else {})}})

    def decorate(self, call: Call | None, request: Request, response: Response) -> None:
        response.headers["x-ms-request-id"] = str(uuid.uuid4())


def _invalid(code: str, message: str, inner: Document | None = None) -> ApiError:
    found = {"code": code, "message": message, **({"innererror": inner} if inner else {})}
    return ApiError(400, "BadArgumentError", "The request had some invalid properties", inner=found)


def _post(call: Call) -> Response:
    if call.body.get("applications"):
        raise _invalid("NotSupported", "queries over several applications are not played by the sandbox")
    return _query(call, call.body["query"], call.body.get("timespan") or "")


def _get(call: Call) -> Response:
    if not call.query.get("query"):
        raise _invalid("QueryValidationError", "The query string is missing")
    return _query(call, call.query["query"], call.query.get("timespan", ""))


def _query(call: Call, text: str, timespan: str) -> Response:
    application = call.params["application"].lower()
    start, end = _bounds(timespan, call.now)

    def rows(table: str) -> list[Document]:
        return [row for row in ingestion.rows(call, application, table) if start <= row["timestamp"] <= end]

    try:
        found = evaluate.run(kql.parse(text), rows, call.now)
    except kql.QuerySyntaxError as problem:
        line, column = (
            text.count("\n", 0, problem.position) + 1,
            problem.position - text.rfind("\n", 0, problem.position),
        )
        where = f"{problem} on line [{line},{column}]"
        inner = {"code": "SYN0002", "message": where, "line": line, "pos": column, "token": problem.token}
        raise _invalid("SyntaxError", "A recognition error occurred in the query.", inner) from problem
    except evaluate.SemanticError as problem:
        inner = {"code": "SEM0100", "message": str(problem)}
        raise _invalid("SemanticError", "A semantic error occurred.", inner) from problem
    return Response(200, {"tables": [found.answer()]})


def _bounds(timespan: str, now: float) -> tuple[str, str]:
    """The rows' times as they are kept: of ISO 8601's `PT1H`, `START/END`, `START/PT1H`; all where it is empty."""
    present = datetime.fromtimestamp(now, UTC)
    if not timespan:
        return "", "9"
    first, _, second = timespan.partition("/")
    length = _length(second or first)
    try:
        start = datetime.fromisoformat(first) if second else present - (length or timedelta())
        end = start + length if second and length else datetime.fromisoformat(second) if second else present
    except ValueError as error:
        raise _invalid("InvalidTimespan", f"'{timespan}' is not a time span") from error
    if length is None and not second:
        raise _invalid("InvalidTimespan", f"'{timespan}' is not a time span")
    return _stamp(start), _stamp(end)


def _stamp(moment: datetime) -> str:
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _length(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
