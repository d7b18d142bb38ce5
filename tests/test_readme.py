"""What the README says is true: its sandbox blocks run as they stand, its azure blocks name what exists."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from dbxwizard.cli.commands import SHOWN
from dbxwizard.cli.parser import parse
from dbxwizard.core.result import RunResult, Status
from tests.driving import dbxwizard

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(kind: str) -> list[list[str]]:
    """The lines of each block that is marked so, continuation of the indentation removed."""
    found = re.findall(rf"^( *)```sh {kind}\n(.*?)^ *```", README, re.MULTILINE | re.DOTALL)
    return [[line.removeprefix(indent) for line in text.splitlines() if line.strip()] for indent, text in found]


def test_the_sandbox_blocks_run_as_they_stand(tmp_path: Path) -> None:
    commands = [line for block in blocks("sandbox") for line in block]
    assert len(commands) >= 5
    for line in commands:
        program, *arguments = shlex.split(line)
        assert program == "dbxwizard"
        done = dbxwizard(*arguments, cwd=tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("line", [line for block in blocks("azure") for line in block])
def test_the_azure_blocks_name_what_exists(line: str) -> None:
    program, *arguments = shlex.split(line)
    if program == "pipx":
        assert arguments == ["install", "PATH/TO/dbxwizard"]  # until a release is published
        return
    assert program == "dbxwizard"
    assert parse(arguments)["command"] == arguments[0]


def test_every_command_is_in_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)", README, re.MULTILINE)
    assert {command.name for command in SHOWN} <= set(rows)


def test_the_json_in_the_readme_has_the_keys_of_the_contract() -> None:
    sample = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[0])
    assert sample.keys() == RunResult("deploy", "", Status.SUCCESS).to_json().keys()
    assert sample["status"].split(" | ") == [status.value for status in (*Status,)]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
