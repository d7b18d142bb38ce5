"""Each field that a step sets, changed behind its back: the plan names it, and only it is mended.

The history of runs is gone each time: what is there is read from the services alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dbxwizard.sandbox.store import Document, Store
from tests.roads import Road

Change = Callable[[Document], Document]


@dataclass(frozen=True)
class Drift:
    """The first document of `kind` whose key ends with `key` (and holds `where`) is changed by `change`, or deleted.

    `named` stands in the plan's reasons; `writes`: how many requests mend it, in how many `steps`.
    """

    name: str
    kind: str
    change: Change | None
    named: str
    writes: int
    key: str = ""
    where: str = ""
    steps: int = 1

    def happen(self, store: Store) -> None:
        for key, body in store.find(self.kind):
            if key.lower().endswith(self.key.lower()) and self.where in str(body):
                if self.change is None:
                    store.delete(self.kind, key)
                else:
                    store.put(self.kind, key, self.change(body))
                return
        raise AssertionError(f"there is no {self.kind} {self.key} {self.where}")


def fields(**changed: Any) -> Change:
    return lambda body: {**body, **changed}


def inside(name: str, **changed: Any) -> Change:
    return lambda body: {**body, name: {**body[name], **changed}}


def one_trust_less(body: Document) -> Document:
    return {**body, "federatedIdentityCredentials": body["federatedIdentityCredentials"][1:]}


def other_trust(body: Document) -> Document:
    first, *others = body["federatedIdentityCredentials"]
    return {**body, "federatedIdentityCredentials": [{**first, "subject": "repo:contoso/other:ref:main"}, *others]}


def no_owner(body: Document) -> Document:
    return {**body, "entries": [one for one in body["entries"] if one["level"] != "IS_OWNER"]}


def other_action(body: Document) -> Document:
    return {**body, "permissions": [{**body["permissions"][0], "actions": ["*/read"]}]}


SETUP = [
    Drift("provider", "arm.provider", fields(registrationState="NotRegistered"), "Microsoft.KeyVault", 1, "keyvault"),
    Drift("role's actions", "arm.roleDefinition", other_action, "actions", 1, where="DBX_Custom_Role"),
    Drift(
        "role's description", "arm.roleDefinition", fields(description="?"), "description", 1, where="'DBX_Custom_Role'"
    ),
    Drift("role assignment", "arm.roleAssignment", None, "role", 1, where="dbxwizard"),
    Drift(
        "condition",
        "arm.roleAssignment",
        fields(condition=None, conditionVersion=None),
        "condition",
        1,
        where="GuidEquals",
    ),
    Drift("application's name", "directory.application", fields(displayName="other"), "displayName", 1),
    Drift("application's tags", "directory.application", fields(tags=[]), "tags", 1),
    Drift(
        "service principal",
        "directory.servicePrincipal",
        None,
        "servicePrincipal",
        3,
        where="dbxwizard-contoso",
        steps=3,
    ),
    Drift("trust gone", "directory.application", one_trust_less, "subject", 1),
    Drift("trust's subject", "directory.application", other_trust, "subject", 1),
    Drift("GitHub environment", "github.environment", None, "", 1, "/uat"),
    Drift("GitHub variable", "github.variable", fields(value="other"), "AZURE_CLIENT_ID", 1, "/uat/AZURE_CLIENT_ID"),
    Drift("GitHub variable gone", "github.variable", None, "ARM_TENANT_ID", 1, "/uat/ARM_TENANT_ID"),
]
DEPLOY = [
    Drift("group's tags", "arm.resourceGroup", fields(tags={}), "tags", 1, "rg-dbx-development"),
    Drift("role assignment", "arm.roleAssignment", None, "role", 1, where="resourceGroups/rg-dbx-development'"),
    Drift(
        "service principal's entitlement",
        "databricks.principal",
        fields(entitlements=[]),
        "entitlements",
        1,
        where="'servicePrincipal'",
    ),
    Drift(
        "cluster's size", "databricks.cluster", inside("spec", autotermination_minutes=99), "autotermination_minutes", 1
    ),
    Drift(
        "cluster's workers",
        "databricks.cluster",
        inside("spec", autoscale={"min_workers": 7, "max_workers": 9}),
        "autoscale",
        1,
    ),
    Drift("job's setting", "databricks.job", inside("settings", max_concurrent_runs=9), "max_concurrent_runs", 1),
    Drift(
        "job's source",
        "databricks.job",
        inside(
            "settings", git_source={"git_branch": "other", "git_provider": "gitHub", "git_url": "https://127.0.0.1/x/y"}
        ),
        "git_source",
        1,
    ),
    Drift("job's owner", "databricks.acl", no_owner, "owner", 1, where="IS_OWNER"),
    Drift("folder's branch", "databricks.repo", fields(branch="release"), "branch", 1),
    Drift("folder's commit", "databricks.repo", fields(head_commit_id="0" * 40), "head_commit_id", 1),
    Drift("secret's value", "databricks.secret", fields(value="b3RoZXI="), "secrets[", 1),
    Drift("secret gone", "databricks.secret", None, "secrets[", 1),
    Drift(
        "scope's rights",
        "databricks.scope",
        inside("acls", **{"ada@contoso.example": "WRITE"}),
        "acls[",
        1,
        where="READ",
    ),
    Drift("wheel gone from a cluster", "databricks.library", fields(libraries=[]), "clusters[", 1),
    Drift("person's entitlement", "databricks.principal", fields(entitlements=[]), "entitlements", 1, where="'user'"),
]


def check(road: Road, drift: Drift, run: Callable[[], Any]) -> None:
    with road.change() as store:
        drift.happen(store)
    road.forget_runs()
    before = len(road.writes())
    outcome = run()
    assert outcome.code == 0, outcome.out
    reasons = [reason for found in outcome.changes().values() for reason in found]
    assert not drift.named or any(drift.named in reason for reason in reasons), outcome.changes()
    assert len(outcome.changes()) == drift.steps, outcome.changes()
    made = road.writes()[before:]
    assert len(made) == drift.writes, made
    assert run().report["status"] == "unchanged"
    assert len(road.writes()) == before + len(made)


@pytest.mark.parametrize("drift", SETUP, ids=lambda drift: drift.name)
def test_setup_mends_what_drifted(set_up: Road, drift: Drift) -> None:
    check(set_up, drift, set_up.setup)


@pytest.mark.parametrize("drift", DEPLOY, ids=lambda drift: drift.name)
def test_deploy_mends_what_drifted(deployed: Road, drift: Drift) -> None:
    check(deployed, drift, lambda: deployed.deploy("-e", "Development"))
