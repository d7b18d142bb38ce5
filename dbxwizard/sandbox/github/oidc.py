"""The issuer of GitHub Actions' OpenID Connect tokens."""

from __future__ import annotations

from dbxwizard.sandbox.http import ApiError, Request, Response, Service


class OidcService(Service):
    """token.actions.githubusercontent.com, and the address at which a job asks for its token."""

    name = "oidc"

    def no_route(self, request: Request) -> ApiError:
        return ApiError(404, "NotFound", f"No route for {request.method} {request.path}.")

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        return Response(error.status, {"message": error.message})
