"""All environments side by side."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dbxwizard.core.errors import UsageError
from dbxwizard.parameters.editing.matrix import Key, MatrixRow, copy_value, matrix
from dbxwizard.parameters.editing.session import Session

from .conftest import shipped

Open = Callable[..., Session]
NAMES = ("Development", "UAT", "PreProduction", "Production")


@pytest.fixture
def sessions(open_session: Open) -> list[Session]:
    return [open_session(name=name) for name in NAMES]


def row_at(sessions: list[Session], *key: str) -> MatrixRow:
    opened = {key[:depth] for depth in range(1, len(key))}
    return next(row for row in matrix([one.root for one in sessions], opened) if row.key == key)


def test_a_value_that_is_not_the_same_everywhere_is_marked(sessions: list[Session]) -> None:
    row = row_at(sessions, "Resources", "KeyVault", "PurgeProtection")

    assert [cell.text for cell in row.cells] == ["false", "false", "true", "true"]
    assert row.differs
    assert not row_at(sessions, "Location").differs


def test_a_default_is_the_same_as_that_value(open_session: Open) -> None:
    sessions = [open_session('{"Resources": {"KeyVault": {"Sku": "standard"}}}', "A"), open_session("{}", "B")]

    row = row_at(sessions, "Resources", "KeyVault", "Sku")

    assert [(cell.text, cell.is_set) for cell in row.cells] == [("standard", True), ("standard", False)]
    assert not row.differs


def test_entries_go_together_by_name_wherever_they_stand(sessions: list[Session]) -> None:
    sessions[0].move(("Clusters", 0), 1)

    row = row_at(sessions, "Clusters", "dbx-sp-cluster", "autotermination_minutes")

    assert [cell.text for cell in row.cells] == ["20", "30", "30", "60"]


def test_an_entry_that_a_file_lacks_is_empty_there(sessions: list[Session]) -> None:
    row = row_at(sessions, "Clusters", "dbx-sp-cluster2")

    assert [bool(cell.is_set) for cell in row.cells] == [True, True, True, False]
    assert row.differs


def test_two_entries_of_one_name_are_told_apart(open_session: Open) -> None:
    text = '{"RBAC_Assignments": [{"principal": "me", "roles": ["A"]}, {"principal": "me", "roles": ["B"]}]}'
    sessions = [open_session(text, "A"), open_session(text.replace('"B"', '"C"'), "B")]

    assert not row_at(sessions, "RBAC_Assignments", "me").differs
    assert row_at(sessions, "RBAC_Assignments", "me (2)", "roles").differs


def test_a_file_that_can_not_be_read_makes_no_difference() -> None:
    rows = matrix([None, None], ())

    assert not any(row.differs for row in rows)
    assert {cell.text for row in rows for cell in row.cells} == {"?"}


def test_only_differences_can_be_shown(sessions: list[Session]) -> None:
    rows = matrix([one.root for one in sessions], (), only_differences=True)

    assert all(row.differs for row in rows)
    assert ("Location",) not in [row.key for row in rows]


def test_a_copied_value_changes_its_span_in_each_file(sessions: list[Session]) -> None:
    copy_value(("Clusters", "dbx-sp-cluster", "autotermination_minutes"), sessions[3], sessions)
    for session in sessions:
        if session.changed:
            session.save()

    for session in sessions:
        before = shipped(session.name)
        minutes = {"Development": 20, "UAT": 30, "PreProduction": 30, "Production": 60}[session.name]
        first = f'"autotermination_minutes": {minutes}'
        expected = before.replace(first, '"autotermination_minutes": 60', 1)
        assert session.document.path.read_text() == expected


def test_copying_what_is_left_out_takes_it_out(sessions: list[Session]) -> None:
    sessions[0].clear(("Resources", "Monitoring", "RetentionDays"))

    copy_value(("Resources", "Monitoring", "RetentionDays"), sessions[0], sessions[1:2])

    assert '"RetentionDays"' not in sessions[1].text


def test_an_entry_is_copied_as_a_whole_to_a_file_that_lacks_it(sessions: list[Session]) -> None:
    key: Key = ("Clusters", "dbx-sp-cluster2")

    copy_value(key, sessions[0], [sessions[3]])

    assert not any(cell.text == "" for cell in row_at(sessions, *key).cells)
    assert row_at(sessions, *key, "autotermination_minutes").cells[3].text == "20"


def test_a_field_of_an_entry_that_a_file_lacks_is_refused_before_anything_is_changed(sessions: list[Session]) -> None:
    with pytest.raises(UsageError) as caught:
        copy_value(("Clusters", "dbx-sp-cluster2", "runtime_engine"), sessions[0], sessions)

    assert "as a whole" in caught.value.fix
    assert not any(session.changed for session in sessions)


def test_a_copy_can_be_undone_in_each_file(sessions: list[Session]) -> None:
    texts = [session.text for session in sessions]

    for session, _ in copy_value(("Resources", "Tags"), sessions[0], sessions[1:]):
        session.undo()

    assert [session.text for session in sessions] == texts
