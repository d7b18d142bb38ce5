from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.parameters import set_values
from dbxwizard.parameters.document import read
from dbxwizard.parameters.edit import apply, back_map, insert, remove, replace, write
from dbxwizard.parameters.nodes import Array, Object, to_value
from dbxwizard.parameters.problems import Edit
from dbxwizard.parameters.syntax import parse

FILE = """\
{
    // the name
    "name": "x", # trailing
    "list": [
        1,
        2 // two
    ],
    "flat": {"a": 1, "b": 2}
}
"""


def root_of(text: str) -> Object:
    root = parse(text).root
    assert isinstance(root, Object)
    return root


def child(text: str, name: str) -> Any:
    return root_of(text).get(name)


def test_replacing_touches_only_the_span() -> None:
    edited = apply(FILE, [replace(child(FILE, "name"), 'é "q"')])

    assert edited == FILE.replace('"x"', '"é \\"q\\""')


@pytest.mark.parametrize(
    ("text", "name", "item", "expected"),
    [
        (FILE, "list", "3", FILE.replace("2 // two\n", "2, // two\n        3\n")),
        (FILE, "flat", '"c": 3', FILE.replace('"b": 2}', '"b": 2, "c": 3}')),
        ('{"a": [ ]}', "a", "1", '{"a": [1]}'),
        ('{"a": [1, ]}', "a", "2", '{"a": [1, 2 ]}'),
        ('{"a": [\n  1, # c\n]}', "a", "2", '{"a": [\n  1, # c\n  2,\n]}'),
        ('{"a": [\r\n  1\r\n]}', "a", "2", '{"a": [\r\n  1,\r\n  2\r\n]}'),
        ('{"a": [\n  1 /* x */\n]}', "a", "2", '{"a": [\n  1, 2 /* x */\n]}'),
    ],
)
def test_inserting_keeps_the_layout(text: str, name: str, item: str, expected: str) -> None:
    assert apply(text, sorted(insert(text, child(text, name), item), key=lambda e: e.start)) == expected


@pytest.mark.parametrize(
    ("text", "indexes", "expected"),
    [
        ('{"a": 1, "b": 2, "c": 3}', [1], '{"a": 1,  "c": 3}'),
        ('{"a": 1, "b": 2}', [1], '{"a": 1 }'),
        ('{"a": 1, "b": 2, "c": 3}', [1, 2], '{"a": 1  }'),
        ('{"a": 1}', [0], "{}"),
        ('{\n  "a": 1,\n  "b": 2\n}', [1], '{\n  "a": 1\n}'),
        ('{\n  "a": 1, # why\n  "b": 2\n}', [0], '{\n   # why\n  "b": 2\n}'),
        ('{"a": 1 /* c */, "b": 2}', [0], '{ /* c */ "b": 2}'),
    ],
)
def test_removing_keeps_comments_and_leaves_no_comma_too_much(text: str, indexes: list[int], expected: str) -> None:
    edited = apply(text, sorted(remove(text, root_of(text), indexes), key=lambda e: e.start))

    assert edited == expected
    assert parse(edited).findings == ()


TREES = st.dictionaries(
    st.text(max_size=3),
    st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=4),
    min_size=1,
    max_size=6,
)


@given(TREES, st.sampled_from([None, 2, "\t"]), st.data())
def test_removing_any_members_gives_the_rest_and_stays_strict(tree: Any, indent: Any, data: st.DataObject) -> None:
    text = json.dumps(tree, indent=indent)
    indexes = data.draw(st.sets(st.integers(0, len(tree) - 1)))

    edited = apply(text, sorted(remove(text, root_of(text), indexes), key=lambda e: (e.start, e.end)))

    kept = {key: value for index, (key, value) in enumerate(tree.items()) if index not in indexes}
    assert json.loads(edited) == kept


@given(st.lists(st.integers(), max_size=4), st.sampled_from([None, 2]), st.integers())
def test_inserting_into_strict_json_stays_strict(items: list[int], indent: int | None, new: int) -> None:
    text = json.dumps(items, indent=indent)
    node = parse(text).root
    assert isinstance(node, Array)

    assert json.loads(apply(text, sorted(insert(text, node, str(new)), key=lambda e: e.start))) == [*items, new]


@given(st.text(max_size=30), st.data())
def test_offsets_map_back(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edits = [Edit(a, b, data.draw(st.text(max_size=4))) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    edits = [edit for i, edit in enumerate(edits) if i == 0 or edit.start > edits[i - 1].end]

    edited = apply(text, edits)
    original = back_map(edits)

    untouched = [i for i in range(len(text)) if not any(e.start <= i < e.end for e in edits)]
    shifted = {original(i): edited[i] for i in range(len(edited))}
    assert all(shifted[i] == text[i] for i in untouched if not any(e.start == i and e.text for e in edits))


def test_set_values_changes_nothing_but_the_values(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())
    os.chmod(path, 0o640)

    changed = set_values(path, {"/name": "new", "/list/1": 7, "/flat/c": True, "/list/2": 8})

    expected = (
        FILE.replace('"x"', '"new"').replace("2 // two\n", "7, // two\n        8\n").replace("2}", '2, "c": true}')
    )
    assert changed
    assert path.read_bytes() == b"\xef\xbb\xbf" + expected.replace("\n", "\r\n").encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]
    assert not set_values(path, {"/name": "new"})


def test_utf_16_stays_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"\xff\xfe" + '{"a": "ü"}'.encode("utf-16-le"))

    set_values(path, {"/a": "ö"})

    assert path.read_bytes() == b"\xff\xfe" + '{"a": "ö"}'.encode("utf-16-le")


@pytest.mark.parametrize("pointer", ["/missing/x", "/list/9", "/name/x", "", "/list/²"])
def test_a_pointer_to_nothing_is_refused_and_nothing_written(tmp_path: Path, pointer: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(FILE)

    with pytest.raises(UsageError, match="unknown-pointer"):
        set_values(path, {"/name": "new", pointer: 1})

    assert path.read_text() == FILE


def test_values_are_not_set_in_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"a": [1')

    with pytest.raises(UsageError) as raised:
        set_values(path, {"/a": 1})

    assert raised.value.code == "unclosed"
    with pytest.raises(UsageError, match="file-not-found"):
        set_values(tmp_path / "other.json", {"/a": 1})


def test_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(FILE)
    document = read(path)
    path.write_text("{}")

    with pytest.raises(OperationError, match="file-changed"):
        write(document, "[]")

    assert path.read_text() == "{}"


def test_a_write_that_fails_leaves_the_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    path.write_text(FILE)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OperationError, match="No space left"):
        set_values(path, {"/name": "new"})

    assert path.read_text() == FILE
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_write_left_behind_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", lambda *_: os._exit(9))
        pid = os.fork()
        if pid == 0:
            write(read(path), '{"a": 1}')
        os.waitpid(pid, 0)
    assert len(list(tmp_path.iterdir())) == 2
    write(read(path), '{"a": 1}')
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.json", '{"a": 1}')]


def test_two_writers_of_the_same_do_not_disturb_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    first, second, replace_ = read(path), read(path), os.replace

    def both(source: str, target: str) -> None:
        monkeypatch.setattr(os, "replace", replace_)
        write(second, '{"a": 1}')
        replace_(source, target)

    monkeypatch.setattr(os, "replace", both)
    write(first, '{"a": 1}')
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.json", '{"a": 1}')]


def test_a_symlink_stays_one(tmp_path: Path) -> None:
    target = tmp_path / "target.json"
    target.write_text(FILE)
    link = tmp_path / "link.json"
    link.symlink_to(target)

    set_values(link, {"/name": "new"})

    assert link.is_symlink()
    assert to_value(root_of(target.read_text()))["name"] == "new"
