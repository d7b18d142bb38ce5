"""The fingerprint that the Bicep compiler writes into a template."""

from __future__ import annotations

import json
import struct
from typing import Any

Json = Any

TEMPLATE_ORDER = ("$schema", "contentVersion", "parameters", "variables", "resources", "outputs", "metadata")
PARAMETER_ORDER = (
    *("defaultValue", "minValue", "maxValue", "allowedValues", "minLength", "maxLength"),
    *("type", "metadata"),
)
RESOURCE_ORDER = (
    *("type", "apiVersion", "name", "location", "dependsOn", "tags", "sku", "zones", "kind", "identity", "plan"),
    *("properties", "scope", "resourceGroup", "copy", "condition"),
)
OUTPUT_ORDER = ("type", "value", "metadata")


def template_hash(template: Json) -> str:
    """The templateHash of a template whose `_generator` does not hold one yet.

    MurmurHash (64 bits) of the minified template in capitals, its properties in the order of Resource Manager's own
    model. Nowhere published: found by trial on the samples of Azure/bicep, where it gives the same number for 254 of
    the 255 templates that it does not refuse.
    """
    ordered = dict(template)
    if "parameters" in template:
        ordered["parameters"] = {key: _sorted(one, PARAMETER_ORDER) for key, one in template["parameters"].items()}
    if "outputs" in template:
        ordered["outputs"] = {key: _sorted(one, OUTPUT_ORDER) for key, one in template["outputs"].items()}
    ordered["resources"] = [_sorted(one, RESOURCE_ORDER) for one in template["resources"]]
    text = json.dumps(_sorted(ordered, TEMPLATE_ORDER), separators=(",", ":"), ensure_ascii=False)
    return str(_murmur64(text.upper().encode()))


def _sorted(part: Json, order: tuple[str, ...]) -> Json:
    if set(part) - set(order):
        raise ValueError(f"the order of {set(part) - set(order)} is not known")
    return {key: part[key] for key in order if key in part}


def _murmur64(data: bytes) -> int:
    """MurmurHash3 in the form of 32-bit halves that Resource Manager uses; seed 0."""
    whole = len(data) // 8 * 8
    low = high = 0
    for first, second in struct.iter_unpack("<II", data[:whole]):
        low = _bits(_rotated(low ^ _mixed(first, 15), 19) + high)
        low = _bits(low * 5 + 0x561CCD1B)
        high = _bits(_rotated(high ^ _mixed_high(second), 13) + low)
        high = _bits(high * 5 + 0x0BCAA747)
    rest = data[whole:]
    low ^= _mixed(int.from_bytes(rest[:4], "little"), 15)
    high ^= _mixed_high(int.from_bytes(rest[4:], "little"))
    low, high = low ^ len(data), high ^ len(data)
    low = _bits(low + high)
    high = _bits(high + low)
    low, high = _finished(low), _finished(high)
    low = _bits(low + high)
    return _bits(high + low) << 32 | low


def _mixed(value: int, rotation: int) -> int:
    return _bits(_rotated(_bits(value * 0x239B961B), rotation) * 0xAB0E9789)


def _mixed_high(value: int) -> int:
    return _bits(_rotated(_bits(value * 0xAB0E9789), 17) * 0x239B961B)


def _finished(value: int) -> int:
    value = _bits((value ^ value >> 16) * 0x85EBCA6B)
    value = _bits((value ^ value >> 13) * 0xC2B2AE35)
    return value ^ value >> 16


def _rotated(value: int, by: int) -> int:
    return _bits(value << by | value >> 32 - by)


def _bits(value: int) -> int:
    return value & 0xFFFFFFFF
