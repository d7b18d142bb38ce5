"""How deployments are refused, and how they fail.

Source of the wordings: learn.microsoft.com/azure/azure-resource-manager/troubleshooting, and answers quoted in public
issues: Azure-Samples/azure-search-openai-demo#242 (a missing right is 400), Azure/AzureMonitorStarterPacks#180 (several
errors), Azure-Samples/cloud-design-patterns#72 (preflight), microsoft/finops-toolkit#1248 (a failed run).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

from dbxwizard.arm_template import TemplateError
from dbxwizard.sandbox.arm.model import Caller
from dbxwizard.sandbox.http import ApiError
from dbxwizard.sandbox.store import Document

_OPERATION_FAILED = (
    "At least one resource deployment operation failed. Please list deployment operations for details. "
    "Please see https://aka.ms/arm-deployment-operations for usage details."
)
_OUTPUT = re.compile(r"(The template output '([^']+)' .*?)'?\.?$", re.DOTALL)
_NOT_REACHED = (
    "The resource write operation failed to complete successfully, because it reached terminal provisioning state "
    "'Failed'."
)


def as_api_error(error: ApiError | TemplateError) -> ApiError:
    """A template that can't be read is a bad request."""
    return error if isinstance(error, ApiError) else ApiError(400, error.code, error.message)


def unauthorized(caller: Caller, missing: Sequence[tuple[str, str, str, str]]) -> ApiError:
    """Rights that lack: name, type, action and id of each resource that can't be written."""
    texts = [
        f"Authorization failed for template resource '{name}' of type '{kind}'. The client '{caller.client}' with "
        f"object id '{caller.object_id}' does not have permission to perform action '{action}' at scope '{scope}'."
        for name, kind, action, scope in missing
    ]
    lead = "The template deployment failed with error" if len(texts) == 1 else "Deployment failed with multiple errors"
    return ApiError(400, "InvalidTemplateDeployment", f"{lead}: '{':'.join(texts)}'.")


def several(errors: Sequence[ApiError]) -> ApiError:
    """What Resource Manager itself finds; the only one, or all together."""
    if len(errors) == 1:
        return errors[0]
    statuses = [error.status for error in errors]
    names = ",".join(status_name(status) for status in statuses)
    return ApiError(
        statuses[0] if len(set(statuses)) == 1 else 400,
        "MultipleErrorsOccurred",
        f"Multiple error occurred: {names}. Please see details.",
        details=[detail(error) for error in errors],
    )


def refused_by_providers(name: str, tracking: str, problems: Sequence[tuple[str, ApiError]]) -> ApiError:
    """What resource providers find before anything is written: pairs of the resource's name and its error."""
    details = [{**detail(error), "target": target} for target, error in problems]
    return ApiError(
        400,
        "InvalidTemplateDeployment",
        f"The template deployment '{name}' is not valid according to the validation procedure. "
        f"The tracking id is '{tracking}'. See inner errors for details.",
        details=[
            {
                "code": "PreflightValidationCheckFailed",
                "message": "Preflight validation failed. Please refer to the details for the specific errors.",
                "details": details,
            }
        ],
    )


def detail(error: ApiError) -> Document:
    """The error as one of the details of another."""
    inner: Document = {name: error.extra[name] for name in ("target", "details") if name in error.extra}
    return {"code": error.code, "message": error.message, **inner}


def deployment_failed(deployment_id: str, details: Sequence[Document]) -> Document:
    return {
        "code": "DeploymentFailed",
        "target": deployment_id,
        "message": _OPERATION_FAILED,
        "details": list(details),
    }


def nested_failed(deployment_id: str, error: Document) -> Document:
    """A nested deployment among the details of the one around it."""
    return {"code": "ResourceDeploymentFailure", "target": deployment_id, "message": _NOT_REACHED, "details": [error]}


def outputs_failed(error: TemplateError) -> Document:
    """Outputs that can't be evaluated, though every resource is there."""
    code, found = "DeploymentOutputEvaluationFailed", _OUTPUT.search(error.message)
    cause, name = (found[1], found[2]) if found else (error.message, "")
    message = (
        f"Unable to evaluate template outputs: '{name}'. Please see error details and deployment operations. "
        "Please see https://aka.ms/arm-common-errors for usage details."
    )
    return {"code": code, "message": message, "details": [{"code": code, "target": name, "message": cause}]}


def canceled() -> Document:
    return {"code": "DeploymentCanceled", "message": "The deployment was canceled."}


def status_name(status: int) -> str:
    """`BadRequest` for 400."""
    return HTTPStatus(status).phrase.title().replace(" ", "")
