"""Matrices: docs.github.com/actions/how-tos/write-workflows/choose-what-workflows-do/run-job-variations."""

from __future__ import annotations

from typing import Any

import pytest

from dbxwizard.sandbox.actions.workflows.matrix import combinations

ANIMALS: dict[str, Any] = {
    "fruit": ["apple", "pear"],
    "animal": ["cat", "dog"],
    "include": [
        {"color": "green"},
        {"color": "pink", "animal": "cat"},
        {"fruit": "apple", "shape": "circle"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ],
}


def test_combines_all_with_all() -> None:
    assert combinations({"version": [10, 12], "os": ["a", "b"]}) == [
        {"version": 10, "os": "a"},
        {"version": 10, "os": "b"},
        {"version": 12, "os": "a"},
        {"version": 12, "os": "b"},
    ]


def test_includes_as_in_the_published_example() -> None:
    assert combinations(ANIMALS) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


def test_excludes_what_fits_in_part_before_it_includes() -> None:
    matrix = {
        "os": ["macos", "windows"],
        "version": [12, 14],
        "environment": ["staging", "production"],
        "exclude": [{"os": "macos", "version": 12, "environment": "production"}, {"os": "windows", "version": 14}],
        "include": [{"os": "windows", "version": 14, "environment": "staging"}],
    }
    found = [tuple(each.values()) for each in combinations(matrix)]
    assert found == [
        ("macos", 12, "staging"),
        ("macos", 14, "staging"),
        ("macos", 14, "production"),
        ("windows", 12, "staging"),
        ("windows", 12, "production"),
        ("windows", 14, "staging"),
    ]


def test_an_include_alone_is_a_list_of_jobs() -> None:
    include = [{"site": "production"}, {"site": "staging", "datacenter": "a"}]
    assert combinations({"include": include}) == include


def test_objects_are_values_too() -> None:
    matrix = {"node": [{"version": 14}, {"version": 20, "env": "x"}], "exclude": [{"node": {"version": 14}}]}
    assert combinations(matrix) == [{"node": {"version": 20, "env": "x"}}]


def test_refuses_empty_vectors_and_too_many_jobs() -> None:
    with pytest.raises(ValueError, match="Matrix vector 'os' does not contain any values"):
        combinations({"os": []})
    with pytest.raises(ValueError, match="more than 256 jobs"):
        combinations({"a": list(range(17)), "b": list(range(16))})
    assert len(combinations({"a": list(range(16)), "b": list(range(16))})) == 256
