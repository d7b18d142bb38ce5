from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.parameters.editing.merging import Side, merge
from dbxwizard.parameters.nodes import to_value
from dbxwizard.parameters.syntax import parse

from .conftest import shipped

BASE = shipped()


def test_changes_of_different_values_are_both_kept_with_comments() -> None:
    mine = BASE.replace('"uksouth"', '"westeurope"')
    theirs = BASE.replace('"Standard_LRS", // three copies', '"Standard_ZRS", // three zones')

    merged = merge(BASE, mine, theirs)

    assert merged.conflicts == []
    assert merged.text() == mine.replace('"Standard_LRS", // three copies', '"Standard_ZRS", // three zones')


def test_values_on_one_line_are_told_apart() -> None:
    mine = BASE.replace('"min_workers": 1, "max_workers": 2', '"min_workers": 2, "max_workers": 2', 1)
    theirs = BASE.replace('"min_workers": 1, "max_workers": 2', '"min_workers": 1, "max_workers": 9', 1)

    merged = merge(BASE, mine, theirs)

    assert merged.conflicts == []
    assert '"min_workers": 2, "max_workers": 9' in merged.text()


def test_the_same_value_changed_by_both_is_a_question_about_that_value() -> None:
    mine = BASE.replace('"uksouth"', '"westeurope"').replace('"RetentionDays": 30', '"RetentionDays": 60')
    theirs = BASE.replace('"uksouth"', '"northeurope"')

    merged = merge(BASE, mine, theirs)

    [conflict] = merged.conflicts
    assert (conflict.path, conflict.base) == (("Location",), '"uksouth"')
    assert (conflict.mine, conflict.theirs) == ('"westeurope"', '"northeurope"')
    assert merged.text([Side.MINE]) == mine
    assert merged.text([Side.THEIRS]) == mine.replace('"westeurope"', '"northeurope"')


def test_the_same_change_by_both_is_no_question() -> None:
    changed = BASE.replace('"uksouth"', '"westeurope"')

    assert merge(BASE, changed, changed).text() == changed


def test_an_entry_added_by_each_can_stay() -> None:
    base = '{"a": [\n  1\n]}'
    mine, theirs = '{"a": [\n  1,\n  2\n]}', '{"a": [\n  1,\n  3\n]}'

    [conflict] = merge(base, mine, theirs).conflicts

    assert conflict.is_addition
    assert json.loads(merge(base, mine, theirs).text([Side.MINE])) == {"a": [1, 2]}
    assert json.loads(merge(base, mine, theirs).text([Side.BOTH])) == {"a": [1, 2, 3]}


def test_a_value_changed_in_an_entry_that_they_removed_is_a_question() -> None:
    start = BASE.index('    {\n      "cluster_name": "dbx-sp-cluster2"')
    end = BASE.index("  ],\n\n  // Python projects")
    theirs = BASE[: start - 2] + "\n" + BASE[end:]
    mine = BASE[:start] + BASE[start:].replace('"autotermination_minutes": 20', '"autotermination_minutes": 45', 1)

    [conflict] = merge(BASE, mine, theirs).conflicts

    assert conflict.path[:1] == ("Clusters",)
    assert merge(BASE, mine, theirs).text([Side.THEIRS]) == theirs


def test_another_layout_and_a_changed_value_go_together() -> None:
    value = {"a": {"b": 1, "c": [1, 2]}, "d": "x"}
    base = json.dumps(value, indent=2)
    mine, theirs = base.replace('"x"', '"y"'), json.dumps(value, indent=4)

    assert merge(base, mine, theirs).text() == theirs.replace('"x"', '"y"')


@pytest.mark.parametrize("broken", ["", "{", '{"a": "', "\x00", "[" * 300])
def test_a_broken_text_is_merged_without_a_traceback(broken: str) -> None:
    merged = merge(BASE, BASE.replace("uksouth", "westeurope"), broken)

    assert merged.text([Side.THEIRS] * len(merged.conflicts)) == broken


VALUES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3), max_size=6)


@given(VALUES, VALUES, VALUES, st.sampled_from([None, 2]))
def test_what_only_one_of_them_changed_is_as_they_want_it(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any], indent: int | None
) -> None:
    texts = [json.dumps(value, indent=indent, sort_keys=True) for value in (base, mine, theirs)]
    merged = merge(*texts)
    if merged.conflicts:
        return

    result = to_value(parse(merged.text()).root)  # type: ignore[arg-type]

    for key in "abcdef":
        wanted = {value.get(key) for value in (mine, theirs) if value.get(key) != base.get(key)} or {base.get(key)}
        assert result.get(key) in wanted


@given(VALUES, VALUES, VALUES, st.sampled_from([None, 2]), st.lists(st.sampled_from(Side)))
def test_whatever_is_chosen_it_can_be_read(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any], indent: int | None, sides: list[Side]
) -> None:
    texts = [json.dumps(value, indent=indent, sort_keys=True) for value in (base, mine, theirs)]

    assert parse(merge(*texts).text(sides)).sound


NAMED = st.lists(st.sampled_from("abcd"), unique=True, max_size=4).flatmap(
    lambda names: st.tuples(*(st.fixed_dictionaries({"name": st.just(name), "v": st.integers(0, 2)}) for name in names))
)


@given(NAMED, NAMED, NAMED)
def test_entries_of_a_list_never_get_values_of_another_one(base: Any, mine: Any, theirs: Any) -> None:
    merged = merge(*(json.dumps(value, indent=1) for value in (base, mine, theirs)))
    if merged.conflicts:
        return

    for entry in to_value(parse(merged.text()).root):  # type: ignore[arg-type]
        assert entry in (*base, *mine, *theirs)


@given(st.text(st.sampled_from('ab{}[]",:1 \n'), max_size=30), st.text(st.sampled_from('ab{}[]",:1 \n'), max_size=30))
def test_one_side_alone_is_taken_as_it_is(base: str, other: str) -> None:
    assert merge(base, other, base).text() == other
    assert merge(base, base, other).text() == other
