"""The operations that the screens can ask for: thin, each in the words of what it is for.

Every public coroutine method may be called from the other process, by keyword; all raise OperationError.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dbxwizard.backend import project
from dbxwizard.backend.answers import AnswerFile, Answers
from dbxwizard.backend.asked_token import AskedToken
from dbxwizard.backend.console.developer import DeveloperOperations
from dbxwizard.backend.console.github_runs import GitHubRunOperations, RunDesk
from dbxwizard.backend.console.operations import ConsoleOperations
from dbxwizard.backend.host import Notify
from dbxwizard.backend.launch import Launch
from dbxwizard.backend.runs import Runs, journal_key
from dbxwizard.backend.session import Session, identity
from dbxwizard.backend.views import (
    DeviceCodeShown,
    EventBatch,
    GitHubIdentity,
    Identity,
    PlanView,
    Situation,
    WorkflowsAdapted,
)
from dbxwizard.backend.wizard.operations import WizardOperations
from dbxwizard.core.clock import Clock, SystemClock
from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.core.journal import JournalRun
from dbxwizard.core.plan import Plan, Step, load_saved, make_plan
from dbxwizard.core.plan_markdown import plan_markdown
from dbxwizard.core.result import Status
from dbxwizard.core.secret import Secret

if TYPE_CHECKING:
    from dbxwizard.backend.pick_lists import PickList
    from dbxwizard.backend.wizard.summary_views import SummaryText
    from dbxwizard.doctor import Check
    from dbxwizard.parameters import Environment
    from dbxwizard.steps.connection import Connection
    from dbxwizard.steps.setup_options import SetupOptions


_CHOOSE = "Choose one in the wizard, page Sign in."


_LOG = logging.getLogger(__name__)


class Service(ConsoleOperations, DeveloperOperations, GitHubRunOperations, WizardOperations):
    """`clock`: by which the background looks are paced; tests have their own."""

    def __init__(self, launch: Launch, notify: Notify, clock: Clock | None = None) -> None:
        super().__init__(launch, notify, clock)
        self._answers = AnswerFile(launch.state_folder, launch.root)
        self._session = Session(launch, notify, self._answers, self._subscription)
        self._plans: dict[str, tuple[PlanView, Plan]] = {}
        self._runs: dict[str, Runs] = {}
        self._desk = RunDesk()
        self._developer_plans = {}
        self._proofs: set[asyncio.Task[None]] = set()
        self._git_token = AskedToken(lambda repository: notify("git-token", repository))

    async def close(self, *, detach: bool) -> None:
        await self._board.close()
        for runs in self._runs.values():
            if not detach:
                runs.cancel_all()
            await runs.wait()
        for proof in self._proofs:
            if not detach:
                proof.cancel()
        await asyncio.gather(*self._proofs, return_exceptions=True)
        for runs in self._runs.values():
            runs.close()
        await self._session.close()

    def cancel_all(self) -> None:
        """What a signal asks for."""
        for runs in self._runs.values():
            runs.cancel_all()

    # the project

    async def situation(self) -> Situation:
        return await asyncio.to_thread(self._situation)

    def _situation(self) -> Situation:
        loaded = project.loaded_files(self._launch.root)
        wrong = [one for one in loaded.problems if one.severity == "error"]
        drafts = [file.draft for file in loaded.files if file.draft]
        return Situation(
            root=self._launch.root,
            sandbox=self._launch.sandbox,
            read_only=self._launch.read_only,
            environments=tuple(file.draft.name if file.draft else file.document.path.stem for file in loaded.files),
            setup_done=bool(drafts) and not any(one.code == "placeholder" for one in wrong),
            problems=sum(one.code not in ("placeholder", "no-files") for one in wrong),
            answers=self._answers.read(),
        )

    async def keep_answers(self, *, answers: Answers) -> None:
        """In the loop itself, a millisecond: so answers reach the disk in their order, and leaving cuts none off."""
        self._answers.write(answers)

    async def write_project(self) -> tuple[str, ...]:
        """Writes the files that the folder lacks; returns their paths."""
        from dbxwizard.backend.project_files import write_missing
        from dbxwizard.backend.workflows.files import Choices
        from dbxwizard.backend.workflows.sandbox_install import take_from_sandbox
        from dbxwizard.clients.cloud import is_enterprise_server

        self._require_writable()
        answers, cloud = self._answers.read(), await self._session.cloud()
        server = not cloud.is_sandbox and is_enterprise_server(cloud.github_web)
        choices = Choices(answers.auth, answers.github_environments, server)
        written, _ = await asyncio.to_thread(write_missing, self._launch.root, choices=choices)
        await asyncio.to_thread(take_from_sandbox, self._launch.root, cloud)
        return tuple(written)

    async def adapt_workflows(self) -> WorkflowsAdapted:
        """Writes the workflows anew where they are for other choices than were decided; not with `read_only`."""
        from dbxwizard.backend.workflows.sandbox_install import take_from_sandbox
        from dbxwizard.backend.workflows.update import adapt

        answers = self._answers.read()
        if self._launch.read_only:
            return WorkflowsAdapted()
        made = await asyncio.to_thread(adapt, self._launch.root, answers.auth, answers.github_environments)
        await asyncio.to_thread(take_from_sandbox, self._launch.root, await self._session.cloud())
        written = tuple(update.path for update in made if update.changes)
        return WorkflowsAdapted(written, tuple(update.path for update in made if update.conflicts))

    # who acts, and on what

    async def sign_in(self, *, method: str = "", tenant: str = "") -> Identity:
        """Signs in anew, by `method` or as the program was told; a device code is told as a notice."""
        return await self._session.sign_in(method, tenant)

    async def identity(self) -> Identity | None:
        """Who acts; None where somebody has to sign in first."""
        connection = await self._session.at_hand()
        return identity(connection) if connection else None

    async def approve_device_code(self, *, shown: DeviceCodeShown) -> None:
        """On the sandbox alone."""
        await self._session.approve(shown)

    async def use_github_token(self, *, token: str) -> GitHubIdentity:
        """Takes `token` for GitHub, checked at once; "" looks for one where tokens lie."""
        return await self._session.use_github_token(token)

    async def connection(self) -> Connection:
        return await self._session.connection()

    def _subscription(self) -> str:
        filled = (one.subscription_id for one in project.readable(self._launch.root) if one.subscription_id)
        return self._answers.read().subscription or next(filled, "")

    def _chosen_subscription(self) -> str:
        found = self._subscription()
        if not found:
            raise UsageError("decision-missing", "no subscription is chosen yet", fix=_CHOOSE)
        return found

    def _chosen_repository(self) -> str:
        found = self._repository()
        if not found:
            raise UsageError("decision-missing", "no repository is chosen yet", fix=_CHOOSE)
        return found

    def _repository(self) -> str:
        from dbxwizard.steps.identity.principals import repository_of

        named = (name for name in map(repository_of, project.readable(self._launch.root)) if name)
        return self._answers.read().repo or next(named, "")

    # what there is and will be

    async def doctor(self, *, part: str = "") -> list[Check]:
        """Every check, or those of one part."""
        from dbxwizard import doctor

        ready = [one for one in project.readable(self._launch.root) if one.subscription_id]
        return await doctor.examine(
            await self.connection(), self._chosen_subscription(), self._repository(), ready, only=part
        )

    async def summary(self) -> SummaryText:
        from dbxwizard.backend.wizard.summary import summary
        from dbxwizard.backend.wizard.summary_markdown import summary_markdown
        from dbxwizard.backend.wizard.summary_views import SummaryText

        found = await summary(await self.connection(), self._setup_options(), self._drafts())
        return SummaryText(found, summary_markdown(found))

    def _drafts(self) -> tuple[Environment, ...]:
        return project.drafts(self._launch.root)

    async def pick_list(self, *, kind: str, environment: str, text: str = "") -> PickList:
        """What a field of a parameter file can be: one of parameters.editing.choices.LIVE_KINDS, live if possible.

        `text`: what was written so far, where there are too many for one list.
        """
        from dbxwizard.backend.pick_lists import PickLists

        drafts = project.readable(self._launch.root)
        return await PickLists(await self._session.at_hand(), drafts).read(kind, environment, text)

    # plans and runs

    async def plan_next(self) -> PlanView:
        """What the wizard does next: setup while it would change something, then the deployment of everything."""
        setup = await self.plan_setup()
        if not (setup.changes or setup.lacking):
            return await self.plan_deploy()
        return replace(setup, afterwards=tuple(one.name for one in project.drafts(self._launch.root)))

    async def plan_setup(self, *, only: str = "") -> PlanView:
        """With `only` limited to that step and those that wait for it."""
        from dbxwizard.steps.setup_plan import setup_steps

        with self._git_token.forgotten_if_refused():
            steps = await setup_steps(self._setup_options(), self._drafts(), await self.connection())
        return self._hold("setup", await self._plan(steps, only))

    def _setup_options(self) -> SetupOptions:
        from dbxwizard.steps.setup_github import wait_minutes
        from dbxwizard.steps.setup_options import SetupOptions

        answers = self._answers.read()
        token = self._launch.environ.get("PAT_GITHUB", "")
        return SetupOptions(
            subscription_id=self._chosen_subscription(),
            repository=self._chosen_repository(),
            auth=answers.auth,
            isolation=answers.isolation,
            owner=answers.owner,
            main_name=answers.main_spn_name,
            databricks_name=answers.databricks_spn_name,
            plan_name=answers.plan_spn_name,
            role_name=answers.role_name,
            adopt=answers.adopt,
            publish=answers.publish,
            github_environments=answers.github_environments,
            approval=answers.approval,
            rulesets=answers.rulesets,
            reviewers=answers.reviewers,
            wait_minutes=wait_minutes(answers.wait_minutes),
            git_token=Secret(token) if token else self._git_token.value,
            ask_git_token=self._git_token.ask,
        )

    async def give_git_token(self, *, token: str) -> None:
        """PAT_GITHUB, with which Databricks reads a private repository, as notice `git-token` asks; "" gives none."""
        self._git_token.give(token)

    async def plan_deploy(self, *, environments: tuple[str, ...] = (), only: str = "") -> PlanView:
        """With `only` limited to that step and those that wait for it."""
        return self._hold("deploy", await self._deploy_plan(environments, only))

    async def _deploy_plan(self, environments: Sequence[str], only: str = "") -> Plan:
        from dbxwizard.steps.deploy_plan import DeployOptions, checked_out, deploy_steps
        from dbxwizard.steps.git_ref import GitRef

        launch = self._launch
        chosen = project.environments(launch.root, environments, ci=launch.ci)
        ref = GitRef.parse(launch.ref) if launch.ref else checked_out(launch.root, launch.environ)
        options = DeployOptions(ref, environ=launch.environ)
        return await self._plan(await deploy_steps(options, chosen, await self.connection()), only)

    async def _plan(self, steps: tuple[Step[Any], ...], only: str) -> Plan:
        connection = await self.connection()
        actor = connection.signed_in.label
        plan = await make_plan(steps, listener=lambda _: None, clock=SystemClock(), actor=actor, lenient=True)
        return plan.limited_to(only) if only else plan

    def _hold(self, scope: str, plan: Plan) -> PlanView:
        """Keeps the plan until a newer one of its scope takes its place."""
        view = PlanView.of(scope, plan)
        self._plans = {key: held for key, held in self._plans.items() if held[0].scope != scope}
        self._plans[view.id] = (view, plan)
        return view

    async def plan_text(self, *, plan: str, form: str) -> str:
        """The plan as `markdown`, or as the `json` that `dbxwizard deploy --plan` takes."""
        _, made = self._held(plan)
        return plan_markdown(made) if form == "markdown" else json.dumps(made.to_json(), indent=2)

    def _held(self, plan: str) -> tuple[PlanView, Plan]:
        if plan not in self._plans:
            raise OperationError("plan-outdated", "a newer plan was made", resource=plan, fix="Look at the newer one.")
        return self._plans[plan]

    async def apply(self, *, plan: str) -> str:
        """Begins to apply the plan with this id, as it was shown; returns the run's id. Raises what forbids it."""
        self._require_writable()
        view, made = self._held(plan)
        made.require_rights()
        del self._plans[plan]
        if view.scope == "setup" and self._answers.read().auth == "secret":
            return await self._apply_in_turn(made)
        return self._proved_later(view.scope, (await self._history()).start(made, view.scope))

    def _proved_later(self, scope: str, run_id: str) -> str:
        """A setup that changes something ends with the proof that the jobs can sign in; the last page shows it."""
        if scope == "setup" and self._answers.read().publish and not self._launch.environ.get("DBXWIZARD_NO_PROOF"):
            self._proofs.add(task := asyncio.create_task(self._prove(run_id)))
            task.add_done_callback(self._proofs.discard)
        return run_id

    async def _prove(self, run_id: str) -> None:
        from dbxwizard.runs.proof import begin

        try:
            result = await (await self._history()).result(run_id)
            if result and result.status is Status.SUCCESS:
                await begin(await self.connection(), self._chosen_repository(), SystemClock())
        except OperationError as error:
            _LOG.warning("the proof of the sign-in was not begun: %s", error)

    async def _apply_in_turn(self, shown: Plan) -> str:
        """Setup with client secrets: alone, and only while the world is as it was shown."""
        from dbxwizard.backend.turns import setup_turn
        from dbxwizard.steps.setup_plan import setup_steps

        options, runs = self._setup_options(), await self._history()
        turn = ExitStack()
        turn.enter_context(await asyncio.to_thread(setup_turn, self._launch.state_folder, options, lambda: None))
        try:
            fresh = await self._plan(await setup_steps(options, self._drafts(), await self.connection()), "")
            fresh.require_rights()
            fresh.require_same(load_saved(json.dumps(shown.to_json())))
            return self._proved_later("setup", runs.start(fresh, "setup", ended=turn.close))
        except BaseException:
            turn.close()
            raise

    async def events(self, *, run: str, after: int = 0) -> EventBatch:
        return await (await self._history()).events(run, after)

    async def finished(self, *, run: str) -> str:
        """Waits for the end of a run that this backend makes; its status."""
        result = await (await self._history()).result(run)
        return result.status.value if result else ""

    async def cancel(self, *, run: str) -> None:
        """Once: nothing new starts. Twice: it stops at once."""
        self._require_writable()
        (await self._history()).cancel(run)

    async def history(self, *, limit: int = 50) -> tuple[JournalRun, ...]:
        return await asyncio.to_thread((await self._history()).history, limit)

    async def _history(self) -> Runs:
        tenant = (await self.connection()).signed_in.tenant_id
        key = journal_key(tenant, self._subscription(), self._repository())
        if key not in self._runs:
            self._runs[key] = Runs(self._launch.state_folder / "runs" / key)
        return self._runs[key]
