"""Each right that setup and deploy need, taken away alone: one answer that names it, and says what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dbxwizard.sandbox import faults
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github import access
from dbxwizard.sandbox.github.seed import LOGIN, OWNER, REPOSITORY, SANDBOX_TOKEN
from dbxwizard.sandbox.store import Store
from tests.roads import Outcome, Road

ROLE = "99999999-0000-4000-8000-000000000000"
DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions/"
NEW_ROLE = """{
      "roles": ["Monitoring Reader"],
      "principal": "databricks-spn",
      "principalType": "ServicePrincipal"
    },
    {
      "roles": ["Key Vault Administrator", "Contributor", "DBX_Custom_Role"],"""


def without(road: Road, *actions: str, data: bool = False) -> None:
    """The person is Owner, but for `actions`."""
    with road.change() as store:
        permission = {"actions": ["*"], "notActions": list(actions), "dataActions": [], "notDataActions": []}
        body: dict[str, Any] = {
            "id": DEFINITIONS + ROLE,
            "name": ROLE,
            "roleName": "Almost",
            "roleType": "CustomRole",
            "description": "",
            "permissions": [permission],
            "assignableScopes": [f"/subscriptions/{SUBSCRIPTION_ID}"],
            "createdAt": 0.0,
        }
        store.put("arm.roleDefinition", (DEFINITIONS + ROLE).lower(), body)
        for key, one in store.find("arm.roleAssignment"):
            if one["principalType"] == "User" and one["scope"].count("/") == 2:
                role = f"{one['scope']}{DEFINITIONS}{ROLE}"
                store.put("arm.roleAssignment", key, {**one, "roleDefinitionId": role})


def told(outcome: Outcome, *words: str) -> None:
    """One cause, with its advice; `words` stand in it."""
    assert outcome.code == 3, (outcome.code, outcome.out)
    assert outcome.errors
    for error in outcome.errors:
        assert error["fix"], error
        text = f"{error['code']} {error['message']} {error['fix']}".lower()
        assert any(word.lower() in text for word in words), text
    assert "Traceback" not in outcome.err + outcome.out


@pytest.mark.parametrize(
    "action",
    [
        "Microsoft.Resources/subscriptions/providers/read",
        "Microsoft.Databricks/register/action",
        "Microsoft.KeyVault/register/action",
        "Microsoft.Authorization/roleDefinitions/write",
        "Microsoft.Authorization/roleAssignments/read",
        "Microsoft.Authorization/roleAssignments/write",
    ],
)
def test_setup_without_one_right_in_azure(fresh: Road, action: str) -> None:
    without(fresh, action)
    told(fresh.setup(), action)


@pytest.mark.parametrize(
    "action",
    [
        "Microsoft.Authorization/roleAssignments/read",
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Databricks/workspaces/write",
        "Microsoft.Insights/components/write",
        "Microsoft.KeyVault/locations/deletedVaults/read",
        "Microsoft.KeyVault/vaults/write",
        "Microsoft.OperationalInsights/workspaces/write",
        "Microsoft.Resources/deployments/whatIf/action",
        "Microsoft.Resources/deployments/write",
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        "Microsoft.Resources/subscriptions/resourceGroups/write",
        "Microsoft.Storage/storageAccounts/blobServices/containers/write",
        "Microsoft.Storage/storageAccounts/write",
    ],
)
def test_deploy_without_one_right_in_azure(set_up: Road, action: str) -> None:
    without(set_up, action)
    told(set_up.deploy("-e", "Development"), action)


def no_role(road: Road, *, but: str = "") -> None:
    """The person has no right in Azure; or what they had at the subscription, in the resource group `but` alone."""
    with road.change() as store:
        for key, one in store.find("arm.roleAssignment"):
            if one["principalType"] == "User":
                store.delete("arm.roleAssignment", key)
                if but and one["scope"].count("/") == 2:
                    scope = f"{one['scope']}/resourceGroups/{but}"
                    there = key.replace(one["scope"].lower(), scope.lower())
                    store.put("arm.roleAssignment", there, {**one, "scope": scope})


def not_administrator(road: Road) -> None:
    with road.change() as store:
        organisation = store.get("github.account", OWNER)
        assert organisation
        store.put("github.account", OWNER, {**organisation, "members": {LOGIN: "member"}})


def planned(road: Road, scope: str, *options: str) -> tuple[Outcome, dict[str, dict[str, Any]]]:
    outcome = road.run("plan", "--scope", scope, "--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY, *options)
    return outcome, {one["id"]: one for one in outcome.report["plan"]["steps"]}


def unchecked(steps: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, one in steps.items() if one["not_checked"]}


@pytest.mark.parametrize("scope", ["deploy", "setup", "all"])
def test_a_plan_by_somebody_without_any_right_in_azure_tells_each_and_goes_on(deployed: Road, scope: str) -> None:
    no_role(deployed)
    before = deployed.writes()
    outcome, steps = planned(deployed, scope)
    told(outcome, "AuthorizationFailed")
    assert deployed.writes() == before
    assert {one["action"] for one in steps.values()} == {"none"}
    at_azure = ("setup/providers", "setup/custom-role", "setup/plan-role", "setup/role/")
    setup = {name for name, one in steps.items() if one["scope"] == "setup"}
    assert unchecked(steps) & setup == {name for name in setup if name.startswith(at_azure)}
    if scope != "setup":
        groups = ("rg-dbx-development", "rg-dbx-uat", "rg-dbx-preproduction", "rg-dbx-production")
        (error,) = (one for one in outcome.errors if "resourceGroups/read" in one["message"])
        assert all(group in error["message"] for group in groups)
        assert {name for name, one in steps.items() if one["scope"] == "deploy"} <= unchecked(steps)
        waiting = "it waits for what can't be read: Azure resources"
        assert steps["uat/clusters/dbx-sp-cluster"]["not_checked"] == waiting


def test_what_is_new_and_may_not_be_made_is_no_reason_to_begin(fresh: Road) -> None:
    """Roles that can't be seen are not said to be new; GitHub is planned; setup shows the same, and writes nothing."""
    no_role(fresh)
    before = fresh.writes()
    outcome, steps = planned(fresh, "setup", "--detailed-exitcode", "--save", str(fresh.folder / "plan.json"))
    told(outcome, "AuthorizationFailed")
    assert outcome.report["status"] == "partial"
    assert "roleDefinitions/read" in steps["setup/custom-role"]["not_checked"]
    assert steps["setup/github/environment/development"]["action"] == "create"
    refused = fresh.setup()
    assert "+ GitHub environment Development" in refused.err
    assert refused.errors == outcome.errors
    assert fresh.writes() == before


def test_who_reads_only_gets_the_whole_plan_and_the_rights_to_make_it(fresh: Road) -> None:
    without(fresh, "*/write", "*/register/action")
    outcome, steps = planned(fresh, "setup")
    told(outcome, "roleDefinitions/write", "roleAssignments/write", "register/action")
    assert (len(outcome.errors), unchecked(steps)) == (3, set())
    assert "roleDefinitions/write" in steps["setup/custom-role"]["may_not"]
    assert steps["setup/custom-role"]["action"] == "create"


def test_who_may_not_ask_for_a_preview_is_told_all_that_differs(set_up: Road) -> None:
    without(set_up, "Microsoft.Resources/deployments/whatIf/action")
    before = set_up.writes()
    outcome, steps = planned(set_up, "deploy", "-e", "UAT")
    told(outcome, "whatIf/action")
    infrastructure = steps["uat/infrastructure"]
    assert (infrastructure["action"], "whatIf/action" in infrastructure["may_not"]) == ("create", True)
    assert unchecked(steps) == set()
    told(set_up.deploy("-e", "UAT"), "whatIf/action")
    assert set_up.writes() == before


def test_a_right_in_one_resource_group_is_enough_for_the_plan_of_it(deployed: Road) -> None:
    no_role(deployed, but="rg-dbx-development")
    outcome, steps = planned(deployed, "deploy")
    told(outcome, "resourceGroups/read", "roleDefinitions/read")
    assert {name for name in unchecked(steps) if name.startswith("development/")} == {
        "development/role/databricks-spn/dbx-custom-role"
    }
    assert {"uat/infrastructure", "preproduction/infrastructure", "production/infrastructure"} <= unchecked(steps)
    status = deployed.run("status")
    told(status, "resourceGroups/resources/read")
    states = {one["name"]: one["outputs"]["state"] for one in status.report["environments"]}
    assert states == {"Development": "deployed"} | dict.fromkeys(("UAT", "PreProduction", "Production"), "not checked")


@pytest.mark.parametrize("scope", ["deploy", "setup"])
def test_a_directory_that_may_not_be_read_leaves_azure_to_be_planned(deployed: Road, scope: str) -> None:
    with deployed.store() as store:
        faults.add(store, faults.Fault("status", "graph", status=403, times=1000))
    outcome, steps = planned(deployed, scope)
    told(outcome, "refused on demand")
    if scope == "deploy":
        assert unchecked(steps) == {name for name in steps if name.endswith("/principals")}
        assert steps["uat/infrastructure"]["action"] == "create"
    else:
        assert "setup/custom-role" not in unchecked(steps)
        assert {name for name in steps if name.startswith("setup/application/")} <= unchecked(steps)


def test_setup_where_members_may_not_register_applications(fresh: Road) -> None:
    with fresh.change() as store:
        store.put("_setting", "entra", {"members_may_register": False})
    told(fresh.setup(), "Application Developer")


def _token(store: Store, **changes: Any) -> None:
    access.add_token(store, SANDBOX_TOKEN, LOGIN, **changes)


FINE_GRAINED = {
    "actions_variables": "write",
    "administration": "write",
    "contents": "write",
    "environments": "write",
    "metadata": "read",
    "pull_requests": "write",
    "secrets": "write",
    "variables": "write",
    "workflows": "write",
}


def test_setup_with_a_token_without_the_scope_repo(fresh: Road) -> None:
    with fresh.change() as store:
        _token(store, scopes=("workflow",))
    before = fresh.writes()
    outcome = fresh.setup()
    assert fresh.writes() == before
    told(outcome, "scope `repo`")


@pytest.mark.parametrize("permission", ["administration", "contents", "environments"])
def test_setup_with_a_fine_grained_token_without_one_permission(fresh: Road, permission: str) -> None:
    with fresh.change() as store:
        _token(
            store,
            kind="fine-grained",
            permissions={name: level for name, level in FINE_GRAINED.items() if name != permission},
        )
    told(fresh.setup(), permission)


def test_setup_by_somebody_who_is_no_administrator_of_the_repository(fresh: Road) -> None:
    not_administrator(fresh)
    told(fresh.setup(), "admin")


@pytest.mark.parametrize("auth", ["federated", "secret"])
def test_a_plan_without_rights_at_github_says_which_and_goes_on_elsewhere(fresh: Road, auth: str) -> None:
    not_administrator(fresh)
    outcome, steps = planned(fresh, "setup", "--auth", auth)
    told(outcome, "admin")
    assert "does not administer" in steps["setup/github"]["not_checked"]
    assert unchecked(steps) == {"setup/github"}
    assert steps["setup/application/main-spn"]["action"] == steps["setup/custom-role"]["action"] == "create"
    assert steps["setup/files"]["action"] == "update"


def test_a_repository_that_the_token_may_not_see_leaves_azure_to_be_planned(fresh: Road) -> None:
    outcome, steps = planned(fresh, "setup", "--repo", "contoso/elsewhere")
    told(outcome, "github shows no repository contoso/elsewhere to this token")
    assert unchecked(steps) == {"setup/github"}


def test_a_permission_that_a_token_lacks_is_named_beside_what_it_may_see(deployed: Road) -> None:
    permissions = {name: level for name, level in FINE_GRAINED.items() if name != "environments"}
    with deployed.change() as store:
        _token(store, kind="fine-grained", permissions=permissions)
    outcome, steps = planned(deployed, "setup")
    told(outcome, "permission environments=read is needed")
    assert {name.split("/")[2] for name in unchecked(steps)} == {"variables"}


def test_deploy_by_somebody_whom_the_workspace_does_not_know_and_azure_does_not_vouch_for(deployed: Road) -> None:
    without(deployed, "Microsoft.Databricks/workspaces/write")
    with deployed.change() as store:
        for key, body in store.find("databricks.group"):
            if body["displayName"] == "admins":
                store.put("databricks.group", key, {**body, "members": body["members"][:0]})
    told(deployed.deploy("-e", "Development"), "admins")


def test_a_secret_of_the_vault_without_a_data_role_on_it(deployed: Road) -> None:
    """What was given within ten minutes may still be on its way, so everything here is older than that."""
    deployed.edit("Development", '"tenant-id"', '"key-vault:something"')
    path = deployed.folder / "environments" / "Development.json"
    text = path.read_text("utf-8")
    start = text.index("    {", text.index('"The service principal that owns'))
    path.write_text(text[:start] + text[text.index("  ],", start) :], "utf-8")  # without the person's own entry
    with deployed.change() as store:
        for key, body in store.find("arm.roleAssignment"):
            old = {name: body[name] - 3600 for name in ("createdAt", "effectiveAt")}
            store.put("arm.roleAssignment", key, {**body, **old})
            if body["principalType"] == "User" and "resourceGroups" in body["scope"]:
                store.delete("arm.roleAssignment", key)
    told(deployed.deploy("-e", "Development"), "Key Vault Secrets")


def test_a_role_that_was_added_after_setup_is_told_before_a_job_changes_anything(set_up: Road) -> None:
    old = '{\n      "roles": ["Key Vault Administrator", "Contributor", "DBX_Custom_Role"],'
    set_up.edit("Development", old, NEW_ROLE)
    before = set_up.writes()
    outcome = set_up.deploy("-e", "Development", **set_up.job("Development"))
    assert outcome.code == 2
    (error,) = outcome.errors
    assert error["code"] == "role-not-allowed"
    assert "Monitoring Reader" in error["message"]
    assert "setup" in error["fix"]
    assert set_up.writes() == before
    assert set_up.setup("--no-publish").code == 0
    assert set_up.deploy("-e", "Development", **set_up.job("Development")).code == 0


def test_a_condition_that_can_not_be_read_is_what_the_service_says(set_up: Road) -> None:
    """The condition in another form than ours: the service refuses, and the advice is the same."""
    old = '{\n      "roles": ["Key Vault Administrator", "Contributor", "DBX_Custom_Role"],'
    set_up.edit("Development", old, NEW_ROLE)
    with set_up.change() as store:
        for key, body in store.find("arm.roleAssignment"):
            if body["condition"]:
                other = re.sub(r"([0-9a-f-]{36})", r"'\1'", body["condition"])
                other = other.replace("GuidEquals", "StringEqualsIgnoreCase")
                store.put("arm.roleAssignment", key, {**body, "condition": other})
    outcome = set_up.deploy("-e", "Development", **set_up.job("Development"))
    told(outcome, "ABAC condition")
    assert "setup" in outcome.errors[0]["fix"]


def test_doctor_misses_what_somebody_without_rights_needs(fresh: Road) -> None:
    no_role(fresh)
    not_administrator(fresh)
    outcome = fresh.run("doctor", "--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY)
    assert outcome.code == 3
    missing = {one["name"] for one in outcome.report["checks"] if one["verdict"] == "missing" and one["fix"]}
    assert missing == {"subscription", "rights for setup", "rights for deploy", "resource providers", "repository"}
