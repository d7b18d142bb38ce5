"""What setup makes lets in the jobs that the workflows have, and no others: by the rules of GitHub's environments, and
by the trust of the applications."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dbxwizard.backend.workflows.files import Choices, rendered
from dbxwizard.sandbox.actions.workflows import events
from dbxwizard.sandbox.actions.workflows.events import Event
from dbxwizard.sandbox.actions.workflows.started_runs import Assumed
from dbxwizard.sandbox.actions.workflows.starting import started
from dbxwizard.sandbox.github import subjects
from dbxwizard.sandbox.github.seed import REPOSITORY
from tests.roads import Road
from tests.workflows.conftest import INSTALL
from tests.workflows.test_branching import TABLE, TAGGED

FULL, ONE, DRIFT = (f".github/workflows/{name}.yml" for name in ("full-deployment", "deploy", "drift"))
NAMES = ("Development", "UAT", "PreProduction", "Production")
MAIN, RELEASE, TAG, OTHER = "refs/heads/main", "refs/heads/release", "refs/tags/v2", "refs/heads/feature/x"


def full(ref: str, *, what_if: bool = False) -> Event:
    return events.dispatch(FULL, ref, {"order": "in order", "what_if": what_if})


def one(environment: str, ref: str, *, what_if: bool = False) -> Event:
    return events.dispatch(ONE, ref, {"environment": environment, "what_if": what_if})


BY_HAND = {
    "full deployment on a tag": full(TAG),
    **{f"what-if of all on {ref}": full(ref, what_if=True) for ref in (MAIN, RELEASE, TAG)},
    "Development on main": one("Development", MAIN),
    "PreProduction on release": one("PreProduction", RELEASE),
    **{f"{name} on a tag": one(name, TAG) for name in NAMES},
    **{f"what-if of {name} on main": one(name, MAIN, what_if=True) for name in NAMES},
    "drift by hand": events.dispatch(DRIFT, MAIN),
}
REFUSED = {
    "full deployment on main": (full(MAIN), {"UAT", "PreProduction", "Production"}),
    "full deployment on release": (full(RELEASE), {"Development", "UAT", "Production"}),
    "full deployment on another branch": (full(OTHER), set(NAMES)),
    "Production on release": (one("Production", RELEASE), {"Production"}),
    "what-if on another branch": (one("UAT", OTHER, what_if=True), {"UAT-plan"}),
    "a tag of another name": (one("Production", "refs/tags/nightly"), {"Production"}),
    "a branch that is named like a tag": (one("Production", "refs/heads/v2"), {"Production"}),
}


def environments_of(event: Event) -> Iterator[str]:
    """Those that the event's jobs name."""
    assumed = Assumed(outputs={"on-release": {"commit": TAGGED}})
    for run in started(rendered(Choices(), INSTALL), event, assumed):
        assert run.error == ""
        yield from (job.environment for job in run.jobs if job.will_run and job.environment)


def admits(policies: list[str], ref: str) -> bool:
    """As GitHub reads them: by the kind of ref, `*` being anything but a slash (docs.github.com/actions/how-tos/deploy/
    configure-and-manage-deployments/manage-environments)."""
    kind, name = ("tag", ref.removeprefix("refs/tags/")) if ref.startswith("refs/tags/") else ("branch", ref)
    name = name.removeprefix("refs/heads/")
    return any(
        policy.partition(" ")[0] == kind
        and re.fullmatch(re.escape(policy.partition(" ")[2]).replace(r"\*", "[^/]*"), name)
        for policy in policies
    )


@pytest.fixture(scope="module")
def made(_set_up: Road) -> dict[str, Any]:
    """What setup made, and how the subjects of this repository's jobs begin."""
    with _set_up.store() as store:
        repository = store.get("github.repository", REPOSITORY)
        assert repository
        begin = subjects.prefix(store, repository)
    return {**_set_up.show(), "subjects": begin}


def holders(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (repository,) = made["repositories"]
    return {found["name"]: found for found in repository["environments"]}


@pytest.mark.parametrize("what", [*TABLE, *BY_HAND])
def test_jobs_are_let_in_and_trusted(what: str, made: dict[str, Any]) -> None:
    event = TABLE[what][0] if what in TABLE else BY_HAND[what]
    for name in environments_of(event):
        found = holders(made)[name]
        assert admits(found["branch_policies"], event.ref), f"{event.ref} may not deploy to {name}"
        for client_id in {found["variables"]["AZURE_CLIENT_ID"], found["variables"]["ARM_CLIENT_ID"]}:
            (application,) = [one for one in made["applications"] if one["appId"] == client_id]
            trusted = {one["subject"] for one in application["federatedIdentityCredentials"]}
            assert f"{made['subjects']}:environment:{name}" in trusted


def test_the_table_has_jobs_of_every_environment() -> None:
    named = {name for event, _ in TABLE.values() for name in environments_of(event)}
    assert named == {*NAMES, *(f"{name}-plan" for name in NAMES)}


@pytest.mark.parametrize("what", REFUSED)
def test_other_jobs_are_not(what: str, made: dict[str, Any]) -> None:
    event, refused = REFUSED[what]
    found = holders(made)
    assert {name for name in environments_of(event) if not admits(found[name]["branch_policies"], event.ref)} == refused


def test_what_only_looks_is_trusted_as_nobody_who_deploys(made: dict[str, Any]) -> None:
    found = holders(made)
    for name in NAMES:
        looking, deploying = found[f"{name}-plan"], found[name]
        ids = {looking["variables"][one] for one in ("AZURE_CLIENT_ID", "ARM_CLIENT_ID")}
        assert len(ids) == 1
        assert not ids & {deploying["variables"][one] for one in ("AZURE_CLIENT_ID", "ARM_CLIENT_ID")}
        assert (looking["reviewers"], looking["wait_timer"]) == ([], 0)
    assert [name for name in found if found[name]["reviewers"]] == ["Production"]


def test_an_application_is_trusted_in_fewer_places_than_entra_allows(made: dict[str, Any]) -> None:
    counts = {one["displayName"]: len(one["federatedIdentityCredentials"]) for one in made["applications"]}
    assert set(counts.values()) == {4}
