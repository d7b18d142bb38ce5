"""What a job is given: its token, secrets, variables, contexts, and the runner's own environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dbxwizard.sandbox.actions.expressions.evaluate import Scope, expand
from dbxwizard.sandbox.actions.expressions.values import Value, to_number, to_text
from dbxwizard.sandbox.actions.running.job import JobPlan
from dbxwizard.sandbox.actions.workflows.events import Event
from dbxwizard.sandbox.actions.workflows.started_runs import StartedJob
from dbxwizard.sandbox.github import access, oidc
from dbxwizard.sandbox.github.runs import machine, records
from dbxwizard.sandbox.github.values import open_secrets
from dbxwizard.sandbox.http import Context
from dbxwizard.sandbox.store import Document, Store

_TOKEN_LIFETIME = 6 * 3600.0  # seconds, as long as a job may take


@dataclass(frozen=True, slots=True)
class Given:
    """What only this job has. `tokens` end with it; `request` is where it asks for an OpenID Connect token."""

    token: str
    request_token: str
    request: Mapping[str, str]
    secrets: Mapping[str, str]
    variables: Mapping[str, str]

    def documents(self) -> list[tuple[str, str]]:
        """Kinds and keys of what ends with the job."""
        return [oidc.job_document(self.request_token), ("_github.token", access.token_hash(self.token))]


def give(context: Context, run: Document, job: StartedJob) -> Given:
    """Makes the tokens and opens the secrets of a job. Called inside a transaction."""
    token = f"ghs_{os.urandom(18).hex()}"
    access.add_token(
        context.store,
        token,
        run["actor"],
        kind="job",
        permissions={name.replace("-", "_"): level for name, level in job.permissions.items()},
        repositories=[run["fullName"]],
        expires_at=context.now + _TOKEN_LIFETIME,
    )
    asking = _asking(run, job)
    url, request = oidc.job_token_request(context.store, context.hosts, asking)
    variables = {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": request}
    return Given(
        token=token,
        request_token=request,
        request=variables if asking.may_ask else {},
        secrets=_secrets(context.store, run, job, token),
        variables=_variables(context.store, run, job),
    )


def _asking(run: Document, job: StartedJob) -> oidc.Job:
    return oidc.Job(
        repository=run["fullName"],
        environment=job.environment,
        ref=run["event"]["ref"],
        sha=run["sha"],
        event=run["event"]["name"],
        workflow=run["path"],
        called=job.workflow.path,
        run_id=run["id"],
        run_number=run["number"],
        run_attempt=run["attempt"],
        actor=run["actor"],
        may_ask=job.permissions.get("id-token") == "write",
    )


def _secrets(store: Store, run: Document, job: StartedJob, token: str) -> dict[str, str]:
    """Those of the repository, in a called workflow what was handed over of them, and those of the environment.

    Nothing for a pull request from a fork. Secrets that are handed over out of other jobs' outputs are empty here.
    """
    event: Event = records.event_of(run)
    own = {"GITHUB_TOKEN": token}
    if event.is_from_fork and event.name == "pull_request":
        return own
    found = open_secrets(store, run["repository"])
    for handed in job.handed:
        if isinstance(handed, str):
            continue  # inherit
        none: dict[str, Value] = {name: {} for name in ("needs", "inputs", "vars", "matrix", "strategy")}
        scope = Scope({**none, "github": event.github(), "secrets": {**found, **own}})
        found = {name: to_text(expand(text, scope)) for name, text in handed.items()}
    if job.environment:
        found |= open_secrets(store, run["repository"], job.environment)
    return {**found, **own}


def _variables(store: Store, run: Document, job: StartedJob) -> dict[str, str]:
    places = ("", job.environment.lower()) if job.environment else ("",)
    found: dict[str, str] = {}
    for place in places:
        held = store.all("github.variable", f"{run['repository']}/{place}/")
        found |= {each["name"]: each["value"] for each in held}
    return found


def contexts(run: Document, job: StartedJob, given: Given, server: str) -> dict[str, Value]:
    """The contexts that are known before the job begins. `server`: where GitHub is."""
    event = records.event_of(run)
    github: dict[str, Value] = {
        **event.github(),
        **records.about(run),
        "token": given.token,
        "job": job.job.id,
        "workflow": run["name"],
        "workflow_ref": f"{run['fullName']}/{run['path']}@{event.ref}",
        "workflow_sha": run["sha"],
        "server_url": server,
        "api_url": f"{server}/api/v3",
    }
    return {
        "github": github,
        "needs": dict(job.needs),
        "strategy": dict(job.strategy),
        "matrix": dict(job.matrix),
        "inputs": dict(job.inputs),
        "vars": dict(given.variables),
        "secrets": dict(given.secrets),
    }


def job_plan(context: Context, run: Document, job: StartedJob, given: Given, folder: Path) -> JobPlan:
    """What the runner is sent. Raises ExpressionError."""
    known = contexts(run, job, given, context.url("github"))
    minutes = job.job.timeout_minutes
    minutes = expand(minutes, Scope(known)) if isinstance(minutes, str) else minutes
    own, general = job.job.defaults, job.workflow.defaults
    defaults = replace(
        own,
        shell=own.shell or general.shell,
        working_directory=own.working_directory or general.working_directory,
    )
    return JobPlan(
        steps=job.job.steps,
        contexts=known,
        environment={**_environment(context, known["github"], folder), **given.request},
        env=(job.workflow.env, job.job.env),
        defaults=defaults,
        outputs=job.job.outputs,
        environment_url=job.job.environment.url if job.job.environment else "",
        timeout_minutes=to_number(minutes),
        masks=(given.request_token,),
    )


def _environment(context: Context, github: Mapping[str, Value], folder: Path) -> dict[str, str]:
    """The runner's own variables: nothing of the process that serves the sandbox but where programs are."""
    folder.mkdir(parents=True, exist_ok=True)
    payload, home = folder / "event.json", folder / "home"
    payload.write_text(json.dumps(github["event"]), "utf-8")
    home.mkdir()
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
        **machine.settings(os.environ, context.store.path.parent, f"{context.url('packages')}/simple/dbxwizard/"),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "DBXWIZARD_SANDBOX": context.url("arm"),
    }
