"""The jobs of a run and what each one needs, as the workflow's file says it: GitHub's API lists a job only once it may
begin, so what is still to come stands in the file alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from dbxwizard.clients.run_types import Run, RunJob

if TYPE_CHECKING:
    from dbxwizard.clients.github_runs import GitHubRuns

_EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


@dataclass(frozen=True, slots=True)
class Node:
    """A job of the file. `jobs`: those of the run that it became: several for a matrix or a called workflow, none
    while it is still to come."""

    id: str
    title: str
    needs: tuple[str, ...]  # ids
    jobs: tuple[RunJob, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """The jobs of a workflow's file in its order; empty for a file that nobody can read."""

    declared: tuple[Node, ...] = ()

    def of(self, jobs: Sequence[RunJob]) -> tuple[Node, ...]:
        """The graph with the jobs of a run in it. One that fits nothing in the file stands for itself, at the end."""
        taken: dict[str, list[RunJob]] = {}
        for job in jobs:
            taken.setdefault(self._id_of(job), []).append(job)
        placed = [Node(one.id, one.title, one.needs, tuple(taken.pop(one.id, ()))) for one in self.declared]
        alone = [Node(str(job.id), job.name, (), (job,)) for rest in taken.values() for job in rest]
        return (*placed, *alone)

    def _id_of(self, job: RunJob) -> str:
        for exact in (True, False):
            for node in self.declared:
                if re.fullmatch(_pattern(node.title, exact=exact), job.name):
                    return node.id
        return ""


def _pattern(title: str, *, exact: bool) -> str:
    """Names that a job of this title may have: with the values of a matrix, and with the job that it calls."""
    if exact:
        return re.escape(title) + r"( \(.*\))?( / .*)?"
    return ".+".join(map(re.escape, _EXPRESSION.split(title))) + r"( \(.*\))?( / .*)?"


def read_graph(text: str) -> Graph:
    try:
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes strings, lists and mappings alone
    except yaml.YAMLError:
        return Graph()
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, dict):
        return Graph()
    return Graph(tuple(_node(str(name), job) for name, job in jobs.items() if isinstance(job, dict)))


def _node(name: str, job: Mapping[str, Any]) -> Node:
    needs = job.get("needs") or ()
    return Node(name, str(job.get("name") or name), (needs,) if isinstance(needs, str) else tuple(map(str, needs)))


async def graph_of(runs: GitHubRuns, run: Run) -> Graph:
    """The graph of a run, from the workflow's file at its commit. Raises the core's errors."""
    text = await runs.file(run.path.partition("@")[0], run.commit)
    return read_graph(text) if text is not None else Graph()
