"""What counts as a difference, and how it reads."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.core.plan import Action, Change, Reason, compare
from dbxwizard.core.secret import Secret

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(max_size=3), JSON, max_size=4)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (
            Reason("node_type_id", "Standard_D3_v2", "Standard_D4ds_v5"),
            "node_type_id: Standard_D3_v2 → Standard_D4ds_v5",
        ),
        (Reason("tags.owner", None, "me"), "tags.owner: absent → me"),
        (Reason("tags.owner", "me", None), "tags.owner: me → absent"),
        (Reason("enabled", False, True), "enabled: false → true"),
        (Reason("name", "", " \x1b[31m"), 'name: "" → " \\u001b[31m"'),
        (Reason("value", Secret("old"), Secret("new")), "value: *** → ***"),
        (Reason("value", None, {"b": Secret("new"), "a": [1]}), 'value: absent → {"a": [1], "b": "***"}'),
    ],
)
def test_a_reason_reads_as_one_line_without_secrets(reason: Reason, text: str) -> None:
    assert str(reason) == text


def test_a_long_value_is_cut_for_people_and_whole_for_comparison() -> None:
    reason = Reason("policy", None, "x" * 1000)
    assert len(str(reason)) < 200
    assert "x" * 1000 in reason.in_full()


def test_update_without_reasons_is_nothing_to_do() -> None:
    assert Change.update(()) == Change.none()
    assert not Change.none()
    assert Change.update((Reason("a", 1, 2),)).action is Action.UPDATE


def test_create_has_a_reason_for_each_field() -> None:
    change = Change.create("why", name="x", size=2)
    assert change.lines() == ("name: absent → x", "size: absent → 2", "why")


def test_only_fields_that_are_desired_are_compared() -> None:
    actual = {"a": 1, "nested": {"b": 2, "server_made": 3}, "server_made": 4}
    assert compare({"a": 1, "nested": {"b": 2}}, actual) == ()


def test_differences_have_dotted_paths_and_a_prefix() -> None:
    found = compare({"a": 1, "n": {"b": 2, "c": {"d": 5}}}, {"a": 2, "n": {"b": 2, "c": 7}}, prefix="properties")
    assert found == (Reason("properties.a", 2, 1), Reason("properties.n.c.d", None, 5))


def test_ignored_fields_are_left_out_with_what_is_below_them() -> None:
    assert compare({"a": 1, "n": {"b": 2, "c": 3}}, {}, ignore={"a", "n.b"}) == (Reason("n.c", None, 3),)


def test_true_is_not_one_but_a_tuple_is_a_list() -> None:
    assert compare({"flag": True}, {"flag": 1}) == (Reason("flag", 1, True),)
    assert compare({"list": (1, 2)}, {"list": [1, 2]}) == ()


def test_lists_are_whole_values() -> None:
    assert compare({"list": [1, 2]}, {"list": [2, 1]}) == (Reason("list", [2, 1], [1, 2]),)


def test_unordered_lists_are_compared_whatever_their_order() -> None:
    assert compare({"list": [1, {"a": 2}]}, {"list": [{"a": 2}, 1]}, unordered={"list"}) == ()
    assert compare({"list": [1, 1]}, {"list": [1]}, unordered={"list"}) == (Reason("list", [1], [1, 1]),)
    assert compare({"list": []}, {}, unordered={"list"}) == ()


def test_keyed_lists_are_compared_item_by_item() -> None:
    desired = {"tasks": [{"key": "a", "x": 1}, {"key": "b"}]}
    actual = {"tasks": [{"key": "c"}, {"key": "a", "x": 2, "server_made": 3}]}
    assert compare(desired, actual, keyed={"tasks": "key"}) == (
        Reason("tasks[a].x", 2, 1),
        Reason("tasks[b]", None, {"key": "b"}),
        Reason("tasks[c]", {"key": "c"}, None),
    )


def test_an_absent_field_that_is_wanted_as_null_is_the_same() -> None:
    assert compare({"a": None}, {}) == ()


@given(OBJECTS, OBJECTS)
def test_what_was_made_as_desired_has_no_difference(desired: dict[str, object], extra: dict[str, object]) -> None:
    stored = json.loads(json.dumps({**extra, **desired}))
    assert compare(desired, stored) == ()


@given(OBJECTS, OBJECTS)
def test_no_difference_means_that_each_desired_leaf_is_there(
    desired: dict[str, object], actual: dict[str, object]
) -> None:
    def holds(wanted: object, found: object) -> bool:
        if isinstance(wanted, dict):
            there = found if isinstance(found, dict) else {}
            return all(holds(value, there.get(key)) for key, value in wanted.items())
        return json.dumps(wanted, sort_keys=True) == json.dumps(found, sort_keys=True)

    assert (compare(desired, actual) == ()) == holds(desired, actual)
