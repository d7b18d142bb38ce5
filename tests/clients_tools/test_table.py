"""What `make test-clients` says of the commands that it ran; those themselves need az and gh."""

from __future__ import annotations

import os
import sys

import pytest

from tools.test_clients import REQUIRED, Client, Outcome, first_error, table, unmet

ALL = [Outcome(name) for name in REQUIRED]


def python(name: str = "az") -> Client:
    return Client(name, sys.executable, dict(os.environ))


def test_all_required_commands_worked() -> None:
    assert unmet([*ALL, Outcome("gh pr list", "HTTP 404")]) == []


def test_a_required_command_that_never_ran_is_unmet() -> None:
    assert unmet(ALL[1:]) == ["az cloud register"]


def test_every_form_of_a_required_command_has_to_work() -> None:
    refused = Outcome("az login --service-principal --federated-token", "AADSTS700213")
    assert unmet([*ALL, refused]) == ["az login --service-principal"]


def test_a_command_of_a_longer_name_is_another_one() -> None:
    assert unmet([*ALL, Outcome("gh run listing", "unknown command")]) == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("WARNING: soon\nERROR: (NotFound) Nothing.\nCode: NotFound", "(NotFound) Nothing."),
        (
            "ERROR: The command failed with an unexpected error. Here is the traceback:\nERROR: No route\nFile",
            "No route",
        ),
        ('ERROR: {"code": "Outer"}\n\nInner Errors: \n{"code": "Inner"}', '{"code": "Inner"}'),
        ("github.example\n  X github.example: no scope\n  - do this", "X github.example: no scope"),
        ('unknown command "variable" for "gh"\n\nUsage:', 'unknown command "variable" for "gh"'),
        ("", "it said nothing"),
    ],
)
def test_the_line_that_says_what_went_wrong(said: str, reason: str) -> None:
    assert first_error(said) == reason


def test_a_missing_program_is_said() -> None:
    gh = Client("gh", None, {})
    assert gh.run("run", "list") == ""
    assert gh.outcomes == [Outcome("gh run list", "not installed")]


def test_ending_well_without_the_expected_words_is_no_success() -> None:
    az = python()
    az.run("-c", "print('[]')", says="rg-clients")
    az.run("-c", "raise SystemExit('ERROR: (Forbidden) No.')")
    assert [one.reason for one in az.outcomes] == ["it ended well, but did not print 'rg-clients'", "(Forbidden) No."]
    assert az.run("-c", "print('{\"id\": 1}')", says="id") == {"id": 1}


def test_the_table_has_one_line_for_each_command_and_end() -> None:
    lines = table([Outcome("az group list"), Outcome("az group list"), Outcome("az group list", "no right")])
    assert lines == ["az group list  worked", "az group list  refused: no right"]
