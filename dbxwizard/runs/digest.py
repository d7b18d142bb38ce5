"""Why a run failed: for each job the step that failed, its error lines first, and what to do where we know."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbxwizard.clients.run_types import Annotation, RunJob, RunStep
from dbxwizard.core.advice import advise
from dbxwizard.core.errors import NotFound, OperationError
from dbxwizard.runs.logs import LogLine, lines

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient
    from dbxwizard.clients.github_runs import GitHubRuns

MOST_ERRORS = 20  # error lines of a job that are shown
_TAIL = 15  # lines before the end, where no line says that it is an error
_ERROR = re.compile(r"##\[error\]|^\S*Error\b|^(error|fatal)\b:?", re.IGNORECASE)
# As the headless face prints an error: `error: WHERE: CODE: MESSAGE`, in the next line `  → FIX`.
_OURS = re.compile(r"^error: (?:.*?: )?(?P<code>[a-z0-9]+(?:-[a-z0-9]+)+|AADSTS\d+|[A-Z]\w+): (?P<message>.*)")
_FIX = re.compile(r"^\s*→ (?P<fix>.+)")
_CODE = re.compile(r"\bAADSTS\d+\b")
_PRESENTED = re.compile(r"assertion subject '([^']+)'")
_NOT_ADMITTED = re.compile(r"is not allowed to deploy to (\S+) due to environment protection rules")
_SLACK = 1.0  # second: steps' times are whole seconds, those of lines are not


@dataclass(frozen=True, slots=True)
class Subjects:
    """What the job's token said, beside what Azure was made to trust; they have to be the same, letter by letter."""

    presented: str
    trusted: tuple[str, ...]

    @property
    def is_missing(self) -> bool:
        """Setup would have Azure trust this very subject, and Azure does not."""
        return self.presented in self.trusted


@dataclass(frozen=True, slots=True)
class Failure:
    """One job. `lines`: its error lines, the first ones; without any, its last lines. `advice`: what to do."""

    job: RunJob
    step: RunStep | None
    lines: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    subjects: Subjects | None = None

    @property
    def title(self) -> str:
        return f"{self.job.name} / {self.step.name}" if self.step else self.job.name


_MISSING = "Make Azure trust it: `dbxwizard setup`; `dbxwizard plan --scope setup` shows what differs."
# The subjects that Azure trusts for the jobs of a GitHub environment, for those of the default branch where it is "".
TrustedSubjects = Callable[[str], Awaitable[Sequence[str]]]
# The refs that may deploy to a GitHub environment, as its rules name them.
AdmittedRefs = Callable[[str], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Explaining:
    """Where the facts come from that no log has. Either may be unknown (None), or raise the core's errors."""

    trusted: TrustedSubjects | None = None
    admitted: AdmittedRefs | None = None


def explaining(client: GitHubClient) -> Explaining:
    """What GitHub itself can say: the subject that it presents is the one that setup makes Azure trust."""

    async def trusted(environment: str) -> list[str]:
        branch = "" if environment else (await client.repository()).default_branch
        return [await client.subject(environment, branch=branch)]

    async def admitted(environment: str) -> list[str]:
        return sorted(refs.name for refs in await client.deployment_refs(environment))

    return Explaining(trusted, admitted)


async def failures(runs: GitHubRuns, jobs: Sequence[RunJob], explaining: Explaining | None = None) -> list[Failure]:
    """Of the jobs that failed, in their order. Raises the core's errors."""
    failed = [job for job in jobs if job.failed]
    return list(await asyncio.gather(*(_failure(runs, job, explaining or Explaining()) for job in failed)))


async def _failure(runs: GitHubRuns, job: RunJob, explaining: Explaining) -> Failure:
    step = next((step for step in job.steps if step.conclusion in ("failure", "timed_out", "cancelled")), None)
    found = _Found()
    pieces = await runs.log(job.id) if job.steps else None
    if pieces is not None:
        async with aclosing(pieces):
            async for line in lines(pieces):
                found.take(line, step)
    shown = found.lines()
    if not shown:  # what no runner took has no log: GitHub tells the reason beside the job
        shown = [one.message for one in await _annotations(runs, job) if one.level == "failure"]
    advice = [*found.fixes, *await _from_rules(shown, explaining)]
    subjects = await _subjects(shown, explaining)
    if subjects and subjects.is_missing:
        advice.append(_MISSING)
    return Failure(job, step, tuple(shown), tuple(dict.fromkeys(advice)), subjects)


async def _annotations(runs: GitHubRuns, job: RunJob) -> Sequence[Annotation]:
    try:
        return await runs.annotations(job.id)
    except NotFound:
        return ()


class _Found:
    """What a log says of its errors, in bounded memory."""

    def __init__(self) -> None:
        self.fixes: list[str] = []
        self._errors: list[str] = []
        self._messages: list[str] = []
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._ours: OperationError | None = None  # the error of the line before

    def take(self, line: LogLine, step: RunStep | None) -> None:
        if step is not None and line.at and not _within(line.at, step):
            return
        text = line.text
        fix = _FIX.match(text)
        if fix and self._ours is not None:
            self.fixes.append(fix["fix"])
            self._ours = None
            return
        self._settle()
        self._tail.append(text)
        if _ERROR.search(text) and len(self._errors) < MOST_ERRORS:
            self._note(text)

    def _note(self, text: str) -> None:
        plain = text.replace("##[error]", "")
        if any(message in plain for message in self._messages):
            return  # said before: an error of ours comes as a line and as an annotation
        self._errors.append(plain)
        ours, known = _OURS.match(plain), _CODE.search(plain)
        if ours:
            self._ours = OperationError(ours["code"], ours["message"])
            self._messages.append(ours["message"])
        elif known:
            self._ours = OperationError(known[0], plain)

    def _settle(self) -> None:
        """An error that came without its fix: what the table says."""
        if self._ours is not None:
            self.fixes += filter(None, [advise(self._ours)])
            self._ours = None

    def lines(self) -> list[str]:
        self._settle()
        return self._errors or list(self._tail)


def _within(at: float, step: RunStep) -> bool:
    return step.started_at - _SLACK <= at and (not step.ended_at or at <= step.ended_at + _SLACK)


async def _subjects(shown: Sequence[str], explaining: Explaining) -> Subjects | None:
    found = next((found for line in shown if (found := _PRESENTED.search(line))), None)
    if found is None:
        return None
    environment = found[1].partition(":environment:")[2]
    return Subjects(found[1], await _known(explaining.trusted, environment))


async def _known(ask: TrustedSubjects | AdmittedRefs | None, environment: str) -> tuple[str, ...]:
    """What can be found out; a failure is told without what the caller may not see."""
    try:
        return tuple(await ask(environment)) if ask else ()
    except OperationError:
        return ()


async def _from_rules(shown: Sequence[str], explaining: Explaining) -> list[str]:
    """What the rules of an environment want, where GitHub says that they were not met."""
    found = next((found for line in shown if (found := _NOT_ADMITTED.search(line))), None)
    admitted = await _known(explaining.admitted, found[1]) if found else ()
    return (
        [f"{found[1]} admits {', '.join(admitted)}: start it on one of these (`--ref`)."] if found and admitted else []
    )
