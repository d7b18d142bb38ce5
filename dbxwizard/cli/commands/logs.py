"""`dbxwizard logs`: what code that ran in an environment has told of itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict

from dbxwizard import telemetry
from dbxwizard.cli import files
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.cli.world import opened
from dbxwizard.core.engine import SystemClock
from dbxwizard.core.result import Status
from dbxwizard.deployed import Deployed
from dbxwizard.parameters import Environment
from dbxwizard.telemetry import Record, Wanted


def run(invocation: Invocation) -> Report:
    environment = files.environment(invocation)
    level = invocation.text("level")
    since = time.time() - telemetry.seconds_of(invocation.text("within"))
    wanted = Wanted(since, invocation.text("commit"), invocation.text("job_run"), level)
    found = asyncio.run(_read(invocation, environment, wanted))
    text = tuple(map(telemetry.line, found)) or ("no record fits",)
    records = [{**asdict(record), "attributes": dict(record.attributes)} for record in found]
    shown = () if invocation.flag("follow") else text
    return Report("logs", invocation.run_id, Status.UNCHANGED, text=shown, extra={"records": records})


async def _read(invocation: Invocation, environment: Environment, wanted: Wanted) -> list[Record]:
    async with opened(invocation, subscription_id=environment.subscription_id) as connection:
        application = await telemetry.application_of(Deployed(environment, connection))
        if not invocation.flag("follow"):
            return await telemetry.read(connection, application, wanted)
        async for records in telemetry.follow(connection, application, wanted, clock=SystemClock()):
            for record in records:
                print(telemetry.line(record), flush=True)
    return []
