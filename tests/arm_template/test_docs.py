"""docs/template-functions.md lists the functions there are, and calls verified what an example verifies."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dbxwizard.arm_template.registry import FUNCTIONS

DOCUMENT = Path(__file__).parents[2] / "docs" / "template-functions.md"
VERIFIED_ELSEWHERE = {"utcNow": "test_formatting.py", "copyIndex": "test_resources.py"}


def _documented() -> dict[str, str]:
    rows = re.findall(r"^\| `([\w*]+)` \| (verified|unverified) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len({name for name, _ in rows}) == len(rows)
    return dict(rows)


def test_every_function_is_listed() -> None:
    assert _documented().keys() == {function.name for function in FUNCTIONS.values()}


def test_verified_means_that_a_published_example_is_tested() -> None:
    vectors = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
    called = {name.lower() for item in vectors for name in re.findall(r"(\w+)\(", item["expression"])}
    expected = {name for name in _documented() if name.lower() in called} | VERIFIED_ELSEWHERE.keys()
    assert {name for name, status in _documented().items() if status == "verified"} == expected


def test_what_is_verified_elsewhere_is() -> None:
    for name, module in VERIFIED_ELSEWHERE.items():
        assert f"{name}(" in Path(__file__).with_name(module).read_text(encoding="utf-8")
