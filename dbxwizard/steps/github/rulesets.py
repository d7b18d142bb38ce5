"""Rulesets for the branches that deploy: nothing reaches them but by a pull request whose checks have passed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbxwizard.clients.github_rules import UPGRADE
from dbxwizard.core.errors import Conflict, Forbidden, OperationError
from dbxwizard.core.plan import Action, Change, Inputs, Progress, Reason, Scope, Step
from dbxwizard.core.requests import Host, Request

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient

NO_RULESETS = (
    "Make the repository public, move it to a paid plan (Pro and Team have rulesets), or accept `--no-rulesets`."
)
GITHUB_ACTIONS = 15368  # the id of its app on github.com (api.github.com/apps/github-actions)
_CHECKS = ("Code and parameters", "Plan")
_REQUIRED = "required_status_checks"
_PULL_REQUEST: Mapping[str, object] = {
    "required_approving_review_count": 0,  # a team of one has to be able to merge
    "dismiss_stale_reviews_on_push": False,
    "require_code_owner_review": False,
    "require_last_push_approval": False,
    "required_review_thread_resolution": False,
}
_STATUS_CHECKS: Mapping[str, object] = {
    "strict_required_status_checks_policy": False,
    "do_not_enforce_on_create": True,  # release is made from main, whose commits were checked
}
Json = Mapping[str, Any]


def checks_of(root: Path) -> tuple[str, ...]:
    """The names of the shipped checks that the project's checks.yml has; a check that never runs would bar all."""
    try:
        text = (root / ".github" / "workflows" / "checks.yml").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ()
    named = set(re.findall(r"^ {4}name: (.+?) *$", text, re.MULTILINE))
    return tuple(name for name in _CHECKS if name in named)


class RulesetStep(Step[Json]):
    """Ours for one branch, known by its name. What people added to it stays: rules, checks, approvals, who may bypass.

    `integration`: the app whose checks count, 0 for any. Rulesets of other names are nobody's but theirs.
    """

    scope = Scope.SETUP

    def __init__(
        self,
        client: GitHubClient,
        branch: str,
        checks: Sequence[str],
        *,
        integration: int = GITHUB_ACTIONS,
        needs: Sequence[str] = (),
    ) -> None:
        self.id = f"setup/ruleset/{branch}"
        self.name = f"dbxwizard: {branch}"
        self.title = f"GitHub ruleset for {branch}"
        self.needs = tuple(needs)
        self._client, self._ref, self._checks = client, f"refs/heads/{branch}", tuple(checks)
        self._integration = {"integration_id": integration} if integration else {}

    async def read(self, inputs: Inputs) -> Json | None:
        try:
            return await self._client.rules.find(self.name)
        except Forbidden as refused:
            raise self._not_offered(refused) from refused

    def _not_offered(self, refused: Forbidden) -> OperationError:
        if UPGRADE not in refused.message.lower():
            return refused
        return OperationError(
            "github-no-rulesets",
            f"GitHub has no rulesets for this repository: {refused.message}",
            resource=self.subject,
            fix=NO_RULESETS,
        )

    def diff(self, state: Json | None, inputs: Inputs) -> Change:
        reasons = tuple(self._reasons(state or {}))
        return Change.update(reasons) if state else Change(Action.CREATE, reasons)

    def _reasons(self, found: Json) -> Iterator[Reason]:
        wanted = self._body(found)
        if found.get("enforcement") != "active":
            yield Reason("enforcement", found.get("enforcement"), "active")
        if _names(found) != _names(wanted):
            yield Reason("branches", _listed(_names(found)), _listed(_names(wanted)))
        held = _rules(found)
        for kind, rule in _rules(wanted).items():
            if kind not in held:
                yield Reason(f"rule {kind}", None, _shown(rule))
            elif kind == _REQUIRED and _contexts(held[kind]) != _contexts(rule):
                yield Reason("required checks", _listed(_contexts(held[kind])), _listed(_contexts(rule)))

    def _body(self, found: Json) -> dict[str, Any]:
        """What to send so that all of ours is there, and all that is there stays."""
        held = _rules(found)
        ours: dict[str, Json] = {
            "deletion": {},
            "non_fast_forward": {},
            "pull_request": _PULL_REQUEST,
            **({_REQUIRED: _STATUS_CHECKS} if self._checks else {}),
        }
        made = {kind: {**parameters, **held.get(kind, {})} for kind, parameters in ours.items()}
        if self._checks:
            made[_REQUIRED][_REQUIRED] = self._with_checks(held.get(_REQUIRED, {}).get(_REQUIRED, ()))
        made |= {kind: dict(parameters) for kind, parameters in held.items() if kind not in ours}
        return {
            "name": self.name,
            "target": "branch",
            "enforcement": "active",
            "bypass_actors": [dict(one) for one in found.get("bypass_actors", ())],
            "conditions": {"ref_name": {"include": [self._ref], "exclude": []}},
            "rules": [{"type": kind, **({"parameters": held} if held else {})} for kind, held in made.items()],
        }

    def _with_checks(self, held: Sequence[Json]) -> list[dict[str, Any]]:
        known = {one["context"]: dict(one) for one in held}
        ours = [known.pop(name, {"context": name, **self._integration}) for name in self._checks]
        return [*ours, *known.values()]

    async def apply(
        self, state: Json | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        try:
            if state is None:
                await self._client.rules.create(self._body({}))
            else:
                await self._client.rules.replace(state["id"], self._body(state))
        except Forbidden as refused:
            raise self._not_offered(refused) from refused
        except OperationError as error:
            if state is None and "must be unique" in error.message.lower():  # another run was first
                raise Conflict("github-conflict", error.message, resource=self.subject) from error
            raise
        return {}

    def writes(self, state: Json | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        path = f"/repos/{self._client.name}/rulesets"
        if state is None:
            return (Request("POST", Host.GITHUB, path, f"makes the ruleset {self.name}"),)
        return (Request("PUT", Host.GITHUB, f"{path}/{state['id']}", f"changes the ruleset {self.name}"),)


def _rules(ruleset: Json) -> dict[str, Json]:
    return {rule["type"]: rule.get("parameters") or {} for rule in ruleset.get("rules", ())}


def _names(ruleset: Json) -> tuple[list[str], list[str]]:
    names = (ruleset.get("conditions") or {}).get("ref_name") or {}
    return list(names.get("include") or []), list(names.get("exclude") or [])


def _contexts(parameters: Json) -> list[str]:
    return sorted(one["context"] for one in parameters.get(_REQUIRED, ()))


def _listed(names: object) -> str | None:
    if isinstance(names, tuple):
        include, exclude = names
        return ", ".join([*include, *(f"not {one}" for one in exclude)]) or None
    return ", ".join(map(str, names)) if isinstance(names, list) and names else None


def _shown(parameters: Json) -> str:
    return _listed(_contexts(parameters)) or "required"
