"""Errors in the words and the forms of GitHub.

docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.http import ApiError


def not_found(message: str = "Not Found") -> ApiError:
    return ApiError(404, "NotFound", message)


def unprocessable(message: str) -> ApiError:
    return ApiError(422, "InvalidRequest", message)


def validation_failed(problem: str | dict[str, Any]) -> ApiError:
    """`problem`: `resource`, `field`, `code` and `message`, as far as GitHub says them, or mere words."""
    return ApiError(422, "ValidationFailed", "Validation Failed", errors=[problem])
