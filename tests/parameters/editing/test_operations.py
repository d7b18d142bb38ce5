"""Edits of a file by field: each changes its span and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.core.errors import UsageError
from dbxwizard.parameters.edit import apply
from dbxwizard.parameters.editing import operations
from dbxwizard.parameters.editing.paths import FieldPath, node_at
from dbxwizard.parameters.nodes import Node, to_value
from dbxwizard.parameters.problems import Edit
from dbxwizard.parameters.syntax import parse

FILE = """\
{
  // first
  "name": "x", // the name
  "list": [
    // about one
    { "n": 1 }, // one
    { "n": 2 } # two
  ],
  "empty": [ /* nothing yet */ ],
  "flat": {"a": 1, "b": 2}
}
"""


def root_of(text: str) -> Node:
    root = parse(text).root
    assert root is not None
    return root


def value_of(text: str) -> Any:
    parsed = parse(text)
    assert parsed.sound, text
    assert not parsed.findings, text
    return to_value(root_of(text))


def test_a_value_is_set_in_its_span_only() -> None:
    edits = operations.set_value(FILE, root_of(FILE), ("list", 1, "n"), 7)

    assert apply(FILE, edits) == FILE.replace('{ "n": 2 }', '{ "n": 7 }')


def test_the_same_value_is_no_edit() -> None:
    assert operations.set_value(FILE, root_of(FILE), ("flat", "a"), 1) == []
    assert operations.set_value(FILE, root_of(FILE), ("flat",), {"a": 1, "b": 2}) == []


def test_a_key_is_added_with_what_it_stands_in() -> None:
    after = apply(FILE, operations.set_value(FILE, root_of(FILE), ("new", "inner", "x"), True))

    assert after == FILE.replace('"b": 2}\n', '"b": 2},\n  "new": {\n    "inner": {"x": true}\n  }\n')


def test_an_entry_goes_beside_the_comment_of_an_empty_list() -> None:
    after = apply(FILE, operations.set_value(FILE, root_of(FILE), ("empty", 0), "v"))

    assert '"empty": ["v" /* nothing yet */ ]' in after


def test_an_entry_takes_its_comments_along_when_it_moves() -> None:
    after = apply(FILE, operations.move(FILE, root_of(FILE), ("list", 0), 1))

    assert after == FILE.replace(
        """\
    // about one
    { "n": 1 }, // one
    { "n": 2 } # two
""",
        """\
    { "n": 2 }, # two
    // about one
    { "n": 1 } // one
""",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[1, 2 // c\n]", "[2, 1 // c\n]"),
        ("[1 /* a */, 2 /* b */]", "[2 /* a */, 1 /* b */]"),
        ("[/* x\n// y */\n1,\n2]", "[/* x\n// y */\n2,\n1]"),
        ("[\n1, // a\n2, // b\n]", "[\n2, // b\n1, // a\n]"),
        ("[\r\n  1, # a\r\n  2\r\n]", "[\r\n  2,\r\n  1 # a\r\n]"),
    ],
)
def test_entries_move_whatever_the_comments_are(before: str, after: str) -> None:
    assert apply(before, operations.move(before, root_of(before), (0,), 1)) == after


def test_an_entry_at_the_end_does_not_move_further() -> None:
    assert operations.move(FILE, root_of(FILE), ("list", 1), 1) == []
    assert operations.move(FILE, root_of(FILE), ("list", 0), -1) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"l": [{"n": "a"}]}', '{"l": [{"n": "a"}, {"n": "b"}]}'),
        ('{"l": [\n {"n": "a"}\n]}', '{"l": [\n {"n": "a"},\n {"n": "b"}\n]}'),
        ('{"l": [\n {"n": "a"}, # c\n]}', '{"l": [\n {"n": "a"}, # c\n {"n": "b"},\n]}'),
        ('{"l": [\r\n {"n": "a"} # c\r\n]}', '{"l": [\r\n {"n": "a"}, # c\r\n {"n": "b"}\r\n]}'),
    ],
)
def test_a_copy_stands_behind_its_entry(before: str, after: str) -> None:
    edits = operations.duplicate(before, root_of(before), ("l", 0), {"n": "b"})

    assert apply(before, edits) == after


def test_a_value_pasted_from_another_file_keeps_its_comments_and_fits_in() -> None:
    source = '{\n    "a": {\n        // why\n        "x": 1\n    }\n}'
    target = '{\n  "outer": {\n    "a": {"x": 2}\n  }\n}'
    node = node_at(root_of(source), ("a",))
    assert node is not None

    after = apply(target, operations.paste(target, root_of(target), ("outer", "a"), (source, node)))

    assert after == '{\n  "outer": {\n    "a": {\n        // why\n        "x": 1\n    }\n  }\n}'


@pytest.mark.parametrize("path", [("nothing", 0), ("list", 9), ("name", "x"), ()])
def test_a_place_that_is_not_there_is_said(path: FieldPath) -> None:
    with pytest.raises(UsageError) as caught:
        operations.take_out(FILE, root_of(FILE), path)

    assert caught.value.code == "unknown-pointer"


LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.sampled_from('ab"\\é\u2028/#'), max_size=4)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from("abcde"), TREES, min_size=1, max_size=4)


@st.composite
def commented(draw: st.DrawFn, tree: Any) -> str:
    """A tree as a text with comments at the ends of lines and on lines of their own."""
    text = json.dumps(tree, indent=draw(st.sampled_from([None, 1, 2, "\t"])), ensure_ascii=draw(st.booleans()))
    lines = []
    for number, line in enumerate(text.split("\n")):
        above = draw(st.sampled_from(["", "", f"  // above {number}\n", f"/* block {number} */\n"]))
        behind = draw(st.sampled_from(["", "", f" # behind {number}", f" /* c{number} */"]))
        lines.append(f"{above}{line}{behind}")
    return draw(st.sampled_from(["\n", "\r\n"])).join("\n".join(lines).split("\n"))


FILES = OBJECTS.flatmap(lambda tree: st.tuples(st.just(tree), commented(tree)))


def paths_of(value: Any, path: FieldPath = ()) -> list[FieldPath]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for part, one in below for found in paths_of(one, (*path, part)))]


def comments_of(text: str) -> list[str]:
    outside = re.sub(r'"(?:\\.|[^"\\])*"', '""', text)
    return sorted(re.findall(r"#[^\r\n]*|//[^\r\n]*|/\*.*?\*/", outside))


def changed(value: Any, path: FieldPath, how: Any) -> Any:
    """A deep copy with `how` done to the container of the path's last part."""
    copy = json.loads(json.dumps(value))
    above = copy
    for part in path[:-1]:
        above = above[part]
    how(above, path[-1])
    return copy


@given(FILES, TREES, st.data())
def test_setting_any_value_changes_its_span_only(file: tuple[Any, str], new: Any, data: st.DataObject) -> None:
    tree, text = file
    path = data.draw(st.sampled_from(paths_of(tree)[1:]))
    node = node_at(root_of(text), path)
    assert node is not None

    edits = operations.set_value(text, root_of(text), path, new)

    after = apply(text, edits)
    assert after.startswith(text[: node.start])
    assert after.endswith(text[node.end :])
    assert value_of(after) == changed(tree, path, lambda above, part: above.__setitem__(part, new))


@given(FILES, st.sampled_from(["n", "m"]), TREES, st.data())
def test_adding_anything_anywhere_keeps_all_that_is_there(
    file: tuple[Any, str], key: str, new: Any, data: st.DataObject
) -> None:
    tree, text = file
    containers = [path for path in paths_of(tree) if isinstance(to_value(node_at(root_of(text), path)), dict | list)]  # type: ignore[arg-type]
    path = data.draw(st.sampled_from(containers))
    there = to_value(node_at(root_of(text), path))  # type: ignore[arg-type]
    new_path = (*path, len(there) if isinstance(there, list) else key)

    after = apply(text, operations.set_value(text, root_of(text), new_path, new))

    def put(above: Any, part: Any) -> None:
        above.append(new) if isinstance(above, list) else above.__setitem__(part, new)

    assert value_of(after) == changed(tree, new_path, put)
    assert comments_of(after) == comments_of(text)


@given(FILES, st.data())
def test_taking_anything_out_leaves_the_rest_and_all_comments_outside(
    file: tuple[Any, str], data: st.DataObject
) -> None:
    tree, text = file
    path = data.draw(st.sampled_from(paths_of(tree)[1:]))
    node = node_at(root_of(text), path)
    assert node is not None

    after = apply(text, operations.take_out(text, root_of(text), path))

    assert value_of(after) == changed(tree, path, lambda above, part: above.__delitem__(part))
    inside = text[node.start : node.end]
    assert set(comments_of(after)) >= set(comments_of(text)) - set(comments_of(inside))


@given(FILES, st.sampled_from([-1, 1]), st.data())
def test_moving_swaps_two_neighbours_and_loses_no_comment(file: tuple[Any, str], by: int, data: st.DataObject) -> None:
    tree, text = file
    path = data.draw(st.sampled_from(paths_of(tree)[1:]))

    after = apply(text, operations.move(text, root_of(text), path, by))

    assert comments_of(after) == comments_of(text)
    if isinstance(path[-1], str):
        assert value_of(after) == tree
        return

    def swap(above: Any, part: Any) -> None:
        if 0 <= part + by < len(above):
            above[part], above[part + by] = above[part + by], above[part]

    assert value_of(after) == changed(tree, path, swap)


@given(FILES, st.data())
def test_duplicating_puts_the_same_behind_it(file: tuple[Any, str], data: st.DataObject) -> None:
    tree, text = file
    items = [path for path in paths_of(tree) if path and isinstance(path[-1], int)]
    if not items:
        return
    path = data.draw(st.sampled_from(items))

    edits = operations.duplicate(text, root_of(text), path, {})

    after = apply(text, edits)
    assert value_of(after) == changed(tree, path, lambda above, part: above.insert(part, above[part]))
    assert "".join(removed_nothing(edits)) == ""


def removed_nothing(edits: list[Edit]) -> list[str]:
    return ["x" * (edit.end - edit.start) for edit in edits]
