"""Expressions against what GitHub publishes.

PUBLISHED is from docs.github.com/actions/reference/workflows-and-actions/expressions, each row an example or a line of
a table there. What follows it is said by no page; it is how github.com/actions/languageservices (expressions) and
github.com/actions/runner (src/Sdk/DTExpressions2) behave.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.sandbox.actions.expressions.errors import EvaluationError, ExpressionError, ParseError
from dbxwizard.sandbox.actions.expressions.evaluate import Scope, condition, evaluate, expand
from dbxwizard.sandbox.actions.expressions.status import for_job, for_step
from dbxwizard.sandbox.actions.expressions.values import CaseSensitive, is_equal, is_less, to_number, to_text

FRUITS = [{"name": "apple", "quantity": 1}, {"name": "orange", "quantity": 2}, {"name": "pear", "quantity": 1}]
VEGETABLES = {
    "scallions": {"colors": ["green", "white", "red"], "ediblePortions": ["roots", "stalks"]},
    "beets": {"colors": ["purple", "red"], "ediblePortions": ["roots", "stems", "leaves"]},
}
CONTEXTS: dict[str, Any] = {
    "github": {
        "event_name": "push",
        "ref": "refs/heads/main",
        "event": {"issue": {"labels": [{"name": "bug"}, {"name": "help wanted"}]}},
    },
    "env": CaseSensitive({"continue": "true", "time": "3"}),
    "fruits": FRUITS,
    "vegetables": VEGETABLES,
    "job": {"status": "success"},
    "nothing": None,
    "lists": [["a", "b"], ["c"], {"x": "d"}, "text", None],
}

PUBLISHED: list[tuple[str, Any]] = [
    ("null", None),
    ("false", False),
    ("711", 711),
    ("-9.2", -9.2),
    ("0xff", 255),
    ("-2.99e-2", -0.0299),
    ("'It''s open source!'", "It's open source!"),
    # Operators: types that differ become numbers, case is ignored, NaN has no order.
    ("null == 0", True),
    ("true == 1", True),
    ("false == 0", True),
    ("'' == 0", True),
    ("'12' == 12", True),
    ("'0x' == 0", False),
    ("'abc' == 'ABC'", True),
    ("'a' < 'B'", True),
    ("fromJSON('[]') == 0", False),
    ("NaN == NaN", False),
    ("NaN > 1 || NaN < 1 || NaN >= NaN || NaN <= 1", False),
    ("fruits == fruits", True),
    ("fromJSON('[]') == fromJSON('[]')", False),
    ("vegetables.beets == vegetables['beets']", True),
    ("false || 'default'", "default"),
    ("'a' && 'b'", "b"),
    ("'' && 'b'", ""),
    ("!null && !0 && !-0 && !''", True),
    ("(1 || 2) && 3", 3),
    ("1 || 2 && 3", 1),
    # Functions: what becomes a string, and how.
    ("format('{0}|{1}|{2}', null, true, 0.5)", "|true|0.5"),
    ("contains('Hello world', 'llo')", True),
    ("contains('Hello world', 'LLO')", True),
    ("contains(github.event.issue.labels.*.name, 'bug')", True),
    ("contains(github.event.issue.labels.*.name, 'bu')", False),
    ("""contains(fromJSON('["push", "pull_request"]'), github.event_name)""", True),
    ("startsWith('Hello world', 'He')", True),
    ("startsWith('Hello world', 'hE')", True),
    ("endsWith('Hello world', 'ld')", True),
    ("endsWith('Hello world', 'Hello')", False),
    ("format('Hello {0} {1} {2}', 'Mona', 'the', 'Octocat')", "Hello Mona the Octocat"),
    ("format('{{Hello {0} {1} {2}!}}', 'Mona', 'the', 'Octocat')", "{Hello Mona the Octocat!}"),
    ("join(github.event.issue.labels.*.name, ', ')", "bug, help wanted"),
    ("join(github.event.issue.labels.*.name)", "bug,help wanted"),
    ("join('alone')", "alone"),
    ("toJSON(job)", '{\n  "status": "success"\n}'),
    ("fromJSON(env.continue)", True),
    ("fromJSON(env.time)", 3),
    ("""fromJSON('{"include":[{"project":"foo"}]}')""", {"include": [{"project": "foo"}]}),
    ("case(github.ref == 'refs/heads/main', 'production', 'development')", "production"),
    ("case(false, 1, startsWith(github.ref, 'refs/tags/'), 2, 'unknown')", "unknown"),
    ("fruits.*.name", ["apple", "orange", "pear"]),
    ("vegetables.*.ediblePortions", [["roots", "stalks"], ["roots", "stems", "leaves"]]),
]

UNPUBLISHED: list[tuple[str, Any]] = [
    ("", None),
    ("FRUITS[1].NAME", "orange"),
    ("env.TIME", None),
    ("env.time", "3"),
    ("fruits['1'].name", "orange"),
    ("fruits[true].name", "orange"),
    ("fruits[1.9].name", "orange"),
    ("fruits[3]", None),
    ("fruits[-1]", None),
    ("fruits[NaN]", None),
    ("nothing.at.all", None),
    ("nothing.*", []),
    ("github.*.issue.*", [[{"name": "bug"}, {"name": "help wanted"}]]),
    ("lists.*[0]", ["a", "c"]),
    ("lists.*.*", ["a", "b", "c", "d"]),
    ("lists.*.x", ["d"]),
    ("' 0o17 ' == 15", True),
    ("' Infinity ' == Infinity", True),
    ("'0b1' == 1", False),
    ("0.84551240822557006 == 0.84551240822557", False),
    ("format('{0}', 0.84551240822557006)", "0.84551240822557"),
    ("format('{0}', 1587106672383762434)", "1.58710667238376E+18"),
    ("format('{0} {1} {2}', -0.0, NaN, -Infinity)", "0 NaN -Infinity"),
    ("format('{0} {1}', fruits, job)", "Array Object"),
    ("join(lists, '+')", "Array+Array+Object+text+"),
    ("join(job)", ""),
    ("contains('asdf', null)", True),
    ("contains(job, 'success')", False),
    ("'ς' == 'Σ' && 'ü' == 'Ü'", True),
    ("'ı' == 'I' || 'İ' == 'i' || 'ß' == 'SS'", False),
    ("true > false", True),
    ("null < null", False),
    ("null <= null", True),
    ("3 < 2 < 1", True),
    ("job.true", None),
    ("case(true, 'taken', fromJSON('broken'))", "taken"),
    ("toJSON(fromJSON('[1, 2.5, \"é\", []]'))", '[\n  1,\n  2.5,\n  "é",\n  []\n]'),
    ("success()", True),
    ("SUCCESS() && Contains('a', 'A')", True),
]

# The words of ParseException.cs, the tokens and positions of expressions/testdata/syntax-errors.json.
REFUSED: list[tuple[str, str]] = [
    ("1 <", "Unexpected end of expression: '<'. Located at position 3 within expression: 1 <"),
    ("1 < )", "Unexpected symbol: ')'. Located at position 5 within expression: 1 < )"),
    ("> 1", "Unexpected symbol: '>'. Located at position 1 within expression: > 1"),
    ("1 2", "Unexpected symbol: '2'. Located at position 3 within expression: 1 2"),
    ("github.()", "Unexpected symbol: '('. Located at position 8 within expression: github.()"),
    ("github.1", "Unexpected symbol: '1'. Located at position 8 within expression: github.1"),
    ("1 = 2", "Unexpected symbol: '='. Located at position 3 within expression: 1 = 2"),
    ("1 & 2", "Unexpected symbol: '&'. Located at position 3 within expression: 1 & 2"),
    ("0xFZ", "Unexpected symbol: '0xFZ'. Located at position 1 within expression: 0xFZ"),
    ('"text"', 'Unexpected symbol: \'"text"\'. Located at position 1 within expression: "text"'),
    ("'open", "Unexpected symbol: ''open'. Located at position 1 within expression: 'open"),
    ("secrets.A", "Unrecognized named-value: 'secrets'. Located at position 1 within expression: secrets.A"),
    ("true && f()", "Unrecognized function: 'f'. Located at position 9 within expression: true && f()"),
    ("join()", "Too few parameters supplied: 'join'. Located at position 1 within expression: join()"),
    ("join(1,2,3)", "Too many parameters supplied: 'join'. Located at position 1 within expression: join(1,2,3)"),
    ("case(true, 1, false, 2)", "Even number of parameters supplied, requires an odd number of parameters: 'case'."),
    ("!" * 50 + "true", "Exceeded max expression depth 50"),
    ("(" * 200 + "1" + ")" * 200, "Exceeded max expression depth 50"),
    ("1" + " == 1" * 50, "Exceeded max expression depth 50"),
    ("1" + " " * 21_000, "Exceeded max expression length 21000"),
]

FAILING: list[tuple[str, str]] = [
    ("format('{0}')", "The following format string references more arguments than were supplied: {0}"),
    ("format('{0', 1)", "The following format string is invalid: {0"),
    ("format('}', 1)", "The following format string is invalid: }"),
    ("format('{256}', 1)", "The following format string is invalid: {256}"),
    ("fromJSON('')", "empty input"),
    ("format('{" + "9" * 5_000 + "}', 1)", "The following format string is invalid: {" + "9" * 5_000 + "}"),
    ("fromJSON('{')", "Error parsing JSON when evaluating fromJson"),
    ("fromJSON('NaN')", "Error parsing JSON when evaluating fromJson"),
    ("case(1, 2, 3)", "case predicate must evaluate to a boolean value"),
]

IN_A_STEP = Scope(CONTEXTS, for_step("success"))


def _nested(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | numbers | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    )


values, of_json = _nested(st.floats()), _nested(st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize(("expression", "value"), PUBLISHED)
def test_evaluates_as_published(expression: str, value: Any) -> None:
    assert_same(evaluate(expression, IN_A_STEP), value)


@pytest.mark.parametrize(("expression", "value"), UNPUBLISHED)
def test_evaluates_as_githubs_own_evaluators(expression: str, value: Any) -> None:
    assert_same(evaluate(expression, IN_A_STEP), value)


def assert_same(got: Any, expected: Any) -> None:
    assert got == expected
    assert isinstance(got, bool) == isinstance(expected, bool)  # True == 1 in Python


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_refuses_in_githubs_words(expression: str, message: str) -> None:
    with pytest.raises(ParseError) as refused:
        evaluate(expression, IN_A_STEP)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(("expression", "message"), FAILING)
def test_fails_in_githubs_words(expression: str, message: str) -> None:
    with pytest.raises(EvaluationError) as failed:
        evaluate(expression, IN_A_STEP)
    assert str(failed.value) == message


def test_takes_what_is_just_within_the_bounds() -> None:
    assert evaluate("!" * 49 + "true", IN_A_STEP) is False
    assert evaluate("1" + " " * 20_999, IN_A_STEP) == 1
    assert evaluate("1" + " == 1" * 49, IN_A_STEP) is True
    assert evaluate(" || ".join(["false"] * 2_000), IN_A_STEP) is False


def test_bounds_the_strings_that_it_makes() -> None:
    scope = Scope({"long": "x" * 1024 * 1024, "many": ["x" * 1024 * 1024] * 6})
    assert len(evaluate("format('{0}{0}{0}', long)", scope)) == 3 * 1024 * 1024
    for expression in ("format('{0}{0}{0}{0}{0}{0}', long)", "join(many)", "toJSON(many)"):
        with pytest.raises(EvaluationError, match="The maximum allowed memory size was exceeded"):
            evaluate(expression, scope)


# Strings with expressions in them.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain { } 'text'", "plain { } 'text'"),
        ("${{ fruits[0] }}", FRUITS[0]),
        ("${{ 1 }} ", "1 "),
        ("a'${{ 'b' }}{c}${{ github.ref }}", "a'b{c}refs/heads/main"),
        ("${{ '}}' }}", "}}"),
        ("${{ github.nothing }}-", "-"),
        ("$${{ true }}", "$true"),
    ],
)
def test_replaces_expressions_in_a_string(text: str, value: Any) -> None:
    assert expand(text, IN_A_STEP) == value


def test_says_what_is_wrong_with_a_string() -> None:
    for text, message in (
        ("echo ${{ }}", "An expression was expected"),
        ("echo ${{ 'a }}", "The expression is not closed. An unescaped ${{ sequence was found, but the closing }} "),
        ("a ${{ b }}", "Unrecognized named-value: 'b'. Located at position 1 within expression: b"),
        # A string with an expression in it is one call of format: so the length of an expression bounds it.
        ("x" * 21_000 + "${{ 1 }}", "Exceeded max expression length 21000"),
    ):
        with pytest.raises(ParseError) as refused:
            expand(text, IN_A_STEP)
        assert str(refused.value).startswith(message)


# Conditions: docs.github.com/actions/reference/workflows-and-actions/expressions#status-check-functions.


@pytest.mark.parametrize(
    ("text", "succeeding", "failing", "cancelled"),
    [
        ("", True, False, False),
        ("true", True, False, False),
        ("success()", True, False, False),
        ("failure()", False, True, False),
        ("always()", True, True, True),
        ("${{ always() }}", True, True, True),
        ("cancelled()", False, False, True),
        ("!cancelled()", True, True, False),
        ("failure() || cancelled()", False, True, True),
        ("github.event_name == 'push'", True, False, False),
        ("${{ github.event_name == 'schedule' }}", False, False, False),
        ("github.event_name == 'push' && !success()", False, True, True),
        # Text around an expression: a string that is not empty, whatever the expression says.
        ("${{ false }} && true", True, False, False),
        ("contains('success()', 'always()')", False, False, False),
        ("env.NOTHING", False, False, False),
    ],
)
def test_decides_whether_a_step_runs(text: str, succeeding: bool, failing: bool, cancelled: bool) -> None:
    decided = [condition(text, Scope(CONTEXTS, for_step(status))) for status in ("success", "failure", "cancelled")]
    assert decided == [succeeding, failing, cancelled]


@pytest.mark.parametrize(
    ("text", "results", "runs"),
    [
        ("", {}, True),
        ("", {"build": "success"}, True),
        ("", {"build": "skipped"}, False),
        ("", {"build": "failure"}, False),
        ("failure()", {"build": "success", "test": "failure"}, True),
        ("failure()", {"build": "skipped"}, False),
        ("failure('build')", {"build": "success", "test": "failure"}, False),
        ("always()", {"build": "cancelled"}, True),
    ],
)
def test_decides_whether_a_job_runs(text: str, results: dict[str, str], runs: bool) -> None:
    assert condition(text, Scope({}, for_job(results, cancelled=False))) is runs
    assert condition(text, Scope({}, for_job(results, cancelled=True))) is (text == "always()")


# Laws.


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_an_expression_error(text: str) -> None:
    for read in (evaluate, expand, condition):
        with suppress(ExpressionError):
            read(text, IN_A_STEP)


@given(st.lists(st.sampled_from(["fruits", "github", "'a'", "1", "null", ".", "*", "[", "]", "(", ")", "!", "==", "<",
                                 "&&", "||", ",", "format", "toJSON", "ref", " "]), max_size=14))  # fmt: skip
def test_any_tokens_are_a_value_or_an_expression_error(tokens: list[str]) -> None:
    with suppress(ExpressionError):
        evaluate("".join(tokens), IN_A_STEP)


@given(values, values)
def test_equality_is_symmetric_and_order_is_strict(left: Any, right: Any) -> None:
    assert is_equal(left, right) == is_equal(right, left)
    assert not (is_less(left, right) and is_less(right, left))
    assert not (is_less(left, right) and is_equal(left, right))
    ordered = is_less(left, right) or is_less(right, left) or is_equal(left, right)
    if isinstance(left, float) and isinstance(right, float):
        assert ordered != (math.isnan(left) or math.isnan(right))


@given(st.text(max_size=20))
def test_a_literal_is_its_text_and_equal_whatever_its_case(text: str) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    assert evaluate(literal, IN_A_STEP) == text
    assert expand("${{ " + literal + " }}", IN_A_STEP) == text
    if text.isascii():
        assert evaluate(f"{literal} == x", Scope({"x": text.swapcase()})) is True


@given(st.floats(allow_nan=False, width=32))
def test_a_number_keeps_fifteen_digits_as_a_string(number: float) -> None:
    assert math.isclose(to_number(to_text(number)), number, rel_tol=1e-14)


@given(of_json)
def test_json_there_and_back(value: Any) -> None:
    scope = Scope({"x": value})
    assert evaluate("fromJSON(toJSON(x))", scope) == value
    assert json.loads(evaluate("toJSON(x)", scope)) == value


@given(st.booleans(), values, values)
def test_logic_gives_an_operand(first: bool, left: Any, right: Any) -> None:
    scope = Scope({"a": first, "l": left, "r": right})
    assert evaluate("(a && l) == l || (a && l) == a", scope) is not None
    assert evaluate("a || l", scope) is (True if first else left)
    assert evaluate("a && r", scope) is (right if first else False)
