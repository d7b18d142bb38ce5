"""The logs of jobs and of runs, at addresses that need no token: GitHub keeps them on another host, which this one
stands for.
"""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from dbxwizard.sandbox.github import errors
from dbxwizard.sandbox.github.runs import records
from dbxwizard.sandbox.http import Call, Response
from dbxwizard.sandbox.store import Document, Store

_LIFETIME = 60.0  # seconds: docs.github.com/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run
_PATH_SIGNS = re.compile(r"[/:]")


def address(call: Call, jobs: Iterable[Document], *, as_archive: bool) -> str:
    """Where the log of a job, or the archive with those of several, is for a minute."""
    ticket = secrets.token_urlsafe(24)
    body = {
        "jobs": [records.job_key(job) for job in jobs],
        "archive": as_archive,
        "until": call.now + _LIFETIME,
    }
    call.store.put("_github.ticket", ticket, body)
    return f"{call.url('oidc')}/logs/{ticket}"


def has_log(store: Store, job: Document) -> bool:
    """Whether the job has ended and has printed anything."""
    return job["status"] == "completed" and next(records.log_parts(store, job["id"]), None) is not None


def log(call: Call) -> Response:
    """What the address of a log answers, piece by piece. ApiError 404 for one that is not known, or no more."""
    ticket = call.store.get("_github.ticket", call.params["ticket"])
    if ticket is None or ticket["until"] < call.now:
        raise errors.not_found()
    jobs = [job for key in ticket["jobs"] if (job := call.store.get("github.job", key))]
    if ticket["archive"]:
        return Response(200, None, {"Content-Type": "application/zip"}, stream=_archive(call.store, jobs))
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    if jobs[0]["logSize"]:
        headers["Content-Length"] = str(jobs[0]["logSize"])
    pieces = (part["text"].encode() for part in records.log_parts(call.store, jobs[0]["id"]))
    return Response(200, None, headers, stream=pieces)


class _Sink(io.RawIOBase):
    """A file that can only be written: what was written is taken away piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _archive(store: Store, jobs: Iterable[Document]) -> Iterator[bytes]:
    """A file for each job, and beside it a folder with one for each step, as GitHub's archives have them."""
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
        for number, job in enumerate(jobs):
            name = _PATH_SIGNS.sub("", job["name"])
            yield from _write(archive, sink, f"{number}_{name}.txt", records.log_parts(store, job["id"]))
            titles = {step["number"]: _PATH_SIGNS.sub("", step["name"]) for step in job["steps"]}
            for step, parts in groupby(records.log_parts(store, job["id"]), key=lambda part: int(part["step"])):
                if step in titles:
                    yield from _write(archive, sink, f"{name}/{step}_{titles[step]}.txt", parts)
    yield sink.take()


def _write(archive: ZipFile, sink: _Sink, name: str, parts: Iterable[Document]) -> Iterator[bytes]:
    with archive.open(name, "w") as file:
        for part in parts:
            file.write(part["text"].encode())
            yield sink.take()
