"""`dbxwizard host`: the backend of a terminal program, which starts it and talks to it over stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from dbxwizard.backend.frames import Channel
from dbxwizard.backend.host import Notify, serve
from dbxwizard.backend.launch import Launch
from dbxwizard.backend.process import LOG
from dbxwizard.backend.service import Service
from dbxwizard.cli.invocation import Invocation, in_ci, state_folder
from dbxwizard.cli.logs import collected
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import cloud_of, github_token, on_sandbox, tenant_for, variables_for
from dbxwizard.core.result import Status

if TYPE_CHECKING:
    from dbxwizard.clients.cloud import Cloud
    from dbxwizard.core.secret import Secret


def run(invocation: Invocation) -> Report:
    channel = _take_over_streams()
    with collected(invocation.text("log_file") or str(state_folder(invocation.environ) / LOG), detailed=True):
        asyncio.run(_serve(channel, launch(invocation)))
    return Report("host", invocation.run_id, Status.SUCCESS)


def launch(invocation: Invocation) -> Launch:
    """What the options of a call mean for a backend."""

    async def find_token(cloud: Cloud) -> Secret | None:
        return await github_token(cloud, variables_for(cloud, invocation.environ))

    return Launch(
        root=invocation.root,
        state_folder=state_folder(invocation.environ),
        environ=invocation.environ,
        open_cloud=lambda: cloud_of(invocation),
        variables=lambda cloud: variables_for(cloud, invocation.environ),
        find_github_token=find_token,
        tenant=lambda cloud: tenant_for(cloud, invocation, variables_for(cloud, invocation.environ)),
        sign_in=invocation.text("sign_in"),
        ref=invocation.text("ref"),
        sandbox=on_sandbox(invocation),
        read_only=invocation.flag("read_only"),
        ci=in_ci(invocation.environ),
    )


def _take_over_streams() -> Channel:
    """The pipes for the program alone: whatever a library prints or reads must not fall into them."""
    channel = Channel(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(sys.stderr.fileno(), 1)
    return channel


async def _serve(channel: Channel, start: Launch) -> None:
    loop = asyncio.get_running_loop()

    def make(notify: Notify) -> Service:
        service = Service(start, notify)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, service.cancel_all)
        return service

    await serve(channel, make)
