"""What a plan foretells is what its run sends: each write is foretold, and each that is not optional is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest

from dbxwizard import steps
from dbxwizard.core.engine import SystemClock, run
from dbxwizard.core.plan import make_plan
from dbxwizard.core.step import Step
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.github.publish import PublishStep
from dbxwizard.steps.setup_plan import PUBLISHED
from tests.backend.looking import look
from tests.driving import dbxwizard
from tests.road.drift_deploy import DEPLOY
from tests.road.drift_setup import SETUP
from tests.road.drifting import Drift, rounds
from tests.roads import Outcome, Road

GIVEN = ("--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)


@dataclass(frozen=True)
class Foretold:
    """One request as a saved plan has it."""

    method: str
    host: str
    path: str
    optional: bool

    def is_it(self, write: str) -> bool:
        method, host, path = write.split(" ", 2)
        own = path.removeprefix("/api/v3") if host == "github" else path
        return (method, host.split(":")[0]) == (self.method, self.host) and bool(re.fullmatch(self.pattern, own))

    @property
    def pattern(self) -> str:
        parts = re.split(r"(\{\+?\w+\})", self.path)
        placeholder = {True: r".+", False: r"[^/]+"}
        return "".join(placeholder[one.startswith("{+")] if one.startswith("{") else re.escape(one) for one in parts)


def foretold(plan: dict[str, Any]) -> list[Foretold]:
    """Those whose path is known come first, so that a placeholder does not take their place."""
    found = [
        Foretold(write["method"], write["host"], write["path"], write["optional"])
        for step in plan["steps"]
        if step["action"] != "none"
        for write in step["writes"]
    ]
    return sorted(found, key=lambda one: (one.optional, one.path.count("{")))


def check(road: Road, plan: tuple[str, ...], act: Callable[[], Outcome], **environ: str) -> list[str]:
    """Plans, runs, and holds one against the other; the writes."""
    planned = road.run("plan", *plan, **environ)
    assert planned.code == 0, planned.out
    expected = foretold(planned.report["plan"])
    assert all(not step["writes"] for step in planned.report["plan"]["steps"] if step["action"] == "none")
    before = len(road.writes())
    outcome = act()
    assert outcome.code == 0, outcome.out + outcome.err
    made = road.writes()[before:]
    for write in made:
        fitting = next((one for one in expected if one.is_it(write)), None)
        assert fitting is not None, f"{write} was not foretold"
        if not fitting.optional:
            expected.remove(fitting)
    assert [one for one in expected if not one.optional] == []
    return made


def happen(road: Road, drifts: list[Drift]) -> None:
    for drift in drifts:
        with road.change() as store:
            drift.happen(store)


@pytest.mark.parametrize(
    "options", [(), ("--auth", "secret"), ("--isolation", "environment")], ids=lambda one: one[-1:]
)
def test_setup_sends_what_its_plan_foretold(fresh: Road, options: tuple[str, ...]) -> None:
    plan = ("--scope", "setup", *GIVEN, *options)
    assert len(check(fresh, plan, lambda: fresh.setup(*options))) > 50
    assert check(fresh, plan, lambda: fresh.setup(*options)) == []


def test_setup_sends_what_its_plan_foretold_for_what_drifted(set_up: Road) -> None:
    apart = {"role assignment", "GitHub environment"}  # they change what others of them are about
    happen(set_up, [one for one in rounds(SETUP)[0] if one.name not in apart])
    (set_up.folder / "README.md").write_text("another\n", "utf-8")
    made = check(set_up, ("--scope", "setup", *GIVEN), set_up.setup)
    assert any(write.endswith("/pulls") for write in made)


def test_setup_foretells_that_files_which_it_still_fills_in_have_to_be_proposed(fresh: Road) -> None:
    """Somebody has pushed them as `init` wrote them."""

    async def push(connection: Connection) -> None:
        step = PublishStep(connection.github(REPOSITORY), fresh.folder, PUBLISHED, needs=())
        plan = await make_plan([step], listener=lambda _: None, clock=SystemClock(), actor="somebody")
        await run(plan, listener=lambda _: None, clock=SystemClock())

    look(fresh, push)
    made = check(fresh, ("--scope", "setup", *GIVEN), fresh.setup)
    assert any(write.endswith("/pulls") for write in made)
    assert fresh.setup().report["status"] == "unchanged"


def test_setup_foretells_a_client_secret_that_takes_the_place_of_another(fresh: Road) -> None:
    assert fresh.setup("--auth", "secret").code == 0
    with fresh.change() as store:
        key, body = next(
            (key, body) for key, body in store.find("github.secret") if key.endswith("uat/ARM_CLIENT_SECRET")
        )
        store.put("github.secret", key, {**body, "updatedAt": body["updatedAt"] + 3600})
    plan = ("--scope", "setup", *GIVEN, "--auth", "secret")
    made = check(fresh, plan, lambda: fresh.setup("--auth", "secret"))
    assert {write.rsplit("/", 1)[-1] for write in made if "graph" in write} == {"addPassword", "removePassword"}


def test_a_person_sends_what_the_plan_of_deploy_foretold(set_up: Road) -> None:
    check(set_up, ("-e", "Development"), lambda: set_up.deploy("-e", "Development"))


def test_a_job_sends_what_the_plan_of_deploy_foretold(set_up: Road) -> None:
    job = set_up.job("UAT")
    check(set_up, ("-e", "UAT"), lambda: set_up.deploy("-e", "UAT", **job), **job)


def test_deploy_sends_what_its_plan_foretold_for_what_drifted(deployed: Road) -> None:
    happen(deployed, rounds(DEPLOY)[0])
    check(deployed, ("-e", "Development"), lambda: deployed.deploy("-e", "Development"))


def test_a_plan_in_detail_shows_the_requests(set_up: Road) -> None:
    asked = ("plan", "--sandbox", "-e", "Development", "--output", "text")
    short = dbxwizard(*asked, cwd=set_up.folder)
    detailed = dbxwizard(*asked, "--verbose", cwd=set_up.folder)
    line = "      > POST Databricks /api/2.2/jobs/create: makes the job"
    assert (short.returncode, detailed.returncode) == (0, 0)
    assert line not in short.stdout
    assert line in detailed.stdout


def test_every_step_says_what_it_writes() -> None:
    """All but those that are never applied, and the one that writes files on this machine alone."""
    for module in walk_packages(steps.__path__, "dbxwizard.steps."):
        import_module(module.name)
    every: type = Step  # an abstract class is no type[Step] to mypy
    silent = {step.__name__ for step in _below(every) if step.__module__.startswith("dbxwizard.") and _is_silent(step)}
    assert silent == {"WorkspaceStep", "_Unknown", "LeftToPerson", "Refused", "AfterSetup", "ParameterFilesStep"}


def _below(kind: type[Step[Any]]) -> set[type[Step[Any]]]:
    return {kind} - {Step} | {one for direct in kind.__subclasses__() for one in _below(direct)}


def _is_silent(step: type[Step[Any]]) -> bool:
    return step.writes is Step.writes
