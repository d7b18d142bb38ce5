"""The command line as its user meets it: help, wrong usage, output forms, exit codes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from dbxwizard.cli.commands import SHOWN
from dbxwizard.cli.parser import parse
from dbxwizard.core.errors import UsageError
from tests.driving import dbxwizard


@pytest.mark.parametrize("command", [command.name for command in SHOWN])
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    done = dbxwizard(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert f"usage: dbxwizard {command}" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("deploy", "--nonsense"),
        ("deploy", "--auth", "magic"),
        ("deploy", "--environment"),
        ("sandbox",),
        ("sandbox", "explode"),
        ("sandbox", "show", "more"),
        ("sandbox", "pr"),
        ("sandbox", "pr", "approve"),
        ("sandbox", "pr", "open"),
        ("sandbox", "pr", "merge", "first"),
        ("sandbox", "pr", "merge"),
        ("sandbox", "tag"),
        ("sandbox", "push", "../elsewhere"),
        ("sandbox", "push", "--repo", "no-name"),
        ("sandbox", "serve", "--port", "http"),
        ("completion",),
    ],
)
def test_wrong_usage_is_one_error_with_exit_code_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = dbxwizard(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr


def test_wrong_usage_is_json_where_json_was_asked_for(tmp_path: Path) -> None:
    done = dbxwizard("deploy", "--auth", "magic", "--output", "json", cwd=tmp_path)
    envelope = json.loads(done.stdout)
    assert done.returncode == 2
    assert set(envelope) == {"schema_version", "command", "run_id", "status", "environments", "errors"}
    assert set(envelope["errors"][0]) == {"code", "resource", "message", "fix", "location"}


def test_a_choice_from_the_environment_is_checked_too(tmp_path: Path) -> None:
    done = dbxwizard("deploy", "--sandbox", cwd=tmp_path, DBXWIZARD_AUTH="magic")
    assert done.returncode == 2
    assert "--auth" in done.stderr


def test_setup_lists_everything_that_is_undecided_in_one_error(tmp_path: Path) -> None:
    done = dbxwizard("setup", "--sandbox", cwd=tmp_path)
    assert done.returncode == 2
    assert "--subscription" in done.stderr
    assert "--repo" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_every_command_and_option(shell: str, tmp_path: Path) -> None:
    script = dbxwizard("completion", shell, cwd=tmp_path).stdout
    for command in SHOWN:
        assert command.name in script
        for option in command.options:
            assert option.name in script


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["dep"], {"deploy"}),
        (["setup", "--isolation", ""], {"shared", "environment"}),
        (["setup", "--no-g"], {"--no-github-environments"}),
        (["deploy", "-e", ""], {"Development", "Test-area"}),
        (["deploy", "--environment", "De"], {"Development"}),
        (["deploy", "--log-file", ""], set()),  # left to the shell, which offers files
        (["validate", "environments/"], set()),
        (["validate", "--f"], {"--fix"}),
        (["runs", "wa"], {"watch"}),
        (["runs", "launch", "dep"], {"deploy.yml"}),
        (["runs", "list", "--workflow", "c"], {"checks.yml"}),
        (["runs", "list", "--state", "s"], {"success", "skipped"}),
        (["sandbox", "--state", "s"], set()),
        (["sandbox", "pu"], {"push"}),
        (["sandbox", "pr", "m"], {"merge"}),
        (["sandbox", "pr", "open", "--from"], {"--from-fork"}),
    ],
)
def test_the_bash_completion_is_bash(words: list[str], offered: set[str], tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    for name in ("Development", "Test-area", "schema"):
        (tmp_path / "environments" / f"{name}.json").touch()
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    for name in ("checks", "deploy"):
        (tmp_path / ".github" / "workflows" / f"{name}.yml").touch()
    script = dbxwizard("completion", "bash", cwd=tmp_path).stdout
    ask = f'{script}\nCOMP_WORDS=(dbxwizard "$@"); COMP_CWORD=$#; _dbxwizard; printf \'%s\\n\' "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", ask, "bash", *words], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert set(done.stdout.splitlines()) - {""} == offered


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dev", "run", "a.py", "-e", "X", "n=1", "m=2"], ("run", "a.py", "n=1", "m=2")),
        (["dev", "-e", "X", "run", "a.py", "n=1"], ("run", "a.py", "n=1")),
        (["dev", "run", "-e", "X", "a.py", "--", "--output", "json", "--"], ("run", "a.py", "--output", "json", "--")),
        (["dev", "run", "a.py", "--"], ("run", "a.py")),
        (["validate", "a.json", "--output", "json", "b.json"], ("a.json", "b.json")),
    ],
)
def test_words_may_stand_around_options_and_look_like_them_after_two_dashes(
    arguments: list[str], words: tuple[str, ...]
) -> None:
    assert parse(arguments)["words"] == words


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["deploi"], "there is no command deploi; did you mean deploy?"),
        (["setup", "--subscripton", "x"], "did you mean --subscription?"),
        (["deploy", "--env", "Development"], "did you mean --environment?"),
        (["--wizzard"], "did you mean --wizard?"),
    ],
)
def test_what_is_written_wrongly_is_met_with_what_was_meant(arguments: list[str], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(arguments)
    assert said in refused.value.message
    assert "--help`" in refused.value.fix


@pytest.mark.parametrize("arguments", [["dev", "run", "a.py", "--fold", "3"], ["plan", "--", "x"], ["plan", "x"]])
def test_what_is_neither_option_nor_word_is_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match="unrecognized arguments"):
        parse(arguments)
