from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.parameters.edit import apply, difference
from dbxwizard.parameters.editing.changes import changes
from dbxwizard.parameters.editing.differing import MOST_DIFFERENCES, blocks

TEXTS = st.text(st.sampled_from('ab{}[]",:1 \n\r\u2028/#'), max_size=40)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_blocks_make_one_of_the_other_and_nothing_else_differs(before: list[str], after: list[str]) -> None:
    built: list[str] = []
    position = 0
    for i1, i2, j1, j2 in blocks(before, after):
        built += before[position:i1] + after[j1:j2]
        position = i2

    assert built + before[position:] == after


@given(st.text("ab", max_size=12), st.text("ab", max_size=12))
def test_no_shorter_way_leaves_more_in_common(before: str, after: str) -> None:
    kept = len(before) - sum(i2 - i1 for i1, i2, _, _ in blocks(before, after))

    assert kept == longest_common(before, after)


def longest_common(one: str, other: str) -> int:
    row = [0] * (len(other) + 1)
    for a in one:
        row = _next_row(row, a, other)
    return row[-1]


def _next_row(row: list[int], char: str, other: str) -> list[int]:
    new = [0]
    for index, b in enumerate(other):
        new.append(row[index] + 1 if char == b else max(row[index + 1], new[-1]))
    return new


def test_texts_with_nothing_in_common_are_one_block() -> None:
    old, new = ["a"] * MOST_DIFFERENCES, ["b"] * MOST_DIFFERENCES

    assert blocks(["x", *old, "y"], ["x", *new, "y"]) == [(1, MOST_DIFFERENCES + 1, 1, MOST_DIFFERENCES + 1)]


@given(TEXTS, TEXTS)
def test_changes_lead_from_one_text_to_the_other(before: str, after: str) -> None:
    assert apply(before, changes(before, after)) == after


@given(TEXTS, TEXTS)
def test_a_difference_starts_and_ends_where_the_texts_do_differ(before: str, after: str) -> None:
    edit = difference(before, after)

    assert apply(before, [edit]) == after
    removed = before[edit.start : edit.end]
    assert not (removed and edit.text) or (removed[0] != edit.text[0] and removed[-1] != edit.text[-1])
