from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.parameters.nodes import Node, children, to_value
from dbxwizard.parameters.syntax import MAX_DEPTH, MAX_SYNTAX_PROBLEMS, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)
# Pieces that make nearly right JSON: random text alone seldom gets past the first character.
TOKENS = """
{ } [ ] , : "a" "b" "\\u00e9" "\\ud800" "\\q" "x 1 -0 01 1.5 1e5 1e999 - + . NaN Infinity -Infinity true True null
' 'q' # // /* */ \\ é
"""
ODD_SPACES = ("\n", "\r\n", " ", "\t", "# c\n", "// c\n", "/* c */", '"\t"', '"\x7f"', "\ufeff", "\u00a0")
PIECES = st.lists(st.sampled_from([*TOKENS.split(), *ODD_SPACES]), max_size=30).map("".join)
SPACES = st.sampled_from(["", " ", "\n", "\r\n\t", "# c\n", "// \u00e9\n", "/* \n */", " /* { */ "])


def strictly(text: str) -> Any:
    """What the standard module reads, without the leniency that it has beyond RFC 8259 and we have not."""

    def refuse(_: str) -> None:
        raise ValueError

    def finite(number: str) -> float:
        value = float(number)
        if math.isinf(value):
            raise ValueError
        return value

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError
        return dict(pairs)

    value = json.loads(text, parse_constant=refuse, parse_float=finite, object_pairs_hook=once)
    json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate
    return value


def accepted(text: str) -> bool:
    return not parse(text).findings


@given(VALUES, st.booleans(), st.sampled_from([None, 0, 2, 30, "\t"]))
def test_strict_json_has_the_values_of_the_standard_module(
    value: Any, ascii_only: bool, indent: int | str | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)

    parsed = parse(text)

    assert parsed.findings == ()
    assert parsed.root is not None
    assert to_value(parsed.root) == json.loads(text)


@given(PIECES)
def test_what_the_standard_module_accepts_is_accepted_and_the_reverse_without_comments(text: str) -> None:
    try:
        strictly(text)
    except ValueError:
        lenient = any(mark in text for mark in ("#", "//", "/*")) or ",]" in tight(text) or ",}" in tight(text)
        assert lenient or not accepted(text)
    else:
        assert accepted(text)


def tight(text: str) -> str:
    return "".join(text.split())


@given(st.text() | PIECES)
def test_no_text_raises_and_every_problem_lies_in_it(text: str) -> None:
    parsed = parse(text)

    assert all(0 <= finding.offset <= len(text) for finding in parsed.findings)
    assert parsed.root is not None or parsed.findings


@given(VALUES, st.data())
def test_comments_and_trailing_commas_change_no_value(value: Any, data: st.DataObject) -> None:
    def write(item: Any) -> str:
        gap = data.draw(SPACES)
        comma = "," if item and data.draw(st.booleans()) else ""
        if isinstance(item, dict):
            inner = f",{gap}".join(f"{json.dumps(key)}{gap}:{gap}{write(one)}" for key, one in item.items())
            return f"{{{gap}{inner}{comma}{gap}}}"
        if isinstance(item, list):
            return f"[{gap}{f',{gap}'.join(write(one) for one in item)}{comma}{gap}]"
        return json.dumps(item)

    text = data.draw(SPACES) + write(value) + data.draw(SPACES)
    parsed = parse(text)

    assert parsed.findings == ()
    assert parsed.root is not None
    assert to_value(parsed.root) == value


@given(VALUES)
def test_the_span_of_each_value_is_its_text(value: Any) -> None:
    text = json.dumps(value, indent=1)
    root = parse(text).root
    assert root is not None

    def agree(node: Node) -> None:
        assert json.loads(text[node.start : node.end]) == to_value(node)
        for _, child in children(node):
            agree(child)

    agree(root)


@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        ("", "empty-file", 0),
        ("# only a comment", "empty-file", 0),
        ('{"a": 1} x', "trailing-content", 9),
        ('{"a": 1', "unclosed", 0),
        ('["a"', "unclosed", 0),
        ('{"a": [1}', "unclosed", 6),
        ('{"a": "x}', "unterminated-string", 6),
        ('{"a": 1 /* }', "unterminated-comment", 8),
        ('{"a" 1}', "missing-colon", 1),
        ('{"a": }', "missing-value", 6),
        ("[1,,2]", "missing-value", 3),
        ('{"a": 1 2}', "unexpected-token", 8),
        ("{[1]}", "unexpected-token", 1),
        ('["src\\model"]', "invalid-escape", 5),
        ('["\\ud800"]', "invalid-escape", 2),
        ('["a\tb"]', "control-character", 3),
        ("[True]", "invalid-literal", 1),
        ("['a']", "invalid-literal", 1),
        ("[01]", "invalid-literal", 1),
        ("[\u00a01]", "invalid-literal", 1),
        ("{a: 1}", "invalid-literal", 1),
        ("[1e999]", "number-out-of-range", 1),
        ("[" + "9" * 5000 + "]", "number-out-of-range", 1),
        ('{"a": 1, "a": 2}', "duplicate-key", 9),
        ('["a" "b"]', "missing-comma", 4),
    ],
)
def test_each_mistake_is_found_at_its_place(text: str, code: str, offset: int) -> None:
    finding = parse(text).findings[0]

    assert (finding.code, finding.offset, finding.severity) == (code, offset, "error")
    assert finding.fix


def test_a_duplicate_key_names_both_places() -> None:
    text = '{\n  "a": 1,\n  "b": 2,\n  "a": 3\n}'
    finding = parse(text).findings[0]

    assert finding.offset == text.rindex('"a"')
    assert "2:3" in finding.message


def test_a_comma_missing_at_a_lines_end_is_a_warning_and_the_values_are_read() -> None:
    parsed = parse('{"a": [1\n2] # c\n"b": 3}')

    assert [(finding.code, finding.severity) for finding in parsed.findings] == [("missing-comma", "warning")] * 2
    assert parsed.root is not None
    assert to_value(parsed.root) == {"a": [1, 2], "b": 3}


def test_several_mistakes_are_listed_together() -> None:
    text = '{"a": True,\n "b": \'x\',\n "c": "\\d",\n "d": 1e999}'

    assert [finding.code for finding in parse(text).findings] == [
        "invalid-literal",
        "invalid-literal",
        "invalid-escape",
        "number-out-of-range",
    ]


def test_the_list_is_bounded() -> None:
    findings = parse("[" + "x, " * 1000 + "]").findings

    assert len(findings) == MAX_SYNTAX_PROBLEMS + 1
    assert findings[-1].code == "too-many-problems"


@pytest.mark.parametrize("opening", ["[", '{"a":', "[[[{}],", '[{"a":'])
def test_depth_is_bounded(opening: str) -> None:
    findings = parse(opening * 100_000).findings

    assert "too-deep" in [finding.code for finding in findings]


def test_the_greatest_depth_is_read() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH

    assert parse(text).findings == ()
