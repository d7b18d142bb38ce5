from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import fakes
import pytest

from dbkframework.telemetry import Correlation
from dbkframework.telemetry.correlation import git_commit

COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def no_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(tmp_path / "script.py")])
    return tmp_path


@pytest.mark.usefixtures("no_repository")
def test_nothing_is_known_where_nobody_tells() -> None:
    assert Correlation.here() == Correlation()
    assert Correlation().trace_id() is None


@pytest.mark.usefixtures("no_repository")
def test_what_a_job_gives_comes_before_what_the_environment_and_the_runtime_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fakes.cluster(monkeypatch, jobId=7, idInJob=8, mlflowGitCommit=COMMIT)
    assert Correlation.here() == Correlation(job="7", job_run="8", commit=COMMIT)
    monkeypatch.setenv("DBK_TASK", "train")
    monkeypatch.setenv("GITHUB_RUN_ID", "9")
    assert Correlation.here() == Correlation(job="7", job_run="9", task="train", commit=COMMIT)
    widgets = SimpleNamespace(get={"job_run_id": "42", "task": "{{task.name}}"}.__getitem__)
    fakes.notebook(monkeypatch, dbutils=SimpleNamespace(widgets=widgets))
    assert Correlation.here() == Correlation(job="7", job_run="42", task="train", commit=COMMIT)
    monkeypatch.setattr("sys.argv", ["script.py", "--environment", "UAT"])
    assert Correlation.here().environment == "UAT"


def test_the_checkout_of_a_job_is_called_after_its_commit(monkeypatch: pytest.MonkeyPatch, no_repository: Path) -> None:
    monkeypatch.setattr("sys.argv", [f"/Workspace/Repos/.internal/9f14a5ed62_commits/{COMMIT}/framework/run.py"])
    assert Correlation.here().commit == COMMIT


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_of_a_repository_in_each_of_its_forms(no_repository: Path) -> None:
    repository = no_repository / "repository"
    (repository / "deep" / "folder").mkdir(parents=True)
    git(repository, "init", "--quiet", "--initial-branch", "main")
    assert git_commit(repository) == ""
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "first")
    head = git(repository, "rev-parse", "HEAD")
    assert git_commit(repository / "deep" / "folder") == head
    git(repository, "pack-refs", "--all")
    assert git_commit(repository) == head
    git(repository, "worktree", "add", "--quiet", "../tree")
    assert git_commit(no_repository / "tree") == head
    git(repository, "checkout", "--quiet", "--detach")
    assert git_commit(repository) == head
    (repository / ".git" / "HEAD").write_bytes(b"\xff\xfe")
    assert git_commit(repository) == ""


def test_the_tasks_of_a_run_share_a_trace() -> None:
    prepare, train = Correlation(job_run="42", task="prepare"), Correlation(job_run="42", task="train")
    assert prepare.trace_id() == train.trace_id() != Correlation(job_run="43").trace_id()
