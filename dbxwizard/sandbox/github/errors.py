"""Errors in the words and the forms of GitHub.

docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dbxwizard.sandbox.http import ApiError


def not_found(message: str = "Not Found") -> ApiError:
    return ApiError(404, "NotFound", message)


def unprocessable(message: str) -> ApiError:
    return ApiError(422, "InvalidRequest", message)


def check_member(value: str, choices: Sequence[str]) -> None:
    """Raises ApiError for a value that is none of the choices."""
    if value not in choices:
        raise unprocessable(f"Invalid request.\n\n{value} is not a member of {list(choices)}.")


def validation_failed(problem: str | dict[str, Any]) -> ApiError:
    """`problem`: `resource`, `field`, `code` and `message`, as far as GitHub says them, or mere words."""
    return ApiError(422, "ValidationFailed", "Validation Failed", errors=[problem])
