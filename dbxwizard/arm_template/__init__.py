"""The template language of Azure Resource Manager: what a template, with its parameters, wants to exist.

It knows the language, and no resource type but those that belong to it: deployments, resource groups and management
groups. docs/template-functions.md lists the functions.
"""

from __future__ import annotations

from dbxwizard.arm_template.errors import TemplateError
from dbxwizard.arm_template.evaluator import Evaluator, Expected
from dbxwizard.arm_template.expansion import Expansion, expand
from dbxwizard.arm_template.host import Runtime, Surroundings
from dbxwizard.arm_template.parameters import TypedValue
from dbxwizard.arm_template.resources import Resource
from dbxwizard.arm_template.scope import DeploymentScope, Level
from dbxwizard.arm_template.values import Unknown, contains_unknown

__all__ = [
    "DeploymentScope",
    "Evaluator",
    "Expansion",
    "Expected",
    "Level",
    "Resource",
    "Runtime",
    "Surroundings",
    "TemplateError",
    "TypedValue",
    "Unknown",
    "contains_unknown",
    "expand",
]
