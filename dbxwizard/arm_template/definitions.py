"""What a template defines for its expressions: parameters, variables and functions of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from dbxwizard.arm_template import copies
from dbxwizard.arm_template.errors import ExpressionError, as_invalid
from dbxwizard.arm_template.evaluation import Frame, Phase, evaluate, evaluate_bounded, unroll
from dbxwizard.arm_template.host import Host
from dbxwizard.arm_template.parameters import (
    TypedValue,
    check_value,
    evaluation_order,
    given_values,
    is_missing,
    not_provided,
    typed,
)
from dbxwizard.arm_template.template import Template, UserFunction
from dbxwizard.arm_template.types import MismatchError
from dbxwizard.arm_template.values import JsonObject, JsonValue, find_key

_MAX_FUNCTION_DEPTH = 10


class Definitions:
    """Evaluates each parameter and variable once. `secret` resolves a parameter's reference to a Key Vault."""

    def __init__(self, template: Template, host: Host) -> None:
        self._template = template
        self._host = host
        self._values: dict[str, JsonValue] = {}
        self._variables: dict[str, JsonValue] = {}
        self._loops: dict[str, copies.Loop] = {}
        self._running: set[str] = set()
        self.passed: dict[str, JsonValue] = {}

    def set_parameters(
        self, given: Mapping[str, JsonValue], secret: Callable[[JsonObject], JsonValue]
    ) -> dict[str, TypedValue]:
        """Checks what was passed and every default. Raises TemplateError."""
        self.passed = given_values(self._template, given, secret)
        declared = self._template.parameters
        for name in declared:
            if self._is_left_out(name) and not self._is_nullable(name):
                raise not_provided(name)
        defaults = {name: declaration.get("defaultValue") for name, declaration in declared.items()}
        for name in evaluation_order(defaults, "parameters"):
            if not self._is_left_out(name):
                check_value(self._template, name, self.parameter(name))
        return {name: typed(self._template.types, declared[name], self.parameter(name)) for name in declared}

    def _is_left_out(self, name: str) -> bool:
        return is_missing(self._template, self.passed, name) and "defaultValue" not in self._template.parameters[name]

    def _is_nullable(self, name: str) -> bool:
        return self._template.types.resolve(self._template.parameters[name]).get("nullable") is True

    def parameter(self, name: str) -> JsonValue:
        key = find_key(self._template.parameters, name)
        if key is None:
            raise ExpressionError(
                f"The template parameter '{name}' is not found. "
                "Please see https://aka.ms/arm-syntax-parameters for usage details."
            )
        if key not in self._values:
            self._values[key] = self._parameter_value(key)
        return self._values[key]

    def _parameter_value(self, key: str) -> JsonValue:
        if not is_missing(self._template, self.passed, key):
            return self.passed[key]
        default = self._template.parameters[key].get("defaultValue")
        with self._once(f"parameter '{key}'"), as_invalid(f"The template parameter '{key}' is not valid"):
            return evaluate_bounded(default, Frame(self._host, Phase.PARAMETER))

    @contextmanager
    def _once(self, what: str) -> Iterator[None]:
        if what in self._running:
            raise ExpressionError(f"Circular reference detected: the template {what} refers to itself")
        self._running.add(what)
        try:
            yield
        finally:
            self._running.discard(what)

    def set_variables(self) -> None:
        """Evaluates them all, as the service does, used or not. Raises TemplateError."""
        section = dict(self._template.variables)
        loops = section.pop("copy", None)
        if loops is not None:
            with as_invalid("The template variables are not valid"):
                self._loops = {loop.name: loop for loop in _variable_loops(loops)}
        everything = {**section, **{name: [loop.count, loop.input] for name, loop in self._loops.items()}}
        for name in evaluation_order(everything, "variables"):
            with as_invalid(f"The template variable '{name}' is not valid"):
                self.variable(name)

    def variable(self, name: str) -> JsonValue:
        key = find_key(self._loops, name) or find_key(self._template.variables, name)
        if key is None or (key == "copy" and key not in self._loops):
            raise ExpressionError(
                f"The template variable '{name}' is not found. "
                "Please see https://aka.ms/arm-syntax-variables for usage details."
            )
        if key not in self._variables:
            with self._once(f"variable '{key}'"):
                self._variables[key] = self._variable_value(key)
        return self._variables[key]

    def _variable_value(self, key: str) -> JsonValue:
        frame = Frame(self._host, Phase.VARIABLE)
        if key in self._loops:
            return unroll(self._loops[key], frame)
        return evaluate_bounded(self._template.variables[key], frame)

    def call(self, name: str, arguments: list[JsonValue], frame: Frame) -> JsonValue:
        """The value of a function that the template defines. Raises ExpressionError."""
        function = self._template.functions.get(name.lower())
        if function is None:
            raise ExpressionError(
                f"The template function '{name}' is not valid. "
                "Please see https://aka.ms/arm-functions for usage details."
            )
        if frame.depth >= _MAX_FUNCTION_DEPTH:
            raise ExpressionError(f"The template function '{name}' is called from within itself.")
        values = self._bound(function, arguments)
        return evaluate(
            function.output["value"], Frame(self._host, Phase.FUNCTION, arguments=values, depth=frame.depth + 1)
        )

    def _bound(self, function: UserFunction, arguments: list[JsonValue]) -> dict[str, JsonValue]:
        wanted = len(function.parameters)
        required = sum("nullable" not in self._template.types.resolve(item) for item in function.parameters)
        if not required <= len(arguments) <= wanted:
            raise ExpressionError(
                f"Unable to evaluate template language function '{function.name}': function requires {wanted} "
                f"argument(s) while {len(arguments)} were provided. "
                "Please see https://aka.ms/arm-functions for usage details."
            )
        values: dict[str, JsonValue] = {}
        for index, declaration in enumerate(function.parameters):
            name, value = declaration["name"], arguments[index] if index < len(arguments) else None
            try:
                self._template.types.check(value, declaration)
            except MismatchError as error:
                raise ExpressionError(
                    f"The argument '{name}' of the template function '{function.name}' is not valid. {error.reason}"
                ) from None
            values[name] = value
        return values


def _variable_loops(section: JsonValue) -> list[copies.Loop]:
    if not copies.is_property_loop(section):
        raise ExpressionError("The copy element of variables is not a list of loops.")
    return list(copies.property_loops(section))
