"""Evaluates expressions, and JSON values with expressions in them, in a frame that says what they may refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from dbxwizard.arm_template import copies, registry
from dbxwizard.arm_template.errors import ExpressionError
from dbxwizard.arm_template.expressions import Access, Call, Literal, Node, is_expression, parse, unescape
from dbxwizard.arm_template.values import MAX_SIZE, JsonObject, JsonValue, Unknown, find_key, plain, size, type_name

if TYPE_CHECKING:
    from dbxwizard.arm_template.host import Host

MAX_JSON_DEPTH = 100


class Phase(Enum):
    """Where an expression stands; some functions are allowed in some places only."""

    PARAMETER = "parameter default value"
    VARIABLE = "variable"
    FUNCTION = "user-defined function"
    DECLARATION = "resource declaration"  # name, type, condition, scope, copy: known before anything is deployed
    BODY = "resource body"
    OUTPUT = "output"

    @property
    def at_runtime(self) -> bool:
        return self in (Phase.BODY, Phase.OUTPUT)


@dataclass(frozen=True, slots=True)
class Iteration:
    """One turn of a copy loop; `name` is "" for the loop of an output."""

    name: str
    index: int


@dataclass(frozen=True, slots=True)
class Frame:
    host: Host
    phase: Phase
    turn: Iteration | None = None  # of the resource's or output's own loop: what copyIndex() without a name means
    iterations: tuple[Iteration, ...] = ()  # of the loops that have a name
    lambda_variables: Mapping[str, JsonValue] | None = None
    arguments: Mapping[str, JsonValue] | None = None  # of the user-defined function that is running
    depth: int = 0  # of user-defined functions within each other

    def within(self, iteration: Iteration) -> Frame:
        """The frame of one turn of a loop with a name; a variable has no other loop that copyIndex() could mean."""
        turn = iteration if self.phase is Phase.VARIABLE else self.turn
        return replace(self, turn=turn, iterations=(*self.iterations, iteration))


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a built-in function: what its body gets to see of the place that it is called from."""

    name: str
    nodes: tuple[Node, ...]
    frame: Frame

    def value(self, index: int) -> JsonValue:
        return plain(evaluate_node(self.nodes[index], self.frame))

    def error(self, reason: str) -> ExpressionError:
        return ExpressionError(f"The template language function '{self.name}' {reason}")

    def text(self) -> str:
        return source(Call(self.name, self.nodes))


def source(node: Node) -> str:
    """The expression that a tree came from, without its brackets."""
    if isinstance(node, Literal):
        return str(node.value) if isinstance(node.value, int) else "'" + node.value.replace("'", "''") + "'"
    if isinstance(node, Call):
        return f"{node.name}({', '.join(source(argument) for argument in node.arguments)})"
    return f"{source(node.target)}[{source(node.key)}]"


def evaluate_node(node: Node, frame: Frame) -> JsonValue:
    """Raises ExpressionError."""
    if isinstance(node, Literal):
        return node.value
    frame.host.budget.spend(1)
    if isinstance(node, Access):
        return select(evaluate_node(node.target, frame), evaluate_node(node.key, frame))
    if "." in node.name:
        arguments = [plain(evaluate_node(item, frame)) for item in node.arguments]
        return frame.host.call_user_function(node.name, arguments, frame)
    found = registry.find(node.name)
    found.check_arity(len(node.arguments))
    invocation = Invocation(found.name, node.arguments, frame)
    if found.lazy:
        return found.checked(invocation, found.run(invocation))
    return found.apply(invocation, [evaluate_node(item, frame) for item in node.arguments])


def select(target: JsonValue, key: JsonValue) -> JsonValue:
    """`target.key` or `target[key]`; property names ignore case. Raises ExpressionError."""
    if isinstance(target, Unknown):
        return Unknown(f"{target.expression}.{key}")
    if isinstance(key, Unknown):
        return key
    if isinstance(target, dict) and isinstance(key, str):
        found = find_key(target, key)
        if found is None:
            raise ExpressionError(
                f"The language expression property '{key}' doesn't exist, "
                f"available properties are '{', '.join(target)}'."
            )
        return target[found]
    if isinstance(target, list):
        return _element(target, key)
    raise ExpressionError(
        f"The language expression property '{key}' can't be evaluated, property value is of type '{type_name(target)}'."
        if target is not None
        else f"The language expression property '{key}' can't be evaluated: its target is null."
    )


def _element(target: list[JsonValue], key: JsonValue) -> JsonValue:
    if isinstance(key, str) and key.lstrip("-").isdigit():
        key = int(key)
    if isinstance(key, bool) or not isinstance(key, int):
        raise ExpressionError(f"The language expression property '{key}' can't be evaluated, it is not an array index.")
    if not 0 <= key < len(target):
        raise ExpressionError(f"The language expression property array index '{key}' is out of bounds.")
    return target[key]


def evaluate_text(text: str, frame: Frame) -> JsonValue:
    if is_expression(text):
        return plain(evaluate_node(parse(text), frame))
    return unescape(text)


def evaluate(value: JsonValue, frame: Frame, *, depth: int = 0) -> JsonValue:
    """The value with every expression in it evaluated and every property loop unrolled. Raises ExpressionError."""
    if depth > MAX_JSON_DEPTH:
        raise ExpressionError(f"The JSON is nested more than {MAX_JSON_DEPTH} levels deep.")
    if isinstance(value, str):
        return evaluate_text(value, frame)
    if isinstance(value, list):
        return [evaluate(item, frame, depth=depth + 1) for item in value]
    if isinstance(value, dict):
        return _evaluate_object(value, frame, depth)
    return value


def evaluate_bounded(value: JsonValue, frame: Frame) -> JsonValue:
    """As `evaluate`, for what other expressions refer to: it may not be larger than a template."""
    result = evaluate(value, frame)
    amount = size(result, MAX_SIZE)
    frame.host.budget.spend(amount)
    if amount > MAX_SIZE:
        raise ExpressionError("The value is larger than a template may be.")
    return result


def _evaluate_object(value: JsonObject, frame: Frame, depth: int) -> JsonObject | Unknown:
    """The whole object is Unknown where the name of a property is."""
    result: JsonObject = {}
    for key, item in value.items():
        if key.lower() == "copy" and copies.is_property_loop(item):
            for loop in copies.property_loops(item):
                result[loop.name] = unroll(loop, frame, depth=depth + 2)
        else:
            name = evaluate_text(key, frame)
            if isinstance(name, Unknown):
                return name
            if not isinstance(name, str):
                raise ExpressionError(f"The property name '{key}' does not evaluate to a string.")
            result[name] = evaluate(item, frame, depth=depth + 1)
    return result


def unroll(loop: copies.Loop, frame: Frame, *, depth: int = 0) -> list[JsonValue]:
    """The array that a property, variable or output loop stands for."""
    count = copies.checked_count(evaluate(loop.count, frame), loop.name)
    return [evaluate(loop.input, frame.within(Iteration(loop.name, turn)), depth=depth) for turn in range(count)]
