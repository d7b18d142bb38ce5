"""How a template is refused: with the code and the wording of Resource Manager."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbxwizard.core.errors import OperationError

INVALID_TEMPLATE = "InvalidTemplate"


class TemplateError(OperationError):
    """A template or its parameters are not valid. `target` is the resource that it happened to, "" for the template.

    `code` and `message` are those that Resource Manager answers. It adds line and column of the request's text; they
    are left out here, because a template arrives as a value and has none.
    """

    def __init__(self, code: str, message: str, target: str = "") -> None:
        super().__init__(code, message, resource=target)
        self.target = target


class ExpressionError(Exception):
    """One expression failed; whoever evaluates it says where, as a TemplateError."""


class UnknownValueError(ExpressionError):
    """A value that has to be known before the deployment starts is known only while it runs."""


def invalid(message: str, target: str = "") -> TemplateError:
    """What the validation of a template answers before anything is deployed."""
    return TemplateError(INVALID_TEMPLATE, f"Deployment template validation failed: '{message}'.", target)


def unprocessable(resource_id: str, reason: str) -> TemplateError:
    """What a resource answers whose expressions fail when its turn comes."""
    text = f"Unable to process template language expressions for resource '{resource_id}'. '{reason}'"
    return TemplateError(INVALID_TEMPLATE, text, resource_id)


@contextmanager
def as_invalid(subject: str) -> Iterator[None]:
    """Turns an ExpressionError within into a TemplateError on the subject: `The template variable … is not valid`."""
    try:
        yield
    except ExpressionError as error:
        text = f"{subject}: {error}. Please see https://aka.ms/arm-functions for usage details."
        raise invalid(text) from None


@contextmanager
def bounded() -> Iterator[None]:
    """Nesting of every kind has a limit of its own; together they could still be deeper than the interpreter goes."""
    try:
        yield
    except RecursionError:
        raise invalid("The template is nested too deeply") from None
