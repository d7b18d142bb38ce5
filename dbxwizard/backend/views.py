"""What the backend tells the screens, as plain data that can cross a pipe."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dbxwizard.backend.answers import Answers
from dbxwizard.core.advice import advise
from dbxwizard.core.change import Action
from dbxwizard.core.errors import Forbidden, OperationError

if TYPE_CHECKING:
    from dbxwizard.core.plan import Plan, PlannedStep


@dataclass(frozen=True, slots=True)
class Situation:
    """What lies in the project's folder. `setup_done`: every file has what setup writes into it."""

    root: Path
    sandbox: bool
    read_only: bool
    environments: tuple[str, ...]
    setup_done: bool
    problems: int  # errors in the files, those that setup mends left out
    answers: Answers


@dataclass(frozen=True, slots=True)
class WorkflowsAdapted:
    """Paths of workflows that were written anew for other choices, and of those where somebody changed the same lines:
    theirs stay."""

    written: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts in Azure."""

    name: str
    kind: str  # user or servicePrincipal
    method: str
    tenant_id: str


@dataclass(frozen=True, slots=True)
class GitHubIdentity:
    """Whose token it is. `scopes` is None for a fine-grained token; `lacking`: what setup needs beside them."""

    login: str
    scopes: tuple[str, ...] | None
    lacking: tuple[str, ...]
    expires_at: str


@dataclass(frozen=True, slots=True)
class DeviceCodeShown:
    """Notice `device-code`: enter `code` at `uri` until `expires_at` (epoch seconds)."""

    uri: str
    code: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class StepView:
    """One planned step. `reasons` are texts, `field: before → after`."""

    id: str
    title: str
    resource: str
    environment: str
    action: str
    reasons: tuple[str, ...]
    note: str
    needs: tuple[str, ...]
    known: bool
    not_checked: str
    writes: tuple[str, ...]  # each `METHOD host path: purpose`
    may_not: str = ""

    @classmethod
    def of(cls, planned: PlannedStep) -> StepView:
        step, change = planned.step, planned.change
        return cls(
            step.id,
            step.title,
            step.subject,
            step.environment,
            change.action.value,
            tuple(map(str, change.reasons)),
            change.note,
            step.needs,
            planned.known,
            planned.not_checked,
            tuple(map(str, planned.writes)),
            planned.may_not,
        )

    @property
    def changes(self) -> bool:
        return self.action != Action.NONE and not self.not_checked


@dataclass(frozen=True, slots=True)
class LackingRight:
    """`words`: the right and where it lacks, else what the service said; `fix`: who gives it, and how."""

    words: str
    fix: str

    @classmethod
    def of(cls, error: OperationError) -> LackingRight:
        named = error.right if isinstance(error, Forbidden) else ""
        return cls(named or error.message, advise(error))


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan that the backend holds under `id` until a newer one of its `scope` takes its place.

    `afterwards`: the environments whose plan can be made only once this one is applied; `lacking`: why it may not be.
    """

    id: str
    scope: str  # setup, deploy
    actor: str
    steps: tuple[StepView, ...]
    afterwards: tuple[str, ...] = ()
    lacking: tuple[LackingRight, ...] = ()

    @classmethod
    def of(cls, scope: str, plan: Plan) -> PlanView:
        steps, lacking = map(StepView.of, plan.steps), map(LackingRight.of, plan.obstacles)
        name = f"{scope}-{plan.digest()[:12]}"
        return cls(name, scope, plan.actor, tuple(steps), lacking=tuple(lacking))

    @property
    def changes(self) -> tuple[StepView, ...]:
        return tuple(step for step in self.steps if step.changes)

    @property
    def applicable(self) -> bool:
        """Whether there is something to do, and nothing stands against it."""
        return bool(self.changes) and not self.lacking

    @property
    def environments(self) -> tuple[str, ...]:
        """In the order of the plan; "" is what belongs to none."""
        return tuple(dict.fromkeys(step.environment for step in self.steps))

    def counts(self) -> Counter[str]:
        """How many steps for each action, and `not checked`."""
        return Counter("not checked" if step.not_checked else step.action for step in self.steps)


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events of a run after `number`, as `Event.to_json` gave them; `ended`: there will be no more."""

    events: tuple[dict[str, object], ...]
    number: int
    ended: bool


def is_production(name: str) -> bool:
    """By its name: Production, prod, eu-production; never PreProduction."""
    word = name.lower().replace("_", "-")
    return any(part.startswith("prod") for part in word.split("-")) and "pre-prod" not in word
