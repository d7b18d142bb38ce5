"""Microsoft Graph: how it knows its callers and words its errors."""

from __future__ import annotations

from dbxwizard.sandbox.http import ApiError, Request, Response, Service


class GraphService(Service):
    """Microsoft Graph."""

    name = "graph"

    def no_route(self, request: Request) -> ApiError:
        return ApiError(404, "NotFound", f"No route for {request.method} {request.path}.")

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        return Response(error.status, {"error": {"code": error.code, "message": error.message}})
