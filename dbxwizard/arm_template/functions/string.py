"""Functions of strings: learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string."""

from __future__ import annotations

import base64
import binascii
import uuid

from dbxwizard.arm_template import lenient_json
from dbxwizard.arm_template.composite import composite_format
from dbxwizard.arm_template.evaluation import Invocation, Phase
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.hashing import base32, murmur64
from dbxwizard.arm_template.registry import ANY_NUMBER, function
from dbxwizard.arm_template.values import MAX_SIZE, JsonValue, to_text

_GUID_NAMESPACE = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")


@function("format", 1, ANY_NUMBER)
def compose(call: Invocation, template: JsonValue, *values: JsonValue) -> str:
    return composite_format(arguments.text(call, template), values)


@function("string", 1)
def to_string(_: Invocation, value: JsonValue) -> str:
    return to_text(value)


@function("toLower", 1)
def to_lower(call: Invocation, value: JsonValue) -> str:
    return arguments.text(call, value).lower()


@function("toUpper", 1)
def to_upper(call: Invocation, value: JsonValue) -> str:
    return arguments.text(call, value).upper()


@function("trim", 1)
def trim(call: Invocation, value: JsonValue) -> str:
    return arguments.text(call, value).strip()


@function("startsWith", 2)
def starts_with(call: Invocation, value: JsonValue, start: JsonValue) -> bool:
    return arguments.text(call, value).lower().startswith(arguments.text(call, start).lower())


@function("endsWith", 2)
def ends_with(call: Invocation, value: JsonValue, end: JsonValue) -> bool:
    return arguments.text(call, value).lower().endswith(arguments.text(call, end).lower())


@function("replace", 3)
def replace(call: Invocation, value: JsonValue, old: JsonValue, new: JsonValue) -> str:
    sought = arguments.text(call, old)
    if not sought:
        raise call.error("expects the string to replace not to be empty.")
    return arguments.text(call, value).replace(sought, arguments.text(call, new))


@function("split", 2)
def split(call: Invocation, value: JsonValue, delimiter: JsonValue) -> list[JsonValue]:
    """The delimiter is one string or an array of them."""
    delimiters = delimiter if isinstance(delimiter, list) else [delimiter]
    marks = [mark for mark in (arguments.text(call, item) for item in delimiters) if mark]
    parts = [arguments.text(call, value)]
    for mark in marks[:1]:
        parts = parts[0].split(mark)
    for mark in marks[1:]:
        parts = [piece for part in parts for piece in part.split(mark)]
    return list(parts)


@function("substring", 2, 3)
def substring(call: Invocation, value: JsonValue, start: JsonValue, length: JsonValue = None) -> str:
    text, begin = arguments.text(call, value), arguments.integer(call, start)
    count = len(text) - begin if length is None else arguments.integer(call, length)
    if not 0 <= begin <= len(text):
        raise call.error("parameters are not valid: the start index must lie within the string.")
    if count < 0 or begin + count > len(text):
        raise call.error(
            "parameters are not valid. The index and length parameters must refer to a location within the string. "
            f"The index parameter: '{begin}', the length parameter: '{count}', "
            f"the length of the string parameter: '{len(text)}'."
        )
    return text[begin : begin + count]


@function("padLeft", 2, 3)
def pad_left(call: Invocation, value: JsonValue, width: JsonValue, character: JsonValue = " ") -> str:
    length, padding = arguments.integer(call, width), arguments.text(call, character)
    if not 0 <= length <= MAX_SIZE:
        raise call.error(f"expects its total length to be between 0 and {MAX_SIZE}, not '{length}'.")
    if len(padding) != 1:
        raise call.error("expects its padding character to be a single character.")
    return to_text(value).rjust(length, padding)


@function("uniqueString", 1, ANY_NUMBER)
def unique_string(call: Invocation, *values: JsonValue) -> str:
    return base32(murmur64("-".join(arguments.text(call, value) for value in values).encode()))


@function("guid", 1, ANY_NUMBER)
def guid(call: Invocation, *values: JsonValue) -> str:
    return str(uuid.uuid5(_GUID_NAMESPACE, "-".join(arguments.text(call, value) for value in values)))


@function("newGuid", 0)
def new_guid(call: Invocation) -> str:
    if call.frame.phase is not Phase.PARAMETER:
        raise call.error("is not expected at this location. It can only be used in the default value of a parameter.")
    host = call.frame.host
    if host.surroundings.new_guid is None:
        return str(uuid.uuid4())
    return host.surroundings.new_guid(f"{host.scope.id}/{host.surroundings.deployment_name}")


@function("like", 2)
def like(call: Invocation, value: JsonValue, pattern: JsonValue) -> bool:
    """`*` stands for any characters, none included; upper and lower case are the same."""
    text, pieces = arguments.text(call, value).lower(), arguments.text(call, pattern).lower().split("*")
    first, *middle, last = pieces if len(pieces) > 1 else (*pieces, "")
    if len(pieces) == 1:
        return text == first
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


@function("base64", 1)
def to_base64(call: Invocation, value: JsonValue) -> str:
    return base64.b64encode(arguments.text(call, value).encode()).decode()


def _decoded(call: Invocation, value: JsonValue) -> str:
    text = arguments.text(call, value)
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        raise call.error("parameter is not valid: it is not a base64 encoded string.") from None


@function("base64ToString", 1)
def base64_to_string(call: Invocation, value: JsonValue) -> str:
    return _decoded(call, value)


@function("base64ToJson", 1)
def base64_to_json(call: Invocation, value: JsonValue) -> JsonValue:
    try:
        return lenient_json.loads(_decoded(call, value))
    except ValueError:
        raise call.error("parameter is not valid: the decoded value is not JSON.") from None
