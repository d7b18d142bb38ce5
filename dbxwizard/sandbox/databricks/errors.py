"""Errors with the codes of the workspace's APIs (learn.microsoft.com/azure/databricks/reference/api)."""

from __future__ import annotations

from dbxwizard.sandbox.http import ApiError


def invalid(message: str) -> ApiError:
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def not_found(message: str) -> ApiError:
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def denied(message: str) -> ApiError:
    return ApiError(403, "PERMISSION_DENIED", message)
