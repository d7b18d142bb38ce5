"""What the template wants for one environment: names, ids and bodies, computed here without asking anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbxwizard import bundled
from dbxwizard.arm_template import DeploymentScope, Expansion, TemplateError, expand
from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.azure.template_parameters import template_parameters


def load_template(root: Path) -> Mapping[str, Any]:
    """bicep/main.json of the project, or the one that we ship. Raises UsageError for a file that is no template."""
    path = root / "bicep" / "main.json"
    if not path.is_file():
        path = bundled.folder("bicep") / "main.json"
    try:
        template = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            "template-unreadable", str(error), resource=str(path), fix="Compile main.bicep again."
        ) from error
    if not isinstance(template, dict):
        raise UsageError("template-unreadable", "it is no JSON object", resource=str(path))
    return template


def expected_resources(environment: Environment, template: Mapping[str, Any], tenant_id: str) -> Expansion:
    """Raises OperationError with the service's own words for a template that it would refuse."""
    scope = DeploymentScope(tenant_id, subscription_id=environment.subscription_id, location=environment.location)
    try:
        return expand(template, template_parameters(environment), scope)
    except TemplateError as error:
        raise OperationError(error.code, error.message, resource="bicep/main.json") from error
