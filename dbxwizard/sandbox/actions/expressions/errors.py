"""What is wrong with an expression, in GitHub's words (ParseException.cs of actions/runner)."""

from __future__ import annotations


class ExpressionError(Exception):
    """An expression that can't be read, or whose evaluation fails."""


class ParseError(ExpressionError):
    """An expression that can't be read; `position` counts from 1, 0 where the whole expression is meant."""

    def __init__(self, message: str, expression: str, token: str | None = None, position: int = 0) -> None:
        where = "" if token is None else f": '{token}'. Located at position {position} within expression: {expression}"
        super().__init__(message + where)
        self.position = position


class EvaluationError(ExpressionError):
    """An expression that was read and has no value."""
