"""What ties a record to the job run, its task and the commit that made it."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from dbkframework.engine.parameters import get_parameter
from dbkframework.engine.place import runtime_context

_COMMIT = re.compile(r"[0-9a-f]{40}")
# Where a job's Git source is checked out to: a folder that is called after its commit.
_JOB_CHECKOUT = re.compile(r"/\.internal/[0-9a-f]+_commits/([0-9a-f]{40})/")
# GitHub Actions has the last ones (docs.github.com/actions/reference/workflows-and-actions/variables).
_VARIABLES = {
    "job": ("DBK_JOB_ID",),
    "job_run": ("DBK_JOB_RUN_ID", "GITHUB_RUN_ID"),
    "task": ("DBK_TASK", "GITHUB_JOB"),
    "commit": ("DBK_COMMIT", "GITHUB_SHA"),
    "environment": ("DBK_ENVIRONMENT",),
}
_PARAMETERS = {
    "job": "job_id",
    "job_run": "job_run_id",
    "task": "task",
    "commit": "commit",
    "environment": "environment",
}
_OF_THE_RUNTIME = {"job": "jobId", "job_run": "idInJob", "commit": "mlflowGitCommit"}


@dataclass(frozen=True)
class Correlation:
    """Ids of Databricks as text; what is not known is empty."""

    job: str = ""
    """Id of the job."""
    job_run: str = ""
    """Id of the job's run; its tasks share it."""
    task: str = ""
    """Key of the task."""
    commit: str = ""
    """The commit that the code is of."""
    environment: str = ""
    """Development, UAT and so on."""

    @classmethod
    def here(cls) -> Correlation:
        """Found out, each from the first that tells: parameters of the job, environment, the runtime, Git.

        A job gives them as parameters, from references such as `{{job.run_id}}`
        (docs.databricks.com/jobs/dynamic-value-references.html).
        """
        return cls(**{field.name: _found(field.name) for field in fields(cls)})

    def attributes(self) -> dict[str, str]:
        """What is known, under the names that records carry.

        >>> Correlation(job_run="42", task="train").attributes()
        {'dbk.job_run': '42', 'dbk.task': 'train'}
        """
        return {f"dbk.{field.name}": value for field in fields(self) if (value := getattr(self, field.name))}

    def trace_id(self) -> int | None:
        """One for all tasks of a job run, so that Azure Monitor shows them as one operation; None outside of a job."""
        if not self.job_run:
            return None
        return int.from_bytes(hashlib.sha256(f"job run {self.job_run}".encode()).digest()[:16], "big")


def _found(name: str) -> str:
    given = get_parameter(_PARAMETERS[name])
    if given:
        return given
    for variable in _VARIABLES[name]:
        if value := os.environ.get(variable):
            return value
    told = runtime_context(_OF_THE_RUNTIME[name]) if name in _OF_THE_RUNTIME else None
    if told:
        return str(told)
    return _commit_of_the_code() if name == "commit" else ""


def _commit_of_the_code() -> str:
    """Of the folder that a job was checked out to, else of the Git repository around the script or working folder."""
    script = Path(sys.argv[0] if sys.argv and sys.argv[0] else ".").absolute()
    for start in (script, Path.cwd()):
        if checkout := _JOB_CHECKOUT.search(f"{start.as_posix()}/"):
            return checkout[1]
    return git_commit(script.parent) or git_commit(Path.cwd())


def git_commit(folder: Path) -> str:
    """The commit that is checked out in the repository around `folder`; empty without one. Starts no process.

    Reads what gitrepository-layout(5) describes: HEAD, loose and packed refs, work trees.
    """
    try:
        for parent in (folder, *folder.parents):
            if (parent / ".git").exists():
                return _head(parent / ".git")
    except (OSError, ValueError):
        pass  # not allowed to look, or what is there is no text: then it is not known
    return ""


def _head(git: Path) -> str:
    if git.is_file():  # a work tree or submodule: the file names the folder
        git = (git.parent / git.read_text("utf-8").removeprefix("gitdir:").strip()).resolve()
    head = (git / "HEAD").read_text("utf-8").strip()
    if _COMMIT.fullmatch(head):
        return head
    name = head.removeprefix("ref:").strip()
    common = git / (git / "commondir").read_text("utf-8").strip() if (git / "commondir").is_file() else git
    for place in (git, common):
        if (place / name).is_file():
            return (place / name).read_text("utf-8").strip()
    packed = common / "packed-refs"
    return _packed(packed.read_text("utf-8")).get(name, "") if packed.is_file() else ""


def _packed(text: str) -> Mapping[str, str]:
    lines = (line.split(" ", 1) for line in text.splitlines() if _COMMIT.match(line) and " " in line)
    return {name: commit for commit, name in lines}
