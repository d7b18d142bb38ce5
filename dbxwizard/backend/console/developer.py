"""The operations of the mode Dev: this machine beside an environment, its code on the environment's cluster."""

from __future__ import annotations

import asyncio
import shlex
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from dbxwizard.backend.console.developer_views import (
    TOPIC,
    ChangeShown,
    CheckTold,
    DeveloperLine,
    MachineChecked,
    PushShown,
    ScriptEnd,
    SetupShown,
    SyncShown,
)
from dbxwizard.core.errors import OperationError, UsageError

if TYPE_CHECKING:
    from dbxwizard.backend.host import Notify
    from dbxwizard.backend.launch import Launch
    from dbxwizard.clients.databricks import WorkspaceClient
    from dbxwizard.core.clock import Clock
    from dbxwizard.deployed import Deployed
    from dbxwizard.dev.one_time_runs import RunEnd
    from dbxwizard.dev.setup import Change, SetupPlan
    from dbxwizard.dev.target import Target
    from dbxwizard.parameters.model import Environment
    from dbxwizard.steps.connection import Connection

_SCRIPTS = ("*.py", "*.ipynb")


class DeveloperOperations(ABC):
    """What `Service` offers to the mode Dev. `_developer_plans`: that which was shown last, by its id."""

    _launch: Launch
    _notify: Notify
    _clock: Clock
    _developer_plans: dict[str, Any]

    @abstractmethod
    async def connection(self) -> Connection: ...

    @abstractmethod
    async def _environment(self, name: str) -> Environment: ...

    @abstractmethod
    async def _deployed(self, environment: str) -> Deployed: ...

    @abstractmethod
    async def _workspace(self, environment: str) -> WorkspaceClient: ...

    @abstractmethod
    def _require_writable(self) -> None: ...

    def _teller(self, asked: str) -> Callable[[str], None]:
        return lambda text: self._notify(TOPIC, DeveloperLine(asked, text))

    def _failure_teller(self, asked: str) -> Callable[[OperationError], None]:
        return lambda error: self._notify(TOPIC, DeveloperLine(asked, f"✗ {error.code}: {error.message}"))

    async def _target(self, environment: str, cluster: str) -> Target:
        from dbxwizard.dev.target import find_target

        return await find_target(await self._deployed(environment), cluster)

    def _hold_developer_plan(self, plan: object) -> str:
        key = uuid.uuid4().hex
        self._developer_plans = {key: plan}
        return key

    def _take_developer_plan(self, key: str) -> Any:
        if key not in self._developer_plans:
            raise OperationError("plan-outdated", "a newer plan was made", resource=key, fix="Look at the newer one.")
        return self._developer_plans.pop(key)

    async def developer_clusters(self, *, environment: str) -> tuple[tuple[str, str], ...]:
        """Name and state of each cluster that code may run on."""
        found = await (await self._workspace(environment)).clusters()
        return tuple(sorted((str(one.get("cluster_name", one["cluster_id"])), str(one["state"])) for one in found))

    # this machine

    async def plan_machine(self, *, environment: str, cluster: str = "", auth: str = "oauth") -> SetupShown:
        """What `dev setup` would change here; nothing is written. `auth`: oauth or token."""
        from dbxwizard.dev import setup
        from dbxwizard.dev.profiles import config_for

        launch = self._launch
        config = config_for(launch.environ, launch.state_folder, sandbox=launch.sandbox)
        wish = setup.Wish(launch.root, config, launch.environ, auth, cluster)
        facts = await setup.read_facts(wish, await self._deployed(environment))
        plan = await setup.plan(wish, facts)
        return _setup_shown(self._hold_developer_plan(plan), plan)

    async def set_up_machine(self, *, plan: str, asked: str) -> int:
        """Makes the changes as they were shown; how many. What it does is told as notices `developer`."""
        from dbxwizard.dev import setup

        self._require_writable()
        made, tell = self._take_developer_plan(plan), self._teller(asked)
        await setup.apply(made, tell, lambda change: tell(f"wrote {change.name}"))
        return len(made.changes)

    async def check_machine(self, *, environment: str, start: bool, asked: str) -> MachineChecked:
        """As `dev check`; each check that has ended is a notice `developer`. `start`: the cluster that stands still."""
        from dbxwizard.dev.checking import Request, State, examine

        still = [""]

        async def may_start(cluster: str) -> bool:
            still[0] = "" if start else cluster
            return start

        failed = 0
        request = Request(self._launch.root, self._launch.environ, may_start)
        async with aclosing(examine(request, await self._deployed(environment), self._clock)) as checks:
            async for check in checks:
                failed += check.state is State.FAILED
                if check.state is not State.RUNNING:
                    told = CheckTold(asked, check.name, str(check.state), check.found, check.fix)
                    self._notify(TOPIC, told)
        return MachineChecked(failed, still[0])

    # its code on the cluster

    async def plan_push(self, *, environment: str, cluster: str = "") -> PushShown:
        """Compares the working tree's projects with what the cluster has."""
        from dbxwizard.dev.pushing import look

        target = await self._target(environment, cluster)
        plan = await look(target)
        key = self._hold_developer_plan((target, plan))
        names = tuple(one.name for one in plan.projects)
        return PushShown(key, plan.cluster, plan.state, names, plan.unchanged, plan.starts, plan.restarts)

    async def push_code(self, *, plan: str, asked: str) -> tuple[str, ...]:
        """What is on the cluster then, a line for each project."""
        from dbxwizard.dev.pushing import push

        self._require_writable()
        target, made = self._take_developer_plan(plan)
        pushed = await push(target, made, clock=self._clock, tell=self._teller(asked))
        return tuple(f"{one.name} {one.version} is on cluster {made.cluster}" for one in pushed)

    async def push_on_save(self, *, environment: str, cluster: str = "", asked: str) -> None:
        """A push at once and after each save, starts and restarts of the cluster agreed to, until it is withdrawn."""
        from dbxwizard.dev import watching
        from dbxwizard.dev.pushing import look, push, sources

        self._require_writable()
        target, tell = await self._target(environment, cluster), self._teller(asked)
        projects = sources(target)

        async def act() -> None:
            plan = await look(target)
            if not plan.unchanged:
                for one in await push(target, plan, clock=self._clock, tell=tell):
                    tell(f"✓ {one.name} {one.version} is on cluster {plan.cluster}")

        await watching.on_each_save(
            lambda: watching.fingerprint(projects), self._clock, act, self._failure_teller(asked)
        )

    # its files in the workspace

    async def plan_sync(self, *, environment: str) -> SyncShown:
        """Which folders would be kept the same."""
        from dbxwizard.dev.syncing import sync_of

        state_folder = self._launch.state_folder
        given = await sync_of(await self._workspace(environment), self._launch.root.resolve(), "", state_folder)
        return SyncShown(self._hold_developer_plan(given), str(given.folder), given.remote)

    async def sync_folders(self, *, plan: str, on_save: bool, asked: str) -> tuple[str, ...]:
        """What came of it, in words; `on_save`: again for each save, told as notices, until it is withdrawn."""
        from dbxwizard.dev.syncing import sync, sync_on_save

        self._require_writable()
        given, tell = self._take_developer_plan(plan), self._teller(asked)
        if on_save:
            await sync_on_save(
                given, self._clock, lambda done: tell("; ".join(done.told())), self._failure_teller(asked), tell
            )
        return (await sync(given, tell)).told()

    # its scripts on the cluster

    async def scripts(self, *, environment: str) -> tuple[str, ...]:
        """Scripts and notebooks that lie at hand: in the project's folder, and the examples of its projects."""
        found = await self._environment(environment)
        return await asyncio.to_thread(lambda: tuple(_scripts(found)))

    async def run_script(
        self, *, environment: str, script: str, words: str, asked: str, cluster: str = ""
    ) -> ScriptEnd:
        """Runs it on the cluster, to its end; withdrawn, the run is cancelled. `words` as a shell splits them."""
        from dbxwizard.dev.running import find_script, read_script, run_script

        self._require_writable()
        given = _split(words)
        read = await read_script(find_script(script, await self._environment(environment)))
        target = await self._target(environment, cluster)
        return _script_end(await run_script(target, read, given, clock=self._clock, tell=self._teller(asked)))


def _setup_shown(key: str, plan: SetupPlan) -> SetupShown:
    cluster = str(plan.target.cluster.get("cluster_name", plan.target.cluster_id))
    changes = tuple(map(_change_shown, plan.changes))
    return SetupShown(key, plan.runtime, plan.python.version, cluster, changes, plan.notes)


def _change_shown(change: Change) -> ChangeShown:
    diff = tuple(change.diff()) if change.yours else ()
    return ChangeShown(change.action, change.name, tuple(change.reasons), change.yours, diff)


def _split(words: str) -> list[str]:
    try:
        return shlex.split(words)
    except ValueError as error:
        raise UsageError(
            "option-invalid", f"{words!r} can't be split into words: {error}", fix="Close the quotation marks."
        ) from error


def _scripts(environment: Environment) -> Iterator[str]:
    root = environment.root
    folders = (root, *(root / wheel.project / "examples" for wheel in environment.wheels))
    for folder in dict.fromkeys(folders):
        for pattern in _SCRIPTS:
            yield from sorted(str(path.relative_to(root)) for path in folder.glob(pattern) if path.is_file())


def _script_end(end: RunEnd) -> ScriptEnd:
    result = () if end.result is None else (end.result,)
    return ScriptEnd(
        end.run_id,
        end.state,
        end.url,
        end.seconds,
        end.exit_code,
        (*end.output.splitlines(), *result),
        end.truncated,
        end.error,
        tuple(end.trace.splitlines()),
    )
