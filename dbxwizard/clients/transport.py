"""How requests leave the program: which certificates are trusted, and whether a proxy stands between.

Each client gets its own settings; nothing is written into os.environ.
"""

from __future__ import annotations

import os
import ssl
import time
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import certifi
import requests
from azure.core.pipeline.transport import AioHttpTransport

from dbxwizard.clients import request_log
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.errors import error_body, service_error, translated
from dbxwizard.clients.timeouts import request_timeout
from dbxwizard.core.errors import Transient

_PAUSES = (0.1, 0.2, 0.4, 0.8)  # seconds before each further try of what comes first


@cache
def ssl_context(ca_bundle: Path | None) -> ssl.SSLContext:
    """Trusts `ca_bundle` alone; None: what requests trusts in this process. Reading a bundle takes 28 ms, hence one."""
    own = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where()
    path = Path(ca_bundle or own)
    if path.is_dir():
        return ssl.create_default_context(capath=str(path))
    return ssl.create_default_context(cafile=str(path))


class CloudTransport(AioHttpTransport):  # type: ignore[misc]  # azure-core loads it lazily, as Any
    """azure-core's aiohttp transport, which otherwise reads the CA bundle anew for every request.

    The sandbox is reached directly: a proxy of the environment could not.
    """

    session: aiohttp.ClientSession | None

    def __init__(self, cloud: Cloud) -> None:
        connect, answer = request_timeout()
        super().__init__(use_env_settings=not cloud.is_sandbox, connection_timeout=connect, read_timeout=answer)
        self._cloud = cloud

    async def open(self) -> None:
        if self.session is None:
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=ssl_context(self._cloud.ca_bundle)),
                trust_env=not self._cloud.is_sandbox,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        await super().open()

    async def send(self, request: Any, **options: Any) -> Any:
        began, response = time.perf_counter(), None
        try:
            response = await super().send(request, **options)
            return response
        finally:
            status, headers = (response.status_code, response.headers) if response is not None else (None, None)
            request_log.note(request.method, request.url, status, time.perf_counter() - began, headers)


def _note_answer(answer: Any) -> None:
    """For CustomHookPolicy, which every pipeline of azure-core has."""
    request, response = answer.http_request, answer.http_response
    taken = getattr(getattr(response, "internal_response", None), "elapsed", None)
    seconds = taken.total_seconds() if taken is not None else 0.0
    request_log.note(request.method, request.url, response.status_code, seconds, response.headers)


def sync_options(cloud: Cloud) -> dict[str, Any]:
    """The same settings as keyword arguments for azure-core's synchronous clients and azure-identity."""
    connect, answer = request_timeout()
    options: dict[str, Any] = {
        "use_env_settings": not cloud.is_sandbox,
        "connection_timeout": connect,
        "read_timeout": answer,
        "raw_response_hook": _note_answer,
    }
    return options | ({"connection_verify": str(cloud.ca_bundle)} if cloud.ca_bundle else {})


def session(ca_bundle: Path | None, *, direct: bool) -> requests.Session:
    """A session of requests. `direct`: neither proxy, netrc nor CA settings of the environment have a say."""
    made = requests.Session()
    made.trust_env = not direct
    made.verify = str(ca_bundle) if ca_bundle else True
    made.hooks["response"].append(request_log.note_response)
    return made


def send(
    method: str,
    url: str,
    *,
    ca_bundle: Path | None,
    direct: bool,
    headers: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    resource: str = "",
) -> requests.Response:
    """One blocking request, whatever the answer. Raises Transient where there is none."""
    with translated(resource or url), session(ca_bundle, direct=direct) as made:
        # `verify` is said once more: a session's own gives way to REQUESTS_CA_BUNDLE.
        return made.request(method, url, headers=headers, data=form, timeout=request_timeout(), verify=made.verify)


def send_at_first(url: str, *, ca_bundle: Path | None, direct: bool, resource: str) -> requests.Response:
    """A GET of what comes before a run, and has no other retry: without an answer it is tried again for 1.5 s.

    A sandbox that changes hands, from a command that ends to the next one, answers nobody for some 0.3 s.
    """
    for pause in _PAUSES:
        try:
            return send("GET", url, ca_bundle=ca_bundle, direct=direct, resource=resource)
        except Transient:
            time.sleep(pause)
    return send("GET", url, ca_bundle=ca_bundle, direct=direct, resource=resource)


def require_success(answer: requests.Response, resource: str) -> None:
    """Raises the core's error for an answer of 400 and above."""
    if answer.ok:
        return
    code, message = error_body(answer.text)
    raise service_error(
        answer.status_code,
        code or f"http-{answer.status_code}",
        message or f"{answer.url} answered {answer.status_code}",
        resource=resource,
        headers=answer.headers,
    )


def get_json(
    url: str,
    *,
    ca_bundle: Path | None,
    direct: bool,
    headers: dict[str, str] | None = None,
    resource: str = "",
) -> Any:
    """The JSON that a GET answers. Raises the core's errors."""
    return json_of(send("GET", url, ca_bundle=ca_bundle, direct=direct, headers=headers, resource=resource), resource)


def json_of(answer: requests.Response, resource: str) -> Any:
    """What an answer holds. Raises the core's errors."""
    require_success(answer, resource)
    try:
        return answer.json()
    except ValueError as error:
        raise Transient("answer-unreadable", f"the answer of {answer.url} is no JSON", resource=resource) from error
