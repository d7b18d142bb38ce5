"""The built-in functions of the template language, one module for each family of the documentation, or part of one."""

from __future__ import annotations

from dbxwizard.arm_template.functions import (
    access,
    array,
    cidr,
    comparison,
    date,
    deployment,
    lambdas,
    logical,
    numeric,
    objects,
    resource,
    scope,
    string,
    uris,
)

__all__ = [
    "access",
    "array",
    "cidr",
    "comparison",
    "date",
    "deployment",
    "lambdas",
    "logical",
    "numeric",
    "objects",
    "resource",
    "scope",
    "string",
    "uris",
]
