from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dbxwizard.parameters.editing.history import Change
from dbxwizard.parameters.editing.lines import Lines, entered, shown

TEXTS = st.text(st.sampled_from("ab\n\r\t\x1b\u2028\u202e\x85é"), max_size=20)


@given(TEXTS)
def test_what_is_shown_has_the_lines_of_the_text_and_nothing_that_a_terminal_obeys(text: str) -> None:
    visible = shown(text)

    assert visible.count("\n") == text.count("\n")
    assert len(visible) == len(text) - text.count("\r\n")
    assert visible.splitlines() == [line for line in visible.removesuffix("\n").split("\n") if visible]
    assert all(char in "\n\t" or char.isprintable() for char in visible)


@given(TEXTS, st.integers(0, 20))
def test_every_offset_has_its_place(text: str, offset: int) -> None:
    lines, offset = Lines(text), min(offset, len(text))

    row, column = lines.location(offset)

    assert lines.offset(row, column) == offset
    assert text[:offset].count("\n") == row


@given(TEXTS, TEXTS, st.data())
def test_lines_follow_a_change(text: str, inserted: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    lines = Lines(text)

    change = Change(start, text[start:end], inserted)
    first, last, now = lines.apply(change)

    fresh = Lines(change.applied(text))
    assert [lines.location(offset) for offset in range(len(change.applied(text)) + 1)] == [
        fresh.location(offset) for offset in range(len(change.applied(text)) + 1)
    ]
    assert (first, last - first, now - first) == (
        text[:start].count("\n"),
        text[start:end].count("\n"),
        inserted.count("\n"),
    )


def test_what_is_pasted_gets_the_line_ends_of_the_file() -> None:
    assert entered("a\rb\r\nc\n", "x\r\ny") == "a\r\nb\r\nc\r\n"
    assert entered("a\rb\r\nc\n", "x\ny") == "a\nb\nc\n"
