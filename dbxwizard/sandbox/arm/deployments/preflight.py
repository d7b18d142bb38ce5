"""What is refused before anything is deployed: the template, names, rights, and every body that is known.

Three phases, as the service has them: Resource Manager asks for rights, then for types, versions and scopes, then the
providers are asked; each phase reports all that it finds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from dbxwizard.arm_template import Evaluator, TemplateError, contains_unknown
from dbxwizard.sandbox.arm import access, providers, resources, subscriptions
from dbxwizard.sandbox.arm.deployments import failures, records, runtime
from dbxwizard.sandbox.arm.deployments.survey import Planned, survey
from dbxwizard.sandbox.arm.errors import group_not_found
from dbxwizard.sandbox.arm.ids import parse
from dbxwizard.sandbox.arm.model import Caller
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.store import Document

FULL, WITHOUT_RIGHTS, TEMPLATE_ONLY = "Provider", "ProviderNoRbac", "Template"  # levels of validation
# A name that somebody else has shows when the resource is written. Storage accounts are known before.
_ASKED_FOR_CONFLICTS = ("microsoft.storage",)
# These take no part: a role that is not there, or a principal, shows when the assignment is written.
_NOT_ASKED = ("microsoft.authorization",)


@dataclass(frozen=True, slots=True)
class Checked:
    """`evaluator` knows nothing of what is live."""

    evaluator: Evaluator
    planned: tuple[Planned, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(item.id for item in self.planned)


def check(context: Context, stored: Document, run: Document, level: str = FULL, *, replacing: bool = True) -> Checked:
    """All that the deployment would make. ApiError: InvalidTemplate, InvalidTemplateDeployment and what is below it.

    `replacing` False: nested deployments of the same names that run, or are kept elsewhere, are in nobody's way.
    """
    checked = read(context, stored, run)
    look = _Look(context, records.caller_of(run), checked)
    if level == FULL:
        look.rights()
    if level != TEMPLATE_ONLY:
        look.scopes(replacing=replacing)
        look.bodies(stored)
    return checked


def read(context: Context, stored: Document, run: Document) -> Checked:
    """What the template says. ApiError 400 where it can't be read."""
    try:
        evaluator = runtime.evaluator(context, stored, run, live=False)
        checked = Checked(evaluator, tuple(survey(evaluator)))
        if not any(item.closed for item in checked.planned):
            evaluator.outputs()
    except TemplateError as error:
        raise failures.as_api_error(error) from error
    return checked


def register_providers(context: Context, checked: Checked, caller: Caller) -> None:
    """A deployment registers the providers that it names, where its caller may (platform facts, 15)."""
    for item in checked.planned:
        parsed = parse(item.id)
        subscription = parsed.subscription
        if not subscription or providers.state(context.store, subscription, parsed.namespace) == providers.REGISTERED:
            continue
        right = f"{providers.canonical(parsed.namespace)}/register/action"
        if access.refusal_of(context, caller, right, f"/subscriptions/{subscription}") is None:
            providers.register(context, subscription, parsed.namespace)


class _Look:
    def __init__(self, context: Context, caller: Caller, checked: Checked) -> None:
        self._context = context
        self._caller = caller
        self._planned = checked.planned
        self._ids = frozenset(item.lower() for item in checked.ids)

    def rights(self) -> None:
        missing = []
        for item in self._planned:
            refusal = self._refusal(item)
            if refusal is not None and refusal.status == 403:
                missing.append((item.resource.name, item.resource.type, _right(item), item.id))
        if missing:
            raise failures.unauthorized(self._caller, missing)

    def scopes(self, *, replacing: bool) -> None:
        found = [error for item in self._planned for error in self._wrong(item, replacing)]
        if found:
            raise failures.several(found)

    def _wrong(self, item: Planned, replacing: bool) -> Iterator[ApiError]:
        """What Resource Manager itself can tell."""
        refusal = self._refusal(item)
        if refusal is not None and refusal.status != 403:
            yield refusal
        elif item.resource.is_deployment:
            previous = self._context.store.get(records.KIND, item.id.lower()) if replacing else None
            yield from _nested_problems(self._context, item, self._ids, previous)

    def _refusal(self, item: Planned) -> ApiError | None:
        wanted = item.wanted
        try:
            if item.resource.is_deployment:
                parsed = resources.parse_id(item.id)
                subscriptions.require(self._context.store, parsed)
                access.require(self._context, self._caller, f"{records.TYPE}/write", item.id)
            else:
                resources.authorize(self._context, item.id, wanted.api_version, wanted.body, self._caller)
        except ApiError as error:
            return error
        return None

    def bodies(self, stored: Document) -> None:
        problems = [(item.resource.name, error) for item in self._planned for error in self._refused(item)]
        if problems:
            raise failures.refused_by_providers(stored["name"], stored["correlation"], problems)

    def _refused(self, item: Planned) -> Iterator[ApiError]:
        wanted, namespace = item.wanted, parse(item.id).namespace.lower()
        if item.resource.is_deployment or namespace in _NOT_ASKED or contains_unknown(wanted.body):
            return
        try:
            resources.validate(self._context, item.id, wanted.api_version, wanted.body, self._caller, planned=self._ids)
        except ApiError as error:
            if error.code == "ResourceGroupNotFound":
                raise
            if self._comes_with_another(item, error):
                return
            # What the caller may not write is told by `rights`, where it is asked for.
            if error.status != 403 and (error.status != 409 or namespace in _ASKED_FOR_CONFLICTS):
                yield error

    def _comes_with_another(self, item: Planned, error: ApiError) -> bool:
        """A parent that nobody makes, because it is there as soon as its own is: the blob service of an account."""
        above = parse(item.id).parent
        while above is not None and above.key not in self._ids:
            above = above.parent
        return error.code == "ParentResourceNotFound" and above is not None


def _right(item: Planned) -> str:
    if item.resource.is_deployment:
        return f"{records.TYPE}/write"
    return f"{resources.resource_type(parse(item.id)).rights}/write"


def _nested_problems(
    context: Context, item: Planned, planned: Collection[str], previous: Document | None
) -> Iterator[ApiError]:
    """A deployment in a group that is not there, or that would replace one that runs or is kept elsewhere."""
    parsed = parse(item.id)
    group = f"/subscriptions/{parsed.subscription}/resourcegroups/{parsed.group}".lower()
    if parsed.group and group not in planned and not resources.exists(context, group):
        yield group_not_found(parsed.group)
    location = "" if parsed.group else item.wanted.location
    if not parsed.group and not location:
        yield location_missing(item.resource.name)
    else:
        yield from replacement_problems(previous, location)


def location_missing(name: str) -> ApiError:
    return ApiError(
        400,
        "InvalidDeployment",
        f"The 'location' property must be specified for '{name}'. Please see "
        "https://aka.ms/arm-deployment-subscription for usage details.",
    )


def replacement_problems(previous: Document | None, location: str) -> Iterator[ApiError]:
    """Why a deployment can't take the place of `previous`. The name is in capitals as in Azure's own message."""
    if previous is None:
        return
    if previous["state"] == records.RUNNING:
        yield ApiError(409, "DeploymentActive", records.still_active(previous))
    elif previous["location"].lower() != location.lower().replace(" ", ""):
        yield ApiError(
            409,
            "InvalidDeploymentLocation",
            f"Invalid deployment location '{location}'. The deployment '{previous['name'].upper()}' already exists in "
            f"location '{previous['location']}'.",
        )
