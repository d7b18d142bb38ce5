"""Whatever a text is: no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbxwizard.parameters.document import Document
from dbxwizard.parameters.edit import apply
from dbxwizard.parameters.editing.analysis import Analysis, Snapshot, analyse, analyse_all
from dbxwizard.parameters.editing.completion import completion_at
from dbxwizard.parameters.editing.fixes import fix_all, fix_for
from dbxwizard.parameters.editing.form import rows
from dbxwizard.parameters.editing.matrix import matrix

from .conftest import shipped

ACCELERATOR = (Path(__file__).parent.parent / "accelerator.json").read_text()


def look_at_all_of(text: str) -> Analysis:
    """What the screens do with a text."""
    analysis = analyse(Snapshot(Document(Path("x.json"), text=text, name="x.json"), text))
    shown = rows(analysis.parsed.root, {row.path for row in rows(analysis.parsed.root, ())}, every=True)
    for mark in analysis.marks:
        fixed = fix_for(analysis, mark)
        assert 0 <= mark.offset <= len(text)
        if fixed:
            apply(text, fixed.edits)
    fix_all(text)
    matrix([analysis.root, None], {(row.label,) for row in shown})
    for offset in range(0, len(text) + 1, max(1, len(text) // 7)):
        completion_at(text, analysis.parsed, offset)
    return analysis


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.text(max_size=60) | st.text(st.sampled_from('{}[]":,1a/*#\\\n\r\u2028'), max_size=60))
def test_any_text(text: str) -> None:
    look_at_all_of(text)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=25)
@given(st.sampled_from([shipped(), ACCELERATOR]), st.data())
def test_a_file_at_any_moment_while_somebody_types(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    look_at_all_of(text[:start] + data.draw(st.text(st.sampled_from('{}[]":,1a/*#\\\n'), max_size=8)) + text[end:])


@pytest.mark.parametrize(
    "text",
    ["null", "[]", '"x"', "1", '{"Clusters": {"a": 1}}', '{"Resources": []}', '{"Clusters": [1, null, []]}', '{"": ""}',
     '{"Location": 1, "Location": 2}', "[" * 500, '{"a":' * 150 + "1" + "}" * 150],
)  # fmt: skip
def test_values_of_other_kinds_than_declared(text: str) -> None:
    look_at_all_of(text)


def test_all_files_are_looked_at_again_only_where_they_changed() -> None:
    paths = [Path("environments/A.json"), Path("environments/B.json")]
    texts = ['{"Environment": "A", "Resources": {"ResourceGroup": "rg"}}', '{"Environment": "B"}']
    snapshots = {
        path: Snapshot(Document(path, text=text, name=str(path)), text) for path, text in zip(paths, texts, strict=True)
    }
    first = analyse_all(snapshots, {})
    changed = Snapshot(snapshots[paths[1]].document, texts[1].replace('"B"', '"A"'), 1)

    again = analyse_all({**snapshots, paths[1]: changed}, first)

    assert again[paths[0]].parsed is first[paths[0]].parsed
    assert again[paths[1]].revision == 1
