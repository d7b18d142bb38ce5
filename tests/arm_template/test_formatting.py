"""Composite formatting and dates, as .NET documents them for the invariant culture."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from dbxwizard.arm_template import Surroundings, TemplateError

Evaluate = Callable[..., Any]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("format('{0,5}|{0,-5}|', 'ab')", "   ab|ab   |"),
        ("format('{{{0}}}', 1)", "{1}"),
        ("format('{1}{0}', 'a', 'b')", "ba"),
        ("format('{0:D5}', -42)", "-00042"),
        ("format('{0:X}', 255)", "FF"),
        ("format('{0:x4}', 255)", "00ff"),
        ("format('{0:X}', -1)", "FFFFFFFFFFFFFFFF"),
        ("format('{0:N}', 1234)", "1,234.00"),
        ("format('{0:N1}', -1234)", "-1,234.0"),
        ("format('{0:F3}', 7)", "7.000"),
        ("format('{0:P0}', 1)", "100 %"),
        ("format('{0:E2}', 12345)", "1.23E+004"),
        ("format('{0:000}', 7)", "007"),
        ("format('{0:#,##0}', 1234567)", "1,234,567"),
        ("format('{0:0.0#}', 3)", "3.0"),
        ("format('{0:000}', 'text')", "text"),
        ("format('{0}', createArray(1, 'a'))", "[1,'a']"),
    ],
)
def test_formats(expression: str, expected: str, value: Evaluate) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize("template", ["{", "}", "{0", "{a}", "{1}", "{0:Q2}", "{0:D}}", "{0:0%}", "{0:0;-0}"])
def test_refuses_what_net_refuses(template: str, value: Evaluate) -> None:
    with pytest.raises(TemplateError):
        value(f"format('{template}', 1)")


MOMENT = "'2024-03-05T14:07:09.120Z'"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("d", "03/05/2024"),
        ("u", "2024-03-05 14:07:09Z"),
        ("o", "2024-03-05T14:07:09.1200000Z"),
        ("R", "Tue, 05 Mar 2024 14:07:09 GMT"),
        ("D", "Tuesday, 05 March 2024"),
        ("yyyy-MM-dd", "2024-03-05"),
        ("M d", "3 5"),
        ("h:mm tt", "2:07 PM"),
        ("yy.fff", "24.120"),
        ("''at'' HH", "at 14"),
    ],
)
def test_writes_a_time(pattern: str, expected: str, value: Evaluate) -> None:
    assert value(f"dateTimeAdd({MOMENT}, 'PT0S', '{pattern}')") == expected


@pytest.mark.parametrize(
    ("base", "duration", "expected"),
    [
        ("2024-03-01T00:00:00+02:00", "PT0S", "2024-02-29T22:00:00Z"),
        ("2024-03-01", "-P1DT1H30M5.5S", "2024-02-28T22:29:54Z"),
        ("20240301T000000Z", "PT36H", "2024-03-02T12:00:00Z"),
    ],
)
def test_adds_a_duration(base: str, duration: str, expected: str, value: Evaluate) -> None:
    assert value(f"dateTimeAdd('{base}', '{duration}')") == expected


@pytest.mark.parametrize(
    "call", ["'yesterday', 'P1D'", "'2024-02-30', 'P1D'", "'2024-01-01', '1D'", "'2024-01-01', 'P99999999Y'"]
)
def test_refuses_what_is_no_time_or_duration(call: str, value: Evaluate) -> None:
    with pytest.raises(TemplateError):
        value(f"dateTimeAdd({call})")


def test_counts_seconds_since_1970(value: Evaluate) -> None:
    assert value("dateTimeToEpoch('1970-01-02T00:00:01Z')") == 86_401
    assert value("dateTimeFromEpoch(86401)") == "1970-01-02T00:00:01Z"


def test_now_is_the_time_of_the_surroundings(outputs: Evaluate) -> None:
    surroundings = Surroundings(now=datetime(2019, 3, 5, 17, 53, 18, tzinfo=UTC))
    patterns = {"plain": "utcNow()", "short": "utcNow('d')", "custom": "utcNow('M d')"}
    result = outputs(
        surroundings=surroundings,
        parameters={name: {"type": "string", "defaultValue": f"[{call}]"} for name, call in patterns.items()},
        outputs={name: {"type": "string", "value": f"[parameters('{name}')]"} for name in patterns},
    )
    assert [item.value for item in result.values()] == ["20190305T175318Z", "03/05/2019", "3 5"]


def test_a_new_guid_is_made_once_for_a_parameter(outputs: Evaluate) -> None:
    result = outputs(
        parameters={"id": {"type": "string", "defaultValue": "[newGuid()]", "minLength": 36, "maxLength": 36}},
        outputs={name: {"type": "string", "value": "[parameters('id')]"} for name in ("first", "second")},
    )
    assert result["first"].value == result["second"].value


def test_a_new_guid_comes_from_the_surroundings_where_they_have_one(outputs: Evaluate) -> None:
    result = outputs(
        parameters={"id": {"type": "string", "defaultValue": "[newGuid()]"}},
        outputs={"it": {"type": "string", "value": "[parameters('id')]"}},
        surroundings=Surroundings("named", new_guid=lambda deployment: f"guid of {deployment}"),
    )
    assert result["it"].value.startswith("guid of /subscriptions/")
    assert result["it"].value.endswith("/resourceGroups/rg-test/named")
