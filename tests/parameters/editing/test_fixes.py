"""Each fix, done to a file that needs it: its problem is gone, and no other one has come."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dbxwizard.parameters.editing.analysis import Analysis, Mark, analyse
from dbxwizard.parameters.editing.fixes import fix_all, fix_for
from dbxwizard.parameters.editing.session import Session
from dbxwizard.parameters.fixing import fix

from .conftest import shipped

Open = Callable[..., Session]

# code: what is changed in the file as shipped (old, new), and what the fix has to write in its place.
CASES = [
    ("missing-comma", '"Location": "uksouth",', '"Location": "uksouth"', '"Location": "uksouth",'),
    ("missing-comma", '"max_workers": 2 },', '"max_workers": 2 } "x": 1,', None),
    ("missing-value", '["bronze", ', '["bronze",, ', '["bronze", '),
    ("invalid-literal", '"NoPublicIp": true', '"NoPublicIp": True', '"NoPublicIp": true'),
    ("invalid-literal", '"uksouth"', "'uksouth'", '"uksouth"'),
    ("invalid-literal", '"uksouth"', "uksouth", '"uksouth"'),
    ("control-character", '"You"', '"You\tthere"', '"You\\tthere"'),
    ("invalid-escape", '"You"', '"You\\there\\x"', None),
    ("unterminated-string", '"Location": "uksouth",', '"Location": "uksouth,', '"Location": "uksouth",'),
    ("old-form", '"principal": "me"', '"roleBeneficiaryObjID": "me"', '"principal": "me"'),
    ("not-allowed", '"Sku": "premium"', '"Sku": "premum"', '"Sku": "premium"'),
    ("invalid-region", '"uksouth"', '"UK South"', '"uksouth"'),
    ("unknown-region", '"uksouth"', '"uksoth"', '"uksouth"'),
    ("invalid-node-type", '"Standard_D4ds_v5"', '"D4ds_v5"', '"Standard_D4ds_v5"'),
    ("unknown-runtime", '"17.3.x-scala2.13"', '"17.3.x-scala2.12"', '"17.3.x-scala2.13"'),
    ("end-of-support", '"17.3.x-scala2.13"', '"12.2.x-cpu-ml-scala2.12"', '"17.3.x-cpu-ml-scala2.13"'),
    (
        "unknown-reference",
        '"clusters": ["dbx-sp-cluster"]',
        '"clusters": ["dbx-sp-cluter"]',
        '"clusters": ["dbx-sp-cluster"]',
    ),
    ("unknown-key", '"Location":', '"Lokation":', '"Location":'),
    ("unknown-key", '"NoPublicIp": true', '"NoPublicIp": true, "Zzzz": 1', '"NoPublicIp": true'),
    ("wrong-type", '"RetentionDays": 30', '"RetentionDays": "30"', '"RetentionDays": 30'),
    ("wrong-type", '"PurgeProtection": false', '"PurgeProtection": "False"', '"PurgeProtection": false'),
    ("wrong-type", '"Containers": ["bronze", "silver", "gold"]', '"Containers": "bronze"', '"Containers": ["bronze"]'),
    ("out-of-range", '"RetentionDays": 30', '"RetentionDays": 5', '"RetentionDays": 30'),
    ("out-of-range", '"spark_conf": {}', '"spark_conf": {}, "policy_id": ""', None),
    ("missing-key", '"Location": "uksouth",', "", None),
    ("missing-key", '"node_type_id": "Standard_D4ds_v5",', "", None),
    ("conflicting-settings", '"USER_ISOLATION"', '"SINGLE_USER"', None),
    ("conflicting-settings", '"min_workers": 1, "max_workers": 2', '"min_workers": 3, "max_workers": 2', None),
    ("conflicting-settings", '"autoscale": { "min_workers": 1, "max_workers": 2 },', "", None),
    ("conflicting-settings", '"autoscale": { "min_workers": 1, "max_workers": 2 }', '"num_workers": 0', None),
    ("conflicting-settings", '"autotermination_minutes": 20', '"num_workers": 1', None),
    ("conflicting-settings", '"principalType": "User"', '"principalType": "Group"', '"principalType": "User"'),
    (
        "credential-in-file",
        '"spark_conf": {}',
        '"spark_conf": {"fs.key": "dapi0123456789abcdef0123456789abcdef"}',
        None,
    ),
]


def of_code(analysis: Analysis, code: str) -> list[Mark]:
    return [mark for mark in analysis.marks if mark.problem.code == code]


@pytest.mark.parametrize(("code", "old", "new", "right"), CASES)
def test_a_fix_mends_its_problem(open_session: Open, code: str, old: str, new: str, right: str | None) -> None:
    session = open_session(shipped().replace(old, new, 1))
    before = analyse(session.snapshot())
    mark = of_code(before, code)[0]

    fixed = fix_for(before, mark)
    assert fixed
    session.edit(fixed.edits, fixed.label)

    after = analyse(session.snapshot())
    assert len(of_code(after, code)) < len(of_code(before, code))
    assert {one.problem.code for one in after.marks} <= {"placeholder", *(one.problem.code for one in before.marks)}
    if right is not None:
        assert session.text == shipped().replace(old, right, 1) or right in session.text
    session.undo()
    assert session.text == shipped().replace(old, new, 1)


def test_all_old_forms_are_rewritten_as_validate_would(open_session: Open) -> None:
    old = (
        shipped()
        .replace('"principal": "me"', '"roleBeneficiaryObjID": "me"')
        .replace('"project"', '"setup_py_file_path"')
    )
    session = open_session(old)

    fixed = fix_all(session.text)
    assert fixed
    session.edit(fixed.edits, fixed.label)
    fix(session.document.path)

    assert session.text.encode() == session.document.path.read_bytes()
    assert fix_all(session.text) is None


def test_what_a_person_has_to_decide_has_no_fix(open_session: Open) -> None:
    analysis = analyse(open_session(shipped().replace('"uksouth"', '"<>"')).snapshot())

    assert [fix_for(analysis, mark) for mark in of_code(analysis, "placeholder")] == [None]
