"""The logs of jobs, at addresses that need no token: GitHub keeps them on another host, which this one stands for."""

from __future__ import annotations

import secrets

from dbxwizard.sandbox.github import errors
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.http import Call, Response

_LIFETIME = 60.0  # seconds: docs.github.com/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run


def address(call: Call, job_id: int) -> str:
    """Where the log of a job is for a minute."""
    ticket = secrets.token_urlsafe(24)
    call.store.put("_github.ticket", ticket, {"job": job_id, "until": call.now + _LIFETIME})
    return f"{call.url('oidc')}/logs/{ticket}"


def log(call: Call) -> Response:
    """What the address of a log answers. ApiError 404 for one that is not known, or no more."""
    ticket = call.store.get("_github.ticket", call.params["ticket"])
    if ticket is None or ticket["until"] < call.now:
        raise errors.not_found()
    text = records.log_of(call.store, ticket["job"])
    return Response(200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
