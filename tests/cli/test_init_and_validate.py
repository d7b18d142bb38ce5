"""`init` writes a project, `validate` checks it; nothing of the user's is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dbxwizard import bundled
from dbxwizard.cli.main import run
from tests.driving import dbxwizard


def test_init_writes_what_is_shipped_and_a_second_time_nothing(tmp_path: Path) -> None:
    assert dbxwizard("init", cwd=tmp_path).returncode == 0
    for folder in ("environments", "bicep", "framework"):
        for name, content in bundled.files(folder):
            assert (tmp_path / name).read_bytes() == content
    for workflow in bundled.WORKFLOWS:
        assert (tmp_path / ".github" / "workflows" / workflow).is_file()
    again = json.loads(dbxwizard("init", "--output", "json", cwd=tmp_path).stdout)
    assert (again["status"], again["written"]) == ("unchanged", [])


def test_init_keeps_what_the_user_changed_unless_forced(tmp_path: Path) -> None:
    mine = tmp_path / "environments" / "UAT.json"
    mine.parent.mkdir()
    mine.write_text("{}")
    assert "kept your environments/UAT.json" in dbxwizard("init", cwd=tmp_path).stdout
    assert mine.read_text() == "{}"
    dbxwizard("init", "--force", cwd=tmp_path)
    assert mine.read_text() != "{}"


def test_init_where_a_file_is_in_the_way_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "bicep").write_text("in the way")
    done = dbxwizard("init", cwd=tmp_path)
    assert done.returncode == 1
    assert "bicep" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_shipped_files_lack_only_what_setup_fills_in(tmp_path: Path) -> None:
    dbxwizard("init", cwd=tmp_path)
    done = dbxwizard("validate", "--output", "json", cwd=tmp_path)
    errors = json.loads(done.stdout)["errors"]
    assert done.returncode == 2
    assert {error["code"] for error in errors} == {"placeholder"}
    assert {error["location"]["file"] for error in errors} == {
        f"environments/{name}.json" for name in ("Development", "UAT", "PreProduction", "Production")
    }


def test_problems_are_printed_with_file_line_and_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "odd name.json"
    file.write_text('{\n  "Environment": "Odd",\n  "Locatoin": "uksouth"\n}')
    assert run(["validate", str(file)]) == 2
    out = capsys.readouterr().out
    assert f"{file}:3:3: unknown-key: " in out
    assert "Location" in out


def test_in_actions_problems_are_annotations_on_their_line(tmp_path: Path) -> None:
    dbxwizard("init", cwd=tmp_path)
    done = dbxwizard("validate", cwd=tmp_path, GITHUB_ACTIONS="true", CI="true")
    assert "::error file=environments/Development.json,line=" in done.stdout


@pytest.mark.parametrize("what", ["missing.json", "a-folder"])
def test_a_file_that_cannot_be_read_is_a_problem_at_1_1(what: str, tmp_path: Path) -> None:
    (tmp_path / "a-folder").mkdir()
    done = dbxwizard("validate", what, cwd=tmp_path)
    assert done.returncode == 2
    assert f"{what}:1:1: " in done.stdout
    assert "Traceback" not in done.stderr
