from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.parameters.editing.form import Kind, Row, State, parse_input, rows
from dbxwizard.parameters.editing.paths import path_at
from dbxwizard.parameters.nodes import Node
from dbxwizard.parameters.syntax import parse

from .conftest import shipped


def root_of(text: str) -> Node | None:
    return parse(text).root


def row_at(text: str, path: tuple[str | int, ...], **options: Any) -> Row:
    opened = {path[:depth] for depth in range(1, len(path))}
    return next(row for row in rows(root_of(text), opened, **options) if row.path == path)


def test_a_field_says_what_it_is_for_and_what_it_takes() -> None:
    row = row_at(shipped(), ("Resources", "KeyVault", "SoftDeleteRetentionDays"))

    assert (row.kind, row.state, row.value) == (Kind.NUMBER, State.SET, "7")
    assert row.help.startswith("Days for which a deleted vault")
    assert row.limits == "a whole number, 7 to 90"


def test_a_field_that_is_left_out_shows_its_default() -> None:
    row = row_at('{"Resources": {"KeyVault": {}}}', ("Resources", "KeyVault", "SoftDeleteRetentionDays"))

    assert (row.state, row.value) == (State.DEFAULT, "90")


def test_a_field_that_has_to_be_there_is_missing() -> None:
    row = row_at("{}", ("SubscriptionId",))

    assert (row.state, row.required) == (State.MISSING, True)


def test_what_nothing_reads_is_unknown_and_shown() -> None:
    row = row_at('{"Lokation": "uksouth"}', ("Lokation",))

    assert (row.state, row.kind, row.value) == (State.UNKNOWN, Kind.RAW, "uksouth")


def test_a_large_record_shows_what_is_set_and_the_rest_on_demand() -> None:
    path = ("Clusters", 0, "driver_node_type_id")
    with pytest.raises(StopIteration):
        row_at(shipped(), path)

    assert row_at(shipped(), path, every=True).state is State.DEFAULT


def test_entries_are_called_by_their_names() -> None:
    assert row_at(shipped(), ("Clusters", 1)).value == "dbx-sp-cluster2"
    assert row_at(shipped(), ("RBAC_Assignments", 1)).value == "me: Key Vault Administrator"


def test_no_credential_is_shown() -> None:
    assert row_at('{"Location": "dapi0123456789abcdef0123456789abcdef"}', ("Location",)).value == "***"


def test_control_characters_and_long_texts_stay_on_one_line() -> None:
    assert row_at('{"Location": "a\\nb\\u001bc"}', ("Location",)).value == "a␣b␣c"
    assert len(row_at(f'{{"Location": "{"x" * 999}"}}', ("Location",)).value) == 200


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (Kind.TEXT, ' "x"', ' "x"'),
        (Kind.NUMBER, " 12 ", 12),
        (Kind.RAW, '{"a": [1]}', {"a": [1]}),
    ],
)
def test_what_is_written_becomes_a_value(kind: Kind, written: str, value: Any) -> None:
    assert parse_input(kind, written) == value


@pytest.mark.parametrize(
    ("kind", "written"), [(Kind.NUMBER, "1.5"), (Kind.NUMBER, ""), (Kind.RAW, "{"), (Kind.RAW, "")]
)
def test_what_is_no_value_is_said(kind: Kind, written: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_input(kind, written)


@given(st.integers(0, len(shipped())))
def test_every_offset_leads_to_the_smallest_value_around_it(offset: int) -> None:
    root = root_of(shipped())
    path = path_at(root, offset)

    for row in rows(root, [path[:depth] for depth in range(len(path) + 1)]):
        if row.node is not None and row.node.start < offset < row.node.end:
            assert path[: len(row.path)] == row.path
