"""dataUri, uri, uriComponent, buildUri …: of template-functions-string, those that deal with addresses."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import quote, unquote, unquote_to_bytes, urljoin, urlsplit

from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import function
from dbxwizard.arm_template.values import JsonValue


@function("dataUri", 1)
def data_uri(call: Invocation, value: JsonValue) -> str:
    return "data:text/plain;charset=utf-8;base64," + base64.b64encode(arguments.text(call, value).encode()).decode()


@function("dataUriToString", 1)
def data_uri_to_string(call: Invocation, value: JsonValue) -> str:
    text = arguments.text(call, value)
    head, comma, data = text.partition(",")
    if not comma or not head.lower().startswith("data:"):
        raise call.error("parameter is not valid: it is not a data URI.")
    try:
        if head.lower().endswith(";base64"):
            return base64.b64decode(data, validate=True).decode()
        return unquote_to_bytes(data).decode()
    except (binascii.Error, ValueError):
        raise call.error("parameter is not valid: it is not a data URI.") from None


@function("uri", 2)
def uri(call: Invocation, base: JsonValue, relative: JsonValue) -> str:
    """Ends the base in a slash, and the last part of it is kept; otherwise the relative part takes its place."""
    address, tail = arguments.text(call, base), arguments.text(call, relative)
    try:
        parts, joined = urlsplit(address), urljoin(address, tail)
    except ValueError:
        parts, joined = urlsplit(""), ""
    if not parts.scheme or not parts.netloc:
        raise call.error("parameter is not valid: its base is not an absolute URI.")
    return joined


@function("uriComponent", 1)
def uri_component(call: Invocation, value: JsonValue) -> str:
    return quote(arguments.text(call, value), safe="-_.~")


@function("uriComponentToString", 1)
def uri_component_to_string(call: Invocation, value: JsonValue) -> str:
    return unquote(arguments.text(call, value))
