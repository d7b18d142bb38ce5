"""The table of built-in functions, filled by the modules of `functions`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dbxwizard.arm_template.errors import ExpressionError
from dbxwizard.arm_template.values import MAX_SIZE, JsonValue, Unknown, contains_unknown, plain, size

if TYPE_CHECKING:
    from dbxwizard.arm_template.evaluation import Invocation

Body = Callable[..., JsonValue]
ANY_NUMBER = 1000
LIST = "list*"  # what functions are registered as that have no name of their own: listKeys, listSecrets …


@dataclass(frozen=True, slots=True)
class Function:
    """One built-in function.

    `run` takes the Invocation and then the values of its arguments; of a `lazy` one nothing but the Invocation, whose
    arguments it evaluates as it needs them. A `structural` one moves elements about without looking into them, so an
    Unknown within an array or object passes through it; every other function of an Unknown is Unknown.
    """

    name: str
    minimum: int
    maximum: int
    run: Body
    lazy: bool
    structural: bool
    takes_lambda: bool

    def check_arity(self, count: int) -> None:
        """Raises ExpressionError in the service's words."""
        if self.minimum <= count <= self.maximum:
            return
        wanted = str(self.minimum)
        if self.maximum >= ANY_NUMBER:
            wanted = f"at least {self.minimum}"
        elif self.maximum != self.minimum:
            wanted = f"{self.minimum} to {self.maximum}"
        raise ExpressionError(
            f"Unable to evaluate template language function '{self.name}': function requires {wanted} argument(s) "
            f"while {count} were provided. "
            f"Please see https://aka.ms/arm-functions#{self.name.lower()} for usage details."
        )

    def apply(self, invocation: Invocation, values: list[JsonValue]) -> JsonValue:
        for value in values:
            if not self.takes_lambda:
                plain(value)
            if isinstance(value, Unknown) or (not self.structural and contains_unknown(value)):
                return Unknown(invocation.text())
        return self.checked(invocation, self.run(invocation, *values))

    def checked(self, invocation: Invocation, result: JsonValue) -> JsonValue:
        """Refuses a result that is larger than a whole template may be."""
        if self.name != "lambda":
            plain(result)
        amount = size(result, MAX_SIZE)
        invocation.frame.host.budget.spend(amount)
        if amount > MAX_SIZE:
            raise invocation.error("gives a value that is larger than a template may be.")
        return result


FUNCTIONS: dict[str, Function] = {}


def function(
    name: str,
    minimum: int,
    maximum: int | None = None,
    *,
    lazy: bool = False,
    structural: bool = False,
    takes_lambda: bool = False,
) -> Callable[[Body], Body]:
    """Registers a function under its documented name; `maximum` is `minimum` unless given."""

    def register(body: Body) -> Body:
        limit = minimum if maximum is None else maximum
        FUNCTIONS[name.lower()] = Function(name, minimum, limit, body, lazy, structural, takes_lambda)
        return body

    return register


def find(name: str) -> Function:
    """Raises ExpressionError for a function that does not exist."""
    lowered = name.lower()
    found = FUNCTIONS.get(lowered)
    if found is None and lowered.startswith("list"):
        return replace(FUNCTIONS[LIST], name=name)
    if found is None:
        raise ExpressionError(
            f"The template function '{name}' is not valid. Please see https://aka.ms/arm-functions for usage details."
        )
    return found
