"""What is refused before anything is deployed: the template, names, rights, providers and every body that is known."""

from __future__ import annotations

from collections.abc import Collection

from dbxwizard.arm_template import Evaluator, Expansion, TemplateError, contains_unknown, expand
from dbxwizard.sandbox.arm import resources
from dbxwizard.sandbox.arm.deployments import records
from dbxwizard.sandbox.arm.model import Caller, Context
from dbxwizard.sandbox.http import ApiError
from dbxwizard.sandbox.store import Document


def check(context: Context, stored: Document) -> Expansion:
    """All that the deployment would make. ApiError: InvalidTemplate, or InvalidTemplateDeployment with details."""
    try:
        expansion = expand(stored["template"], stored["given"], records.scope_of(stored))
    except TemplateError as error:
        raise invalid(error) from error
    caller, planned = records.caller_of(stored), [item.id for item in expansion.resources]
    problems = []
    for item in expansion.resources:
        if not item.existing and not contains_unknown(item.body):
            problem = _problem(context, item.id, item.api_version, item.body, caller, planned)
            if problem:
                problems.append((item.id, item.type, item.name, problem))
    _raise_for(stored["name"], caller, problems)
    return expansion


def _problem(
    context: Context, resource_id: str, api_version: str, body: Document, caller: Caller, planned: Collection[str]
) -> ApiError | None:
    try:
        resources.validate(context, resource_id, api_version, body, caller, planned=planned)
    except ApiError as error:
        return error
    return None


def _raise_for(name: str, caller: Caller, problems: list[tuple[str, str, str, ApiError]]) -> None:
    """Source of the wordings: learn.microsoft.com/azure/azure-resource-manager/troubleshooting."""
    if not problems:
        return
    for resource_id, kind, short, error in problems:
        if error.status == 403:
            raise ApiError(
                403,
                "InvalidTemplateDeployment",
                "The template deployment failed with error: 'Authorization failed for template resource "
                f"'{short}' of type '{kind}'. The client '{caller.client}' with object id '{caller.object_id}' does "
                f"not have permission to perform action '{kind}/write' at scope '{resource_id}'.'.",
            )
    details = [{"code": error.code, "target": target, "message": error.message} for target, _, _, error in problems]
    raise ApiError(
        400,
        "InvalidTemplateDeployment",
        f"The template deployment '{name}' is not valid according to the validation procedure. "
        "See inner errors for details.",
        details=details,
    )


def invalid(error: TemplateError) -> ApiError:
    """A template that can't be read, as the service refuses it."""
    return ApiError(400, error.code, error.message)


def evaluator(context: Context, stored: Document) -> Evaluator:
    """The live evaluator of a root deployment. ApiError where the template has become invalid."""
    try:
        return records.evaluator_of(context, stored)
    except TemplateError as error:
        raise invalid(error) from error
