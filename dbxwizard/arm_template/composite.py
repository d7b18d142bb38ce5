"""Composite formatting as `format` of .NET does it: `{0}`, `{1,-10}`, `{0:N2}`, braces doubled.

learn.microsoft.com/dotnet/standard/base-types/composite-formatting and …/standard-numeric-format-strings, in the
invariant culture. Only what integers, floats, booleans and strings need.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

from dbxwizard.arm_template.errors import ExpressionError
from dbxwizard.arm_template.values import JsonValue, to_json, to_text

_ITEM = re.compile(r"\{\{|\}\}|\{(\d+)\s*(?:,\s*(-?\d+)\s*)?(?::((?:[^{}]|\{\{|\}\})*))?\}|[{}]")
_STANDARD = re.compile(r"([A-Za-z])(\d{0,9})")
_CUSTOM = re.compile(r"""([^0#.,%‰;'"\\]*)([0#,]*)(?:\.([0#]+))?([^0#.,%‰;'"\\]*)""")
_MAX_WIDTH = 10_000
_MAX_PRECISION = 99


def composite_format(template: str, values: Sequence[JsonValue]) -> str:
    """Raises ExpressionError for a template that .NET would refuse."""

    def fill(match: re.Match[str]) -> str:
        if match.group() in ("{{", "}}"):
            return match.group()[0]
        if match.group(1) is None:
            raise ExpressionError("Input string was not in a correct format.")
        index = int(match.group(1))
        if index >= len(values):
            raise ExpressionError(
                "Index (zero based) must be greater than or equal to zero and less than the size of the argument list."
            )
        return _align(_render(values[index], match.group(3) or ""), int(match.group(2) or 0))

    return _ITEM.sub(fill, template)


def _align(text: str, width: int) -> str:
    if abs(width) > _MAX_WIDTH:
        raise ExpressionError("Input string was not in a correct format.")
    return text.ljust(-width) if width < 0 else text.rjust(width)


def _render(value: JsonValue, specifier: str) -> str:
    if isinstance(value, (list, dict)):
        return to_json(value).replace('"', "'")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and specifier:
        return _number(value, specifier)
    return to_text(value)


def _number(value: float, specifier: str) -> str:
    match = _STANDARD.fullmatch(specifier)
    if match is None:
        return _custom(value, specifier)
    kind, digits = match.group(1), match.group(2)
    formatter = _FORMATTERS.get(kind.upper())
    if formatter is None or (kind.upper() in "DX" and isinstance(value, float)) or int(digits or 0) > _MAX_PRECISION:
        raise ExpressionError("Format specifier was invalid.")
    text = formatter(value, int(digits) if digits else None)
    return text if kind.isupper() or kind.upper() not in "XE" else text.lower()


def _rounded(value: float, places: int) -> Decimal:
    with localcontext(prec=500):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _decimal(value: float, digits: int | None) -> str:
    sign = "-" if value < 0 else ""
    return sign + str(abs(int(value))).zfill(digits or 0)


def _hexadecimal(value: float, digits: int | None) -> str:
    number = int(value)
    return format(number if number >= 0 else number + (1 << 64), "X").zfill(digits or 0)


def _grouped(value: float, digits: int | None) -> str:
    return f"{_rounded(value, 2 if digits is None else digits):,f}"


def _fixed(value: float, digits: int | None) -> str:
    return f"{_rounded(value, 2 if digits is None else digits):f}"


def _percent(value: float, digits: int | None) -> str:
    return f"{_rounded(value * 100, 2 if digits is None else digits):,f} %"


def _exponential(value: float, digits: int | None) -> str:
    mantissa, exponent = f"{value:.{6 if digits is None else digits}E}".split("E")
    return f"{mantissa}E{exponent[0]}{exponent[1:].zfill(3)}"


def _currency(value: float, digits: int | None) -> str:
    text = f"¤{_rounded(abs(value), 2 if digits is None else digits):,f}"
    return f"({text})" if value < 0 else text


def _general(value: float, digits: int | None) -> str:
    return to_text(value) if not digits else f"{value:.{digits}G}"


_FORMATTERS = {
    "D": _decimal,
    "X": _hexadecimal,
    "N": _grouped,
    "F": _fixed,
    "P": _percent,
    "E": _exponential,
    "C": _currency,
    "G": _general,
}


def _custom(value: float, pattern: str) -> str:
    """Digit placeholders (0, #), one decimal point and thousands separators, with literal text around them."""
    match = _CUSTOM.fullmatch(pattern)
    if match is None or not (match.group(2) or match.group(3)):
        raise ExpressionError(f"The format specifier '{pattern}' is not supported.")
    prefix, whole, fraction, suffix = match.group(1), match.group(2), match.group(3) or "", match.group(4)
    rounded = _rounded(abs(value), len(fraction))
    left, _, right = f"{rounded:f}".partition(".")
    placeholders = whole.replace(",", "")
    least = len(placeholders) - placeholders.index("0") if "0" in placeholders else 0
    left = left.lstrip("0").zfill(least)
    if "," in whole.strip(","):
        left = f"{int(left or 0):,}".rjust(least, "0") if left else left
    fixed = fraction.rindex("0") + 1 if "0" in fraction else 0
    right = right[:fixed] + right[fixed:].rstrip("0")
    sign = "-" if value < 0 and rounded else ""
    return f"{sign}{prefix}{left}{'.' + right if right else ''}{suffix}"
