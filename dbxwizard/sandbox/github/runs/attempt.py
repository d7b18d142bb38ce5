"""An attempt of a run: which of its jobs begin, wait or end, by what has ended so far.

All of it is read off the records and written back, so any process goes on where another one ended. A job is `pending`
until its matrix and its concurrency group have room for it, `waiting` while its environment holds it back, `queued`
until there is a runner, then `in_progress` and `completed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from dbxwizard.sandbox.actions.expressions.values import Value
from dbxwizard.sandbox.actions.workflows.started_runs import Assumed, StartedJob, StartedRun, overall
from dbxwizard.sandbox.actions.workflows.starting import started
from dbxwizard.sandbox.github import access, environments
from dbxwizard.sandbox.github.runs import concurrency, gates, records
from dbxwizard.sandbox.github.runs.endings import deployed, end_job
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document, Store

Identity = tuple[str, tuple[int, ...]]


def identity(job: StartedJob) -> Identity:
    """What tells a job from all others of its attempt."""
    return job.id, tuple(each.index for each in job.combinations)


class Attempt:
    """The attempt of a run that is under way. Used inside a transaction."""

    def __init__(self, context: Context, run: Document, files: Mapping[str, str]) -> None:
        self._context = context
        self._store = context.store
        self._files = files
        self.run = run
        self.repository = access.find_repository(context.store, *run["fullName"].split("/")) or {}
        self._docs: dict[Identity, Document] = {
            (job["key"], tuple(job["combination"])): job for job in records.jobs_of(context.store, run)
        }

    # What stands.

    def results(self) -> dict[str, str]:
        """Of the jobs that have ended, with all of their combinations, by id."""
        by_id: dict[str, list[Document]] = {}
        for (name, _), job in self._docs.items():
            by_id.setdefault(name, []).append(job)
        return {
            name: overall(job["result"] for job in jobs)
            for name, jobs in by_id.items()
            if len(jobs) == jobs[0]["total"] and all(job["status"] == "completed" for job in jobs)
        }

    def plan(self) -> StartedRun:
        """The run as it stands: what has ended decides over what comes."""
        outputs: dict[str, dict[str, Value]] = {}
        for (name, _), job in sorted(self._docs.items()):
            outputs.setdefault(name, {}).update(job["outputs"])
        run = self.run
        assumed = Assumed(
            self.results(),
            outputs,
            records.variables_of(self._store, run["repository"]),
            records.about(run),
            decided=self._decided(),
            is_cancelled=bool(run["cancel"]),
        )
        event = replace(records.event_of(run), workflow=run["path"])
        [found] = started(self._files, event, assumed)
        return found

    def _decided(self) -> dict[str, bool]:
        """Whether jobs that have begun were let run, and those that call their workflows."""
        decided = {job["key"]: job["conclusion"] != "skipped" for job in self._docs.values()}
        return decided | dict.fromkeys((caller for job in self._docs.values() for caller in job["within"]), True)

    def started(self, job: Document) -> StartedJob:
        """What the plan says of a job that has begun."""
        wanted = job["key"], tuple(job["combination"])
        return next(each for each in self.plan().jobs if identity(each) == wanted)

    # What comes.

    def advance(self) -> None:
        """Goes as far as the run goes by itself."""
        if not self._has_turn():
            return
        plan = self.plan()
        while not plan.error and self._step(plan):
            plan = self.plan()
        self._close(plan)

    def _has_turn(self) -> bool:
        group, member = self.run["group"], f"run/{records.run_key(self.run)}"
        if group is None or concurrency.holder(self._store, self.run["repository"], group) == member:
            return True
        if self.run["cancel"]:
            self._end("cancelled")
            return False
        entry = concurrency.enter(self._store, self.run["repository"], group, member)
        self._cancel(entry.displaced, concurrency.superseded(group))
        if entry.is_full:
            self._end("cancelled", error=concurrency.superseded(group))
        elif not entry.holds:
            self._save(status="pending")
        return entry.holds

    def _step(self, plan: StartedRun) -> bool:
        """One round over all jobs; whether anything has changed."""
        before = dict(self._docs)
        for job in plan.jobs:
            if job.is_ready and identity(job) not in self._docs:
                self._begin(job)
        self._cancel_jobs(plan)
        for job in plan.jobs:
            if identity(job) in self._docs:
                self._move(job, plan)
        return self._docs != before

    def _begin(self, job: StartedJob) -> None:
        store, run, now = self._store, self.run, self._context.now
        index = records.next_number(store, f"job/{run['repository']}/{run['id']}")
        number = int(self._context.new_id("github.job", f"{run['id']}/{index}")[:8], 16)
        mine = [each for each in job.combinations if each.of == job.id]
        made: Document = {
            "id": number,
            "repository": run["repository"],
            "run": run["id"],
            "index": index,
            "attempt": run["attempt"],
            "upTo": run["attempt"],
            "key": job.id,
            "combination": [each.index for each in job.combinations],
            "within": list(job.within),
            "total": mine[0].total if mine and job.will_run else 1,
            "name": job.name,
            "labels": list(job.labels),
            "environment": job.environment,
            "deploys": bool(job.job.environment and job.job.environment.deploys),
            "group": records.group_of(job.concurrency),
            "hasSlot": False,
            "review": None,
            "deployment": None,
            "cancel": "",
            "status": "pending",
            "conclusion": None,
            "result": "",
            "outputs": {},
            "steps": [],
            "annotations": [],
            "summary": "",
            "logSize": 0,
            "createdAt": now,
            "startedAt": now,
            "completedAt": None,
        }
        records.add_job(store, made)
        self._docs[identity(job)] = made
        if not job.will_run:
            self._end_one(made, "skipped")

    def _change(self, job: Document, **changes: Any) -> Document:
        new = {**job, **changes}
        records.save_job(self._store, new)
        self._docs[(new["key"], tuple(new["combination"]))] = new
        return new

    def _end_one(self, job: Document, result: str, reason: str = "") -> None:
        """Ends a job that no runner has."""
        ended = end_job(self._context, self.run, job, result, reason=reason)
        self._docs[(ended["key"], tuple(ended["combination"]))] = ended

    # Cancelling.

    def _cancel(self, members: Iterable[str], reason: str) -> None:
        """Lets runs and jobs end that are in the way of another one."""
        for member in members:
            kind, _, key = member.partition("/")
            found = self._store.get(f"github.{kind}", key)
            if found is None or found["status"] == "completed" or found["cancel"]:
                continue
            if kind == "run":
                records.save_run(self._store, found, self._context.now, cancel="asked", error=reason)
            elif found["run"] == self.run["id"]:
                self._change(found, cancel=reason)
            else:
                records.save_job(self._store, {**found, "cancel": reason})

    def _cancel_jobs(self, plan: StartedRun) -> None:
        """Jobs end with their run, unless their condition lets them go on, and with a matrix that fails fast."""
        failing = {
            each.of: job.name
            for job in plan.jobs
            for each in job.combinations
            if each.fails_fast and (found := self._docs.get(identity(job))) and found["result"] == "failure"
        }
        for job in plan.jobs:
            found = self._docs.get(identity(job))
            if found is None or found["status"] == "completed":
                continue
            reason = found["cancel"]
            if not reason and self.run["cancel"] and not (job.outlives and self.run["cancel"] == "asked"):
                reason = self.run["error"] or "The run was canceled."
            failed = next((failing[each.of] for each in job.combinations if each.of in failing), "")
            if not reason and failed:
                reason = f'The strategy configuration was canceled because "{failed}" failed'
            if reason and found["status"] == "in_progress":
                self._change(found, cancel=reason)
            elif reason:
                self._end_one(found, "cancelled", reason)

    # Waiting.

    def _move(self, job: StartedJob, plan: StartedRun) -> None:
        found = self._docs[identity(job)]
        if found["cancel"]:
            return  # it ends in the next round
        if found["status"] == "pending" and self._has_slot(job, found, plan):
            found = self._change(found, hasSlot=True)
            if self._has_group(found):
                self._arrive(found)
        elif found["status"] == "waiting":
            self._look(found)

    def _has_slot(self, job: StartedJob, found: Document, plan: StartedRun) -> bool:
        """Whether its matrices take up no more combinations at once than they may."""
        return found["hasSlot"] or all(
            each.index in (taken := self._taken(each.of, plan)) or len(taken) < each.max_parallel
            for each in job.combinations
        )

    def _taken(self, matrix: str, plan: StartedRun) -> set[int]:
        """The combinations of a matrix that have begun and not ended."""
        taken: set[int] = set()
        unfinished: set[int] = set()
        for job in plan.jobs:
            found = self._docs.get(identity(job))
            for each in job.combinations:
                if each.of == matrix:
                    taken |= {each.index} if found and found["hasSlot"] else set()
                    unfinished |= set() if found and found["status"] == "completed" else {each.index}
        return taken & unfinished

    def _has_group(self, job: Document) -> bool:
        group, member = job["group"], f"job/{records.job_key(job)}"
        if group is None:
            return True
        if concurrency.holder(self._store, job["repository"], group) == f"run/{records.run_key(self.run)}":
            self._end_one(job, "cancelled", concurrency.deadlock(group, job["name"]))
            return False
        entry = concurrency.enter(self._store, job["repository"], group, member)
        self._cancel(entry.displaced, concurrency.superseded(group))
        if entry.is_full:
            self._end_one(job, "cancelled", concurrency.superseded(group))
        return entry.holds

    def _arrive(self, job: Document) -> None:
        """The job stands before its environment."""
        name = job["environment"]
        environment = environments.ensure(self._context, self.repository, name) if name else None
        if environment is None:
            self._change(job, status="queued")
            return
        ref = self.run["event"]["ref"]
        refused = gates.refusal(self._store, self.repository, environment, ref)
        if refused:
            job = self._change(job, annotations=[*job["annotations"], records.annotation(refused)])
            self._end_one(job, "failure", gates.REJECTED)
            return
        review = gates.new_review(environment, self._context.now)
        state = "waiting" if review else "queued"
        job = self._change(job, status=state, review=review)
        if job["deploys"]:
            self._change(job, deployment=deployed(self._context, self.run, job, state))
        if review:
            for moment in (review["until"], review["since"] + gates.LONGEST):
                self._store.schedule(moment, "github.run.look", {})

    def _look(self, job: Document) -> None:
        review = job["review"]
        if gates.is_rejected(review, self._context.now):
            self._end_one(job, "failure", gates.REJECTED)
        elif gates.is_passed(review, self._context.now):
            self._change(job, status="queued")
            if job["deploys"]:
                deployed(self._context, self.run, job, "queued")

    # The run.

    def _save(self, **changes: Any) -> None:
        self.run = records.save_run(self._store, self.run, self._context.now, **changes)

    def _end(self, conclusion: str, **changes: Any) -> None:
        concurrency.leave(self._store, self.run["repository"], self.run["group"], f"run/{records.run_key(self.run)}")
        self._save(status="completed", conclusion=conclusion, **changes)

    def fail(self, reason: str) -> None:
        """Ends the run, with all of its jobs, because of a defect."""
        for job in list(self._docs.values()):
            if job["status"] != "completed":
                self._end_one(job, "failure", reason)
        self._end("failure", error=reason)

    def _close(self, plan: StartedRun) -> None:
        """Says what the run as a whole does, or what it came to."""
        jobs = list(self._docs.values())
        open_jobs = [job for job in jobs if job["status"] != "completed"]
        if open_jobs:
            self._save(status=_status(jobs))
        elif plan.error:
            self._end("failure", error=plan.error)
        else:
            self._end("cancelled" if self.run["cancel"] else overall(job["result"] for job in jobs))


def _status(jobs: Iterable[Document]) -> str:
    states = {job["status"] for job in jobs}
    if "in_progress" in states or {"queued", "completed"} <= states:
        return "in_progress"
    return next(state for state in ("queued", "waiting", "pending") if state in states)


def advance_all(context: Context, files: Callable[[Store, Document], Mapping[str, str]]) -> None:
    """Lets all runs go as far as they go by themselves. `files`: of a run, its workflow files by path."""
    while True:
        before = context.store.writes
        for run in records.active_runs(context.store):
            fresh = context.store.get("github.run", records.run_key(run)) or run
            if fresh["status"] != "completed":
                Attempt(context, fresh, files(context.store, fresh)).advance()
        if context.store.writes == before:
            return
