"""What was deleted comes back, and the accelerator's own file deploys."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

from dbxwizard.clients.arm import ArmClient
from dbxwizard.clients.cloud import discover
from dbxwizard.clients.identity import sign_in
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.session import Sandbox
from tests.roads import Road

ACCELERATOR = Path(__file__).parent.parent / "parameters" / "accelerator.json"


async def _delete_group(road: Road, group: str) -> None:
    with Sandbox(road.state) as sandbox:
        found = sandbox.endpoints()
        cloud = discover(found.resource_manager, ca_bundle=found.authority, is_sandbox=True)
        signed_in = await sign_in(cloud, environ={}, interactive=False)
        async with ArmClient(cloud, signed_in, SUBSCRIPTION_ID) as arm:
            await arm.delete_resource(f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{group}", "2025-04-01")
        signed_in.close()


def test_deploy_after_destroy_recovers_the_vault_and_gives_its_roles_again(deployed: Road) -> None:
    before = deployed.show()
    asyncio.run(_delete_group(deployed, "rg-dbx-development"))
    between = deployed.show()
    assert between["resources"] == []
    assert [vault["name"] for vault in between["deletedVaults"]] == ["kv-development-w7nxjv5"]
    outcome = deployed.deploy("-e", "Development")
    assert outcome.code == 0, outcome.err
    after = deployed.show()
    assert after["deletedVaults"] == []
    # The access connector is another one, so its identity is too; everything else is as it was.
    for part in ("resourceGroups", "resources", "roleAssignments"):
        assert [one["id"] for one in after[part]] == [one["id"] for one in before[part]]
    writes = deployed.writes()
    assert deployed.deploy("-e", "Development").report["status"] == "unchanged"
    assert deployed.writes() == writes


def test_the_accelerators_own_file_deploys(set_up: Road) -> None:
    """Its placeholders filled, and the runtime one that new accounts still have."""
    shown = set_up.show()
    databricks = next(one for one in shown["servicePrincipals"] if one["displayName"].endswith("-databricks"))
    person = next(one["principalId"] for one in shown["roleAssignments"] if one["principalType"] == "User")
    ids = iter((SUBSCRIPTION_ID, person, databricks["id"]))
    text = re.sub(r"<>", lambda _: next(ids), ACCELERATOR.read_text("utf-8"))
    text = text.replace("10.4.x-scala2.12", "17.3.x-scala2.13").replace("Standard_D3_v2", "Standard_D4ds_v5")
    folder = set_up.folder / "environments"
    for path in folder.glob("*.json"):
        if path.name != "schema.json":
            path.unlink()
    (folder / "Development.json").write_text(text, "utf-8")
    project = set_up.folder / "src" / "pipelines" / "dbkframework"
    shutil.copytree(set_up.folder / "framework", project)
    (project / "setup.py").write_text("from setuptools import setup\n\nsetup()\n", "utf-8")
    assert set_up.run("validate").code == 0
    outcome = set_up.deploy(DBXWIZARD_REPO="contoso/databricks")
    assert outcome.code == 0, outcome.out
    again = set_up.deploy(DBXWIZARD_REPO="contoso/databricks")
    assert again.report["status"] == "unchanged", again.changes()


def test_while_a_workspace_has_no_address_yet_the_rest_is_told(deployed: Road) -> None:
    with deployed.change() as store:  # as Azure has it while the workspace is made
        for number in store.keys("databricks.workspace"):
            store.delete("databricks.workspace", number)
    (found,) = deployed.run("status", "-e", "Development").report["environments"]
    assert (found["outputs"]["state"], found["outputs"]["workspace_url"]) == ("deployed", "")
    (error,) = deployed.run("dev", "push", "-e", "Development").errors
    assert (error["code"], error["message"]) == ("not-deployed", "Development has no workspace yet")
