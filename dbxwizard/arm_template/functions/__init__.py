"""The built-in functions of the template language, one module for each family of the documentation."""

from __future__ import annotations

from dbxwizard.arm_template.functions import (
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
