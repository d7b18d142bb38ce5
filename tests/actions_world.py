"""What people do to a project's repository on the sandbox, and how the runs end that it starts.

with actions_world(road) as world:
    number = world.open(head="feature")
    world.settle()
    assert world.results() == {"Checks": "success"}
    world.merge(number)
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.sandbox.session import Sandbox
from dbxwizard.sandbox.store import Document
from tests.roads import Outcome, Road

PATIENCE = 1500  # seconds that runs may take on a busy machine, with what their jobs install


@dataclass
class ActionsWorld:
    """`seen`: the ids of the runs that `started` has told of."""

    road: Road
    sandbox: Sandbox
    seen: set[int] = field(default_factory=set)

    # What people do.

    def push(
        self, branch: str, files: Mapping[str, str], *, message: str = "", from_fork: bool = False
    ) -> dict[str, Any]:
        """Writes the files into the project's folder and pushes these alone."""
        for path, text in files.items():
            target = self.road.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        words = ["push", "--branch", branch, "--message", message or f"Change {branch}", *files]
        return self._done(*words, *(["--from-fork"] if from_fork else []))

    def open(self, head: str, base: str = "main", *, title: str = "", from_fork: bool = False) -> int:
        """Opens a pull request; its number."""
        words = ["pr", "open", "--head", head, "--base", base, "--title", title or f"{head} to {base}"]
        found = self._done(*words, *(["--from-fork"] if from_fork else []))
        return int(found["pull_request"]["number"])

    def merge(self, number: int) -> dict[str, Any]:
        return self._done("pr", "merge", str(number))

    def close(self, number: int) -> dict[str, Any]:
        return self._done("pr", "close", str(number))

    def tag(self, name: str, at: str) -> dict[str, Any]:
        return self._done("tag", name, "--at", at)

    def review(self, run: Document, environment: str, comment: str, *, approve: bool = True) -> Outcome:
        """Answers for the environment for which a run waits."""
        word = "approve" if approve else "reject"
        return self.road.run("runs", word, str(run["id"]), "-e", environment, "--comment", comment)

    def attempt(self, *words: str) -> Outcome:
        """`sandbox push|pr|tag` with these words, whatever comes of it."""
        return self.road.run("sandbox", *words, "--root", str(self.road.folder), "--output", "json")

    def _done(self, *words: str) -> dict[str, Any]:
        outcome = self.attempt(*words)
        assert outcome.code == 0, outcome.out + outcome.err
        return outcome.report

    # What it starts.

    def settle(self) -> None:
        """Until no job runs and none can begin: all has ended, or waits for a person or for the clock."""
        for thread in threading.enumerate():
            if thread.name == "dbxwizard-runner":
                thread.join(PATIENCE)
                assert not thread.is_alive()

    def started(self) -> list[Document]:
        """The runs since this was asked last, the oldest first, as they stand when nothing goes on any more."""
        self.settle()
        with self.road.store() as store:
            repository = access.find_repository(store, *REPOSITORY.split("/"))
            assert repository is not None
            found = [run for run in records.all_runs(store, repository)[::-1] if run["id"] not in self.seen]
        self.seen |= {run["id"] for run in found}
        return found

    def results(self) -> dict[str, str]:
        """By the name of its workflow the state of each run since this was asked last."""
        return {run["name"]: run["conclusion"] or run["status"] for run in self.started()}

    def jobs(self, run: Document) -> dict[str, str]:
        """By its name the state of each job."""
        with self.road.store() as store:
            return {job["name"]: job["conclusion"] or job["status"] for job in records.jobs_of(store, run)}

    def log(self, run: Document) -> str:
        """What its jobs printed, one after the other."""
        with self.road.store() as store:
            parts = [
                part["text"] for job in records.jobs_of(store, run) for part in records.log_parts(store, job["id"])
            ]
        return "".join(parts)

    def comments(self, number: int) -> list[tuple[str, str]]:
        """Author and text of each comment on an issue or a pull request."""
        with self.road.store() as store:
            found = store.all("github.comment")
        return [(one["author"], one["body"]) for one in found if one["number"] == number]


@contextmanager
def actions_world(road: Road) -> Iterator[ActionsWorld]:
    """Serves the project's sandbox in this process; what happened to it before counts as seen."""
    with Sandbox(road.state) as sandbox:
        world = ActionsWorld(road, sandbox)
        world.started()
        yield world
        world.settle()
