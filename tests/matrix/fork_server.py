"""The parent that has everything loaded; each command runs in a child forked from it."""

from __future__ import annotations

import gc
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from tests.matrix.remote import serve

_PACKAGES = ("dbxwizard.core", "dbxwizard.clients", "dbxwizard.steps", "dbxwizard.cli", "dbxwizard.cli.commands")
# What the clients and the SDKs load when it is first used.
_LATE = (
    "asyncio",
    "azure.core.pipeline.transport._requests_basic",
    "azure.core.rest._aiohttp",
    "azure.core.rest._requests_basic",
    "azure.identity",
    "azure.mgmt.core.polling.async_arm_polling",
    "azure.mgmt.resource.deployments.aio",
    "azure.mgmt.resource.resources.aio",
    "concurrent.futures.thread",
    "dbxwizard.sandbox.session",
    "encodings.cp437",
    "encodings.utf_8_sig",
    "msal_extensions",
    "sqlite3",
    "xml.etree.ElementTree",
)
_PATIENCE = 120.0  # seconds after which a child counts as hanging
_started: dict[int, int] = {}  # process id -> where it waits for the word


def _load() -> None:
    for package in map(import_module, _PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    for name in _LATE:
        import_module(name)
    gc.collect()
    gc.freeze()  # so that no collection in a child copies the pages of what is loaded


def start(
    arguments: Sequence[str], folder: str, environ: Mapping[str, str], output: str, request_timeout: int | None
) -> int:
    """Forks a child that waits; the id of its process."""
    waiting, word = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(word)
        _become(arguments, folder, environ, output, request_timeout, waiting)
    os.close(waiting)
    _started[pid] = word
    return pid


def _become(
    arguments: Sequence[str],
    folder: str,
    environ: Mapping[str, str],
    output: str,
    request_timeout: int | None,
    waiting: int,
) -> None:
    code = 99
    try:
        _redirect(output)
        os.chdir(folder)
        for name in [name for name in os.environ if name in ("CI", "GITHUB_ACTIONS", "GH_TOKEN")]:
            del os.environ[name]
        os.environ.update(environ)
        os.read(waiting, 1)
        code = _run(arguments, request_timeout)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(output: str) -> None:
    for stream, name in ((0, os.devnull), (1, f"{output}.out"), (2, f"{output}.err")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), stream)


def _run(arguments: Sequence[str], request_timeout: int | None) -> int:
    from dbxwizard.cli import main
    from dbxwizard.clients import timeouts
    from dbxwizard.core import clock

    clock.set_testing(True)
    timeouts.set_testing(request_timeout)
    return main.run(arguments)


def go(pid: int) -> None:
    os.write(_started[pid], b"1")
    os.close(_started.pop(pid))


def wait(pid: int) -> dict[str, Any]:
    """The exit code, or the negative number of the signal that ended it; what it printed is in the files."""
    deadline = time.monotonic() + _PATIENCE
    hung = False
    while True:
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if ended:
            return {
                "code": os.waitstatus_to_exitcode(status),
                "hung": hung,
                "cpu": used.ru_utime + used.ru_stime,
            }
        if time.monotonic() > deadline:
            hung = True
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


if __name__ == "__main__":
    _load()
    serve({"start": start, "go": go, "wait": wait})
