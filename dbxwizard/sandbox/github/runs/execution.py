"""Carries out a run: its jobs one after the other, each decided by how those before it ended.

Jobs that GitHub would run side by side run in the order of the file. A job whose environment has protection rules is
refused: nobody can approve one yet.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dbxwizard.sandbox import tls
from dbxwizard.sandbox.actions.expressions.errors import ExpressionError
from dbxwizard.sandbox.actions.expressions.evaluate import Scope, expand
from dbxwizard.sandbox.actions.expressions.values import Value, to_number, to_text
from dbxwizard.sandbox.actions.running.job import JobEnd, JobPlan, run_job
from dbxwizard.sandbox.actions.running.process import Stop
from dbxwizard.sandbox.actions.workflows.events import Event
from dbxwizard.sandbox.actions.workflows.starting import StartedJob, StartedRun, started
from dbxwizard.sandbox.github import access, environments, oidc
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.github.runs.checkout import CHECKOUT, checkout, export
from dbxwizard.sandbox.github.runs.reporting import Reporter
from dbxwizard.sandbox.github.runs.setup_python import SETUP_PYTHON, setup_python
from dbxwizard.sandbox.github.values import open_secrets
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.time import Clock

_RESULTS = ("skipped", "success", "cancelled", "failure")  # the last one of several jobs is that of all
_TOKEN_LIFETIME = 6 * 3600.0  # seconds, as long as a job may take


class Execution:
    """One run, from queued to completed."""

    def __init__(self, store: Store, run: Document, stop: Stop, is_closing: Callable[[], bool]) -> None:
        self._store = store
        self._clock = Clock(store)
        self._ports = Ports(store)
        self._run = run
        self._stop = stop
        self._is_closing = is_closing
        self._results: dict[str, str] = {}
        self._outputs: dict[str, dict[str, Value]] = {}
        with store.transaction():
            self._repository = access.find_repository(store, *run["fullName"].split("/")) or {}
            self._objects = GitObjects(store, run["repository"])
            self._files = records.workflow_files(self._objects, run["sha"])

    def go(self) -> None:
        self._save(status="in_progress", startedAt=self._clock.now())
        with tempfile.TemporaryDirectory(prefix="dbxwizard-run-", ignore_cleanup_errors=True) as folder:
            done: set[tuple[str, str]] = set()
            while job := self._next(done):
                done.add((job.id, job.name))
                self._take(job, Path(folder) / str(len(done)))
                if self._is_closing():
                    return
        results = list(self._results.values())
        conclusion = max(results, key=_RESULTS.index, default="skipped")
        self._save(status="completed", conclusion="cancelled" if self._stop.is_set else conclusion)

    def _save(self, **changes: Any) -> None:
        if not self._is_closing():
            with self._store.transaction():
                self._run = records.save_run(self._store, self._run, self._clock.now(), **changes)

    def _plan(self) -> StartedRun:
        """The run as it stands: what has ended decides over what comes."""
        with self._store.transaction():
            assumed = records.assumed(self._store, self._repository, self._run, self._results, self._outputs)
        event = records.event_of(self._run)
        [found] = started(self._files, replace(event, workflow=self._run["path"]), assumed)
        return found

    def _next(self, done: set[tuple[str, str]]) -> StartedJob | None:
        found = self._plan()
        if found.error:
            self._results["the rest"] = "failure"
            self._save(error=found.error)
            return None
        return next((job for job in found.jobs if (job.id, job.name) not in done), None)

    # One job.

    def _take(self, job: StartedJob, folder: Path) -> None:
        reporter = Reporter(self._store, self._clock, self._new_job(job), self._is_closing)
        if not job.will_run or self._stop.is_set:
            end = JobEnd("cancelled" if job.will_run else "skipped", {})
        else:
            end = self._execute(job, folder, reporter)
        reporter.flush()
        reporter.save(status="completed", conclusion=end.result, completedAt=self._clock.now())
        before = self._results.get(job.id, "skipped")
        self._results[job.id] = max(before, end.result, key=_RESULTS.index)
        self._outputs[job.id] = {**self._outputs.get(job.id, {}), **end.outputs}
        self._end_calls(job)

    def _new_job(self, job: StartedJob) -> Document:
        index, now = len(records.jobs_of(self._store, self._run)) + 1, self._clock.now()
        with self._store.transaction():
            context = Context(self._store, self._clock, self._ports, now)
            number = int(context.new_id("github.job", f"{self._run['id']}/{index}")[:8], 16)
            found = {
                "id": number,
                "repository": self._run["repository"],
                "run": self._run["id"],
                "index": index,
                "key": job.id,
                "name": job.name,
                "status": "in_progress",
                "conclusion": None,
                "environment": job.environment,
                "steps": [],
                "annotations": [],
                "summary": "",
                "startedAt": now,
                "completedAt": None,
            }
            records.save_job(self._store, found)
        return found

    def _end_calls(self, job: StartedJob) -> None:
        """A job that calls a workflow has that workflow's result and outputs, as far as they are known."""
        caller, _, _ = job.id.rpartition(" / ")
        trigger = job.workflow.triggers.get("workflow_call")
        if not caller or trigger is None:
            return
        ended = {name: f"{caller} / {name}" for name in job.workflow.jobs if f"{caller} / {name}" in self._results}
        inside = {name: {"result": self._results[full], "outputs": self._outputs[full]} for name, full in ended.items()}
        scope = Scope({"jobs": inside, "inputs": dict(job.inputs), "github": {}, "vars": {}})
        self._results[caller] = max((self._results[full] for full in ended.values()), key=_RESULTS.index)
        self._outputs[caller] = {name: to_text(expand(raw, scope)) for name, raw in trigger.outputs.items()}

    def _execute(self, job: StartedJob, folder: Path, reporter: Reporter) -> JobEnd:
        reason = self._refused(job)
        if reason:
            reporter.line(0, f"##[error]{reason}")
            return JobEnd("failure", {})
        with self._store.transaction():
            given, tokens = self._given(job, reporter.job["id"])
        try:
            plan = self._job_plan(job, given, folder)
            bare = folder / "repository.git"
            self._export(bare)
            actions = {CHECKOUT: checkout(bare, self._run["sha"]), SETUP_PYTHON: setup_python}
            return run_job(plan, folder, reporter, self._stop, actions)
        except ExpressionError as error:
            reporter.line(0, f"##[error]{error}")
            return JobEnd("failure", {})
        finally:
            with self._store.transaction():
                for token in tokens:
                    oidc.end_job(self._store, token)
                    self._store.delete("_github.token", access.token_hash(token))

    def _refused(self, job: StartedJob) -> str:
        if not job.environment:
            return ""
        found = self._store.get("github.environment", environments.key(self._repository, job.environment)) or {}
        if any(found.get(rule) for rule in ("wait_timer", "reviewers", "deployment_branch_policy")):
            return f"The sandbox does not play protection rules of environments yet: {job.environment}"
        return ""

    def _export(self, bare: Path) -> None:
        with self._store.transaction():
            export(self._objects.all(), self._objects.refs(), bare)

    def _given(self, job: StartedJob, job_id: int) -> tuple[dict[str, Value], list[str]]:
        """Contexts that only this job has, and the tokens that end with it."""
        event = records.event_of(self._run)
        token = f"ghs_{os.urandom(18).hex()}"
        mine = {name.replace("-", "_"): level for name, level in job.permissions.items()}
        access.add_token(
            self._store,
            token,
            self._run["actor"],
            kind="job",
            permissions=mine,
            repositories=[self._run["fullName"]],
            expires_at=self._clock.now() + _TOKEN_LIFETIME,
        )
        asking = oidc.Job(
            repository=self._run["fullName"],
            environment=job.environment,
            ref=event.ref,
            sha=self._run["sha"],
            event=event.name,
            workflow=self._run["path"],
            run_id=self._run["id"],
            run_number=self._run["number"],
            actor=self._run["actor"],
            may_ask=job.permissions.get("id-token") == "write",
        )
        url, request = oidc.job_token_request(self._store, self._ports, asking)
        oidc_variables = {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": request}
        return {
            "token": token,
            "secrets": self._secrets(job, event, token),
            "masks": (request,),
            "vars": self._variables(job),
            "oidc": oidc_variables if asking.may_ask else {},
            "job": job_id,
        }, [token, request]

    def _secrets(self, job: StartedJob, event: Event, token: str) -> dict[str, str]:
        """Those of the repository, in a called workflow what was handed over of them, and those of the environment.

        Nothing for a pull request from a fork. Secrets that are handed over out of other jobs' outputs are empty here.
        """
        own = {"GITHUB_TOKEN": token}
        if event.is_from_fork and event.name == "pull_request":
            return own
        found = open_secrets(self._store, self._run["repository"])
        for handed in job.handed:
            if isinstance(handed, str):
                continue  # inherit
            none: dict[str, Value] = {name: {} for name in ("needs", "inputs", "vars", "matrix", "strategy")}
            scope = Scope({**none, "github": event.github(), "secrets": {**found, **own}})
            found = {name: to_text(expand(text, scope)) for name, text in handed.items()}
        if job.environment:
            found |= open_secrets(self._store, self._run["repository"], job.environment)
        return {**found, **own}

    def _variables(self, job: StartedJob) -> dict[str, str]:
        places = ("", job.environment.lower()) if job.environment else ("",)
        found: dict[str, str] = {}
        for place in places:
            held = self._store.all("github.variable", f"{self._run['repository']}/{place}/")
            found |= {each["name"]: each["value"] for each in held}
        return found

    def _job_plan(self, job: StartedJob, given: Mapping[str, Any], folder: Path) -> JobPlan:
        github = self._github(job, given["token"])
        needs = {
            name: {"result": self._results[prefix + name], "outputs": self._outputs.get(prefix + name, {})}
            for prefix in [job.id.removesuffix(job.job.id)]
            for name in job.job.needs
        }
        contexts: dict[str, Value] = {
            "github": github,
            "needs": needs,
            "strategy": {},
            "matrix": dict(job.matrix),
            "inputs": dict(job.inputs),
            "vars": given["vars"],
            "secrets": given["secrets"],
        }
        minutes = job.job.timeout_minutes
        minutes = expand(minutes, Scope(contexts)) if isinstance(minutes, str) else minutes
        own, general = job.job.defaults, job.workflow.defaults
        defaults = replace(
            own,
            shell=own.shell or general.shell,
            working_directory=own.working_directory or general.working_directory,
        )
        environment = {**self._environment(github, folder), **given["oidc"]}
        return JobPlan(
            steps=job.job.steps,
            contexts=contexts,
            environment=environment,
            env=(job.workflow.env, job.job.env),
            defaults=defaults,
            outputs=job.job.outputs,
            timeout_minutes=to_number(minutes),
            masks=given["masks"],
        )

    def _github(self, job: StartedJob, token: str) -> dict[str, Value]:
        event, run = records.event_of(self._run), self._run
        url = self._ports.url("github")
        return {
            **event.github(),
            "token": token,
            "actor": run["actor"],
            "triggering_actor": run["actor"],
            "job": job.job.id,
            "run_id": str(run["id"]),
            "run_number": str(run["number"]),
            "run_attempt": "1",
            "repository_id": str(run["repository"]),
            "workflow": run["name"],
            "workflow_ref": f"{run['fullName']}/{run['path']}@{event.ref}",
            "workflow_sha": run["sha"],
            "server_url": url,
            "api_url": f"{url}/api/v3",
        }

    def _environment(self, github: Mapping[str, Value], folder: Path) -> dict[str, str]:
        """The runner's own variables: nothing of the process that serves the sandbox but where programs are."""
        folder.mkdir(parents=True, exist_ok=True)
        payload, home = folder / "event.json", folder / "home"
        payload.write_text(json.dumps(github["event"]), "utf-8")
        home.mkdir()
        bundle = str(tls.bundle(self._store.path.parent))
        told = {
            f"GITHUB_{name.upper()}": to_text(value)
            for name, value in github.items()
            if name not in {"token", "event"} and isinstance(value, str)
        }
        return {
            **told,
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(payload),
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_NAME": "sandbox",
            "RUNNER_ENVIRONMENT": "github-hosted",
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            # The sandbox's authority, which a job at GitHub would not need.
            **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), bundle),
            "DBXWIZARD_SANDBOX": self._ports.url("arm"),
        }
