"""What is wrong with a workflow file, in the words of github.com/actions/languageservices (workflow-parser)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` and `column` count from 1; 0 where the whole file is meant."""

    line: int
    column: int
    message: str


class WorkflowError(Exception):
    """A file that is no workflow: `path` and all that is wrong with it."""

    def __init__(self, path: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        super().__init__("\n".join(f"{path}{_where(problem)}: {problem.message}" for problem in problems))


def _where(problem: Problem) -> str:
    return f" (Line: {problem.line}, Col: {problem.column})" if problem.line else ""
