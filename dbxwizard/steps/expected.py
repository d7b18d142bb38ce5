"""What the template wants for one environment: names, ids and bodies, computed here without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbxwizard.arm_template import DeploymentScope, Expansion, TemplateError, expand
from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.model import Environment
from dbxwizard.steps.template_parameters import template_parameters


def expected_resources(environment: Environment, template: Mapping[str, Any], tenant_id: str) -> Expansion:
    """Raises OperationError with the service's own words for a template that it would refuse."""
    scope = DeploymentScope(tenant_id, subscription_id=environment.subscription_id, location=environment.location)
    try:
        return expand(template, template_parameters(environment), scope)
    except TemplateError as error:
        raise OperationError(error.code, error.message, resource="bicep/main.json") from error
