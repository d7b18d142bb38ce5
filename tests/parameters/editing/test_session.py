"""One file while it is edited, and the disk under it."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.parameters.document import Document
from dbxwizard.parameters.editing.form import Kind, rows, value_of
from dbxwizard.parameters.editing.paths import node_at
from dbxwizard.parameters.editing.project import Project
from dbxwizard.parameters.editing.session import Disk, Session
from dbxwizard.parameters.nodes import to_value
from dbxwizard.parameters.syntax import parse

from .conftest import shipped

Open = Callable[..., Session]


def on_disk(session: Session) -> bytes:
    return session.document.path.read_bytes()


def test_saving_changes_just_the_bytes_of_the_value(session: Session) -> None:
    before = on_disk(session)

    session.set(("Location",), "westeurope")
    session.save()

    assert on_disk(session) == before.replace(b'"uksouth"', b'"westeurope"')
    assert not session.changed


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        lambda text: text.replace("\n", "\r\n", 20).encode(),
        lambda text: text.rstrip("\n").encode(),
    ],
    ids=["CRLF", "byte order mark", "UTF-16", "mixed line ends", "no line end"],
)
def test_the_form_of_the_bytes_is_kept(open_session: Open, encode: Callable[[str], bytes]) -> None:
    session = open_session(encode(shipped()))

    session.set(("Location",), "westeurope")
    session.duplicate(("Clusters", 0))
    session.undo()
    session.save()

    assert on_disk(session) == encode(shipped().replace('"uksouth"', '"westeurope"'))


def test_what_is_added_has_the_line_ends_of_the_file(open_session: Open) -> None:
    session = open_session(shipped().replace("\n", "\r\n"))

    session.add(("Clusters",))
    session.duplicate(("Jobs", 0))

    assert session.text.count("\n") == session.text.count("\r\n")


def test_keys_of_a_word_are_undone_together_and_words_apart(session: Session) -> None:
    before, offset = session.text, session.text.index("// The environment")
    for index, char in enumerate("ab cd"):
        session.typed(offset + index, offset + index, char)

    session.undo()
    assert session.text[offset : offset + 3] == "ab "
    session.undo()
    assert session.text == before
    session.redo()
    session.redo()
    assert session.text[offset : offset + 5] == "ab cd"


def test_deleting_backwards_is_undone_as_one(session: Session) -> None:
    before, offset = session.text, session.text.index("uksouth")
    for index in range(3):
        session.typed(offset + 2 - index, offset + 3 - index, "")

    session.undo()

    assert session.text == before


def test_a_new_entry_is_named_and_complete(session: Session) -> None:
    first, second = session.add(("Clusters",)), session.add(("Clusters",))

    assert (first, second) == (("Clusters", 2), ("Clusters", 3))
    names = [to_value(session.root)["Clusters"][index]["cluster_name"] for index in (2, 3)]
    assert names == ["new-cluster", "new-cluster-2"]


def test_a_copy_has_a_name_of_its_own(session: Session) -> None:
    path = session.duplicate(("Clusters", 0))

    copy, original = to_value(session.root)["Clusters"][path[1]], to_value(session.root)["Clusters"][0]
    assert copy == {**original, "cluster_name": "dbx-sp-cluster-2"}


def test_broken_json_refuses_edits_by_field_and_says_where(session: Session) -> None:
    session.typed(0, 1, "")

    with pytest.raises(UsageError) as caught:
        session.set(("Location",), "westeurope")

    assert caught.value.location is not None
    assert caught.value.fix == "mend the text first"


def test_read_only_refuses_every_change_and_saving(open_session: Open) -> None:
    session = open_session(read_only=True)
    before = on_disk(session)

    attempts: tuple[Callable[[], object], ...] = (
        lambda: session.set(("Location",), "x"),
        lambda: session.typed(0, 0, " "),
        session.save,
    )
    for attempt in attempts:
        with pytest.raises(OperationError) as caught:
            attempt()
        assert caught.value.code == "read-only"

    assert (session.text, on_disk(session)) == (before.decode(), before)


def test_a_change_of_somebody_else_is_seen_and_not_overwritten(session: Session) -> None:
    session.set(("Location",), "westeurope")
    theirs = on_disk(session).replace(b'"RetentionDays": 30', b'"RetentionDays": 60')
    session.document.path.write_bytes(theirs)

    with pytest.raises(OperationError) as caught:
        session.save()

    assert caught.value.code == "file-changed"
    assert on_disk(session) == theirs
    assert session.changed


def test_both_changes_are_merged_saved_and_can_be_undone(session: Session) -> None:
    mine_before = session.text
    session.set(("Location",), "westeurope")
    session.document.path.write_bytes(on_disk(session).replace(b'"RetentionDays": 30', b'"RetentionDays": 60'))

    state, theirs = session.look()
    assert state is Disk.CHANGED
    merged = session.merge(theirs)
    session.adopt(theirs, merged.text())
    session.save()

    assert (
        on_disk(session)
        == mine_before.replace('"uksouth"', '"westeurope"')
        .replace('"RetentionDays": 30', '"RetentionDays": 60')
        .encode()
    )
    session.undo()
    assert session.text == mine_before.replace('"uksouth"', '"westeurope"')


def test_a_file_that_is_gone_can_be_made_anew(session: Session) -> None:
    content = on_disk(session)
    session.document.path.unlink()
    assert session.look()[0] is Disk.GONE

    session.keep()
    assert (session.look()[0], session.changed) == (Disk.SAME, True)
    session.save()

    assert on_disk(session) == content


def test_a_file_that_became_something_else_is_said(session: Session) -> None:
    session.document.path.write_bytes(b"\xff\xfe\xff")

    assert session.look()[0] is Disk.UNREADABLE
    with pytest.raises(OperationError):
        session.save()


def test_halves_of_surrogates_from_a_terminal_can_be_saved(session: Session) -> None:
    offset = session.text.index("uksouth")
    session.typed(offset, offset, "\ud800é")
    session.save()

    assert "\N{REPLACEMENT CHARACTER}éuksouth".encode() in on_disk(session)


def test_a_file_larger_than_the_program_reads_is_not_written(session: Session) -> None:
    before = on_disk(session)
    session.typed(0, 0, " " * 4_000_000)

    with pytest.raises(OperationError) as caught:
        session.save()

    assert caught.value.code == "file-too-large"
    assert on_disk(session) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_error_and_the_text_stays(session: Session) -> None:
    session.set(("Location",), "westeurope")
    session.document.path.parent.chmod(0o500)
    try:
        with pytest.raises(OperationError) as caught:
            session.save()
    finally:
        session.document.path.parent.chmod(0o700)

    assert caught.value.code == "file-not-written"
    assert session.changed


def test_the_diff_shows_what_saving_changes_and_no_credential(session: Session) -> None:
    session.set(("Location",), "westeurope")
    session.set(("Clusters", 0, "spark_conf", "key"), "dapi0123456789abcdef0123456789abcdef")

    diff = session.diff()

    assert '+  "Location": "westeurope",' in diff
    assert '-  "Location": "uksouth",' in diff
    assert "dapi" not in diff


def test_saving_a_project_goes_on_after_a_file_that_can_not_be_saved(tmp_path: Path) -> None:
    folder = tmp_path / "environments"
    folder.mkdir()
    for name in ("Development", "UAT"):
        (folder / f"{name}.json").write_text(shipped(name))
    project = Project(tmp_path)
    for session in project.sessions:
        session.set(("Location",), "westeurope")
    (folder / "Development.json").write_text("{}")

    errors = project.save(project.changed)

    assert [error.code for error in errors] == ["file-changed"]
    assert [session.name for session in project.changed] == ["Development"]
    assert '"westeurope"' in (folder / "UAT.json").read_text()


def test_new_files_are_found_and_edited_ones_stay(tmp_path: Path) -> None:
    folder = tmp_path / "environments"
    folder.mkdir()
    (folder / "UAT.json").write_text(shipped("UAT"))
    project = Project(tmp_path)
    assert [session.name for session in project.sessions] == ["UAT"]

    (folder / "Development.json").write_text(shipped())
    (folder / "UAT.json").unlink()

    assert project.find_new()
    assert [path.stem for path in project.files] == ["Development", "UAT"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=20)
@given(data=st.data())
def test_form_and_text_stay_in_step_and_every_road_leads_back(data: st.DataObject) -> None:
    text = shipped()
    session = Session(Document(Path("Development.json"), raw=text.encode(), text=text, name="Development.json"))
    done = 0
    for _ in range(data.draw(st.integers(1, 4))):
        done += _act(session, data)
        _same(session)
    final = session.text
    for _ in range(done):
        assert session.undo()
    assert session.text == text
    for _ in range(done):
        assert session.redo()
    assert session.text == final


def _act(session: Session, data: st.DataObject) -> int:
    """One thing that a person can do in the form, chosen at random; 1 where it changed the text."""
    before = session.revision
    shown = rows(session.root, _every_container(session))
    row = data.draw(st.sampled_from([row for row in shown if row.node is not None]))
    action = data.draw(st.sampled_from(["set", "clear", "add", "duplicate", "move"]))
    if action == "set" and not row.is_container:
        session.set(row.path, data.draw(st.text(max_size=5)) if row.kind is Kind.TEXT else 11)
    elif action == "clear":
        session.clear(row.path)
    elif action == "add" and row.kind is Kind.LIST:
        session.add(row.path)
    elif action == "duplicate" and row.is_item:
        session.duplicate(row.path)
    elif action == "move":
        session.move(row.path, data.draw(st.sampled_from([-1, 1])))
    return session.revision - before


def _every_container(session: Session) -> set[tuple[str | int, ...]]:
    opened: set[tuple[str | int, ...]] = set()
    while True:
        found = {row.path for row in rows(session.root, opened) if row.is_container and row.size}
        if found == opened:
            return opened
        opened = found


def _same(session: Session) -> None:
    parsed = parse(session.text)
    assert parsed.sound
    assert not parsed.findings
    for row in rows(parsed.root, _every_container(session)):
        there = node_at(parsed.root, row.path)
        assert value_of(row) == (None if there is None else to_value(there))
