"""`dbxwizard dev setup` as its user types it, beside a deployed environment of the sandbox."""

from __future__ import annotations

import configparser
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dbxwizard.cli import invocation
from dbxwizard.dev import dotenv
from tests.dev.conftest import dev_setup, shown, tree
from tests.roads import Outcome, Road


def resource(road: Road, kind: str) -> dict[str, str]:
    with road.store() as store:
        found = [body for key, body in store.find("arm.resource") if f"/{kind}/" in key.lower()]
    properties: dict[str, str] = found[0]["properties"]
    return properties


def env(road: Road) -> dict[str, str]:
    return dotenv.values((road.folder / ".env").read_text("utf-8"))


def test_an_editor_finds_interpreter_cluster_and_telemetry(first_run: tuple[Road, Outcome]) -> None:
    road, outcome = first_run
    report = outcome.report
    assert report["status"] == "success"
    [environment] = report["environments"]
    assert {change["action"] for change in environment["changes"]} == {"create"}
    told = env(road)
    workspace = resource(road, "microsoft.databricks/workspaces")
    address = f"workspace  {told['DATABRICKS_HOST']}"
    assert address in road.run("status", "-e", "Development", form="text").out
    telemetry = resource(road, "microsoft.insights/components")
    assert told["APPLICATIONINSIGHTS_CONNECTION_STRING"].startswith(
        f"InstrumentationKey={telemetry['InstrumentationKey']};"
    )
    assert told["APPI_IK"] == told["APPLICATIONINSIGHTS_CONNECTION_STRING"]
    assert told["DATABRICKS_ORDGID"] == workspace["workspaceId"]
    assert told["PYTHONPATH"] == "framework/src"
    assert "DATABRICKS_TOKEN" not in told
    assert (road.folder / ".env").stat().st_mode & 0o777 == 0o600
    profile = configparser.ConfigParser()
    profile.read(road.environ["DATABRICKS_CONFIG_FILE"])
    assert dict(profile["dbxwizard-development"]) == {
        "host": told["DATABRICKS_HOST"],
        "cluster_id": told["DATABRICKS_CLUSTER_ID"],
        "auth_type": told["DATABRICKS_AUTH_TYPE"],
    }
    settings = json.loads((road.folder / ".vscode" / "settings.json").read_text("utf-8"))
    assert settings["python.defaultInterpreterPath"] == "${workspaceFolder}/.venv"
    assert settings["python.envFile"] == settings["databricks.python.envFile"] == "${workspaceFolder}/.env"
    workspace_file = json.loads((road.folder / "workspace.code-workspace").read_text("utf-8"))
    assert workspace_file["folders"] == [{"path": "."}]


def test_the_environment_has_databricks_connect_and_the_framework_from_its_folder(developer: Road) -> None:
    asked = "import databricks.connect, dbkframework; print(dbkframework.__file__)"
    python = str(developer.folder / ".venv" / "bin" / "python")
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip().endswith("/framework/src/dbkframework/__init__.py")


def test_a_second_run_changes_nothing(developer: Road) -> None:
    before, writes = tree(developer.folder), len(developer.writes())
    outcome = dev_setup(developer)
    assert outcome.code == 0, shown(outcome)
    assert outcome.report["status"] == "unchanged"
    assert not outcome.changes()
    assert tree(developer.folder) == before
    assert len(developer.writes()) == writes


def test_what_people_wrote_is_asked_for_and_kept(developer: Road, tmp_path: Path) -> None:
    config = tmp_path / "own.cfg"
    config.write_text(
        "; mine\n[DEFAULT]\nhost = https://adb-1.1.azuredatabricks.net ; prod\n\n[other]\ntoken = dapi0\n", "utf-8"
    )
    config.chmod(0o644)
    files = {
        ".env": "# of mine\r\nexport DATABRICKS_HOST = 'https://old'  # where\r\nMY_KEY=\"a # b\"\r\n"
        "PYTHONPATH=src\r\n",
        ".vscode/settings.json": '{\n  // tabs\n  "editor.tabSize": 2,\n  "python.testing.cwd": "src",\n}\n',
        ".vscode/extensions.json": '{"recommendations": ["a.b"], "unwantedRecommendations": ["ms-toolsai.jupyter"]}\n',
        ".gitignore": "dist\n",
    }
    for name, text in files.items():
        (developer.folder / name).write_bytes(text.encode())
    before = tree(developer.folder)
    refused = dev_setup(developer, DATABRICKS_CONFIG_FILE=str(config))
    assert (refused.code, refused.errors[0]["code"]) == (2, "decision-missing")
    assert ".env" in refused.errors[0]["message"]
    assert "settings.json" in refused.errors[0]["message"]
    assert "-export DATABRICKS_HOST = 'https://old'  # where" in refused.err
    assert tree(developer.folder) == before
    outcome = dev_setup(developer, "--yes", DATABRICKS_CONFIG_FILE=str(config))
    assert outcome.code == 0, shown(outcome)
    text = (developer.folder / ".env").read_bytes().decode()
    host = env(developer)["DATABRICKS_HOST"]
    assert text.startswith(
        f"# of mine\r\nexport DATABRICKS_HOST = '{host}'  # where\r\nMY_KEY=\"a # b\"\r\n".replace("'", "")
    )
    assert text.count("\n") == text.count("\r\n")
    assert env(developer)["PYTHONPATH"] == "src:framework/src"
    settings = (developer.folder / ".vscode" / "settings.json").read_text("utf-8")
    assert settings.startswith('{\n  // tabs\n  "editor.tabSize": 2,\n  "python.testing.cwd": "src",\n')
    extensions = json.loads((developer.folder / ".vscode" / "extensions.json").read_text("utf-8"))
    assert extensions["recommendations"][0] == "a.b"
    assert "ms-toolsai.jupyter" not in extensions["recommendations"]
    assert (developer.folder / ".gitignore").read_text("utf-8").startswith("dist\n")
    written = config.read_text("utf-8")
    assert written.startswith(
        "; mine\n[DEFAULT]\nhost = https://adb-1.1.azuredatabricks.net ; prod\n\n[other]\ntoken = dapi0\n"
    )
    assert config.stat().st_mode & 0o777 == 0o600
    assert dev_setup(developer, DATABRICKS_CONFIG_FILE=str(config)).report["status"] == "unchanged"


@pytest.mark.parametrize(
    ("answer", "code", "status"), [("n", 130, "cancelled"), ("", 130, "cancelled"), ("y", 0, "success")]
)
def test_somebody_at_the_terminal_is_asked(
    developer: Road, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, status: str
) -> None:
    (developer.folder / ".env").write_text("DATABRICKS_CLUSTER_ID=old\n", "utf-8")
    monkeypatch.setattr(invocation, "is_interactive", lambda _values, _environ: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n"))
    outcome = dev_setup(developer)
    assert (outcome.code, outcome.report["status"]) == (code, status)
    assert "-DATABRICKS_CLUSTER_ID=old" in outcome.err
    assert "Change what you wrote (.env)? [y/N]" in outcome.err
    assert (env(developer)["DATABRICKS_CLUSTER_ID"] == "old") == (code != 0)


def test_the_sandboxs_profile_lies_with_its_state_where_nobody_says_otherwise(developer: Road) -> None:
    outcome = dev_setup(developer, "--yes", DATABRICKS_CONFIG_FILE="")
    assert outcome.code == 0, shown(outcome)
    config = developer.folder / ".state" / "databrickscfg"
    assert "[dbxwizard-development]" in config.read_text("utf-8")
    assert env(developer)["DATABRICKS_CONFIG_FILE"] == str(config)


def test_no_secret_of_the_user_is_shown(developer: Road) -> None:
    path = developer.folder / ".env"
    path.write_text("DATABRICKS_TOKEN=of-somebody-else\nAPPI_IK=InstrumentationKey=1234-5678-9\n", "utf-8")
    outcome = dev_setup(developer, "--auth", "token")
    assert outcome.code == 2
    assert "of-somebody-else" not in shown(outcome)
    assert "1234-5678" not in shown(outcome)
    assert "DATABRICKS_TOKEN=***" in outcome.err
