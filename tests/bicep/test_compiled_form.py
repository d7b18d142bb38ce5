"""main.json is what the compiler makes of main.bicep and its modules: neither side changes alone."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lark.exceptions import LarkError

from tests.bicep.arm_emitter import Reader, emit
from tests.bicep.bicep_tree import BicepFile, read_file

FOLDER = Path(__file__).resolve().parents[2] / "bicep"
FILES = ["main.bicep", *(f"modules/{path.name}" for path in sorted((FOLDER / "modules").glob("*.bicep")))]
ANOTHER: dict[type, Any] = {str: "another", bool: 0, int: -1}
# A quoted string, a number, true or false: what a mutation changes.
VALUE = re.compile(r"'(?:\\.|[^'\\])*'|\b\d+\b|\b(?:true|false)\b")


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """The places where two templates differ, the order of properties included."""
    if type(expected) is not type(actual):
        yield f"{path}: {expected!r} and {actual!r}"
    elif isinstance(expected, dict):
        yield from (f"{path}/{key}: on one side only" for key in expected.keys() ^ actual.keys())
        if expected.keys() == actual.keys() and list(expected) != list(actual):
            yield f"{path}: another order"
        for key in expected.keys() & actual.keys():
            yield from differences(expected[key], actual[key], f"{path}/{key}")
    elif isinstance(expected, list):
        if len(expected) != len(actual):
            yield f"{path}: {len(expected)} and {len(actual)} items"
        for index, (one, other) in enumerate(zip(expected, actual, strict=False)):
            yield from differences(one, other, f"{path}/{index}")
    elif expected != actual:
        yield f"{path}: {expected!r} and {actual!r}"


@cache
def parsed(name: str) -> BicepFile:
    return read_file(FOLDER / name)


def with_module(name: str, text: str) -> Reader:
    return lambda _, path: read_file(FOLDER / path, text) if path == name else parsed(path)


def compiled(changed: str = "", text: str = "") -> Any:
    """The template, with the text of one file changed."""
    main = read_file(FOLDER / "main.bicep", text) if changed == "main.bicep" else parsed("main.bicep")
    return emit(main, with_module(changed, text))


@pytest.fixture(scope="module")
def template() -> Any:
    return json.loads((FOLDER / "main.json").read_text(encoding="utf-8"))


def test_main_json_is_the_compiled_form_of_main_bicep(template: Any) -> None:
    assert list(differences(compiled(), template)) == []


def test_main_json_is_laid_out_as_the_compiler_does(template: Any) -> None:
    text = json.dumps(template, indent=2, ensure_ascii=False)
    assert (FOLDER / "main.json").read_bytes() == text.encode()


def leaves(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    empty = True
    for key, child in children:
        empty = False
        yield from leaves(child, (*path, key))
    if empty:
        yield path


def mutated(template: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(template)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = ANOTHER.get(type(parent[path[-1]]), {"another": 1})
    return changed


def test_every_change_of_main_json_alone_is_reported(template: Any) -> None:
    expected = compiled()
    paths = list(leaves(template))
    assert len(paths) > 500
    for path in paths:
        reported = list(differences(expected, mutated(template, path)))
        assert len(reported) == 1, path
        assert reported[0].startswith("".join(f"/{key}" for key in path)), reported


def changes_of(text: str) -> Iterator[tuple[int, str]]:
    """Each value outside comments, changed: the line and the whole changed text."""
    for match in VALUE.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        if "//" in re.sub(VALUE, "", text[line_start : match.start()]):
            continue
        value = match.group()
        quoted = f"{value[:-1]}x'" if value.startswith("'") else str(int(value) + 1) if value.isdigit() else ""
        other = quoted or {"true": "false", "false": "true"}[value]
        yield text.count("\n", 0, match.start()) + 1, text[: match.start()] + other + text[match.end() :]


@pytest.mark.parametrize("name", FILES)
def test_every_change_of_a_value_in_bicep_alone_is_reported(name: str, template: Any) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    changes = list(changes_of(text))
    assert len(changes) > 10
    for line, changed in some(changes):
        assert reports(name, changed, template), f"{name}:{line}"


@pytest.mark.parametrize("name", FILES)
def test_every_line_left_out_of_bicep_alone_is_reported(name: str, template: Any) -> None:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines(keepends=True)
    told = [number for number, line in enumerate(lines) if line.strip() and not line.strip().startswith("//")]
    for number in some(told):
        assert reports(name, "".join(lines[:number] + lines[number + 1 :]), template), f"{name}:{number + 1}"


def some(everything: list[Any]) -> list[Any]:
    """About 60 of them, evenly spread: one takes 30 ms."""
    return everything[:: len(everything) // 60 + 1]


def reports(name: str, text: str, template: Any) -> bool:
    try:
        return any(differences(compiled(name, text), template))
    except (LarkError, ValueError, KeyError, OSError):
        return True  # it is no Bicep any more, or names what does not exist
