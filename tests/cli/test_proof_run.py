"""setup ends with a proof: a run on GitHub signs in to Azure as the jobs will, and what fails is told in words."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.sandbox.session import Sandbox
from tests.github.test_runs import CHECKOUT, wait
from tests.proof.recording import environment
from tests.reaching import requests_to
from tests.roads import Road

DRIFT = ".github/workflows/drift.yml"
HEAD = """run-name: Proof of the sign-in
on:
  workflow_dispatch:
    inputs: {sign_in_only: {type: boolean}, patience: {type: string}}
jobs:
  plan:
    name: Development
    runs-on: x
    environment: Development
    permissions: {contents: read, id-token: write}
    steps:
"""
SIGNS_IN = f"""{HEAD}
      - uses: {CHECKOUT}
      - name: Prove the sign-in
        env:
          AZURE_CLIENT_ID: ${{{{ vars.AZURE_CLIENT_ID }}}}
          AZURE_TENANT_ID: ${{{{ vars.AZURE_TENANT_ID }}}}
          AZURE_SUBSCRIPTION_ID: ${{{{ vars.AZURE_SUBSCRIPTION_ID }}}}
          ARM_CLIENT_ID: ${{{{ vars.ARM_CLIENT_ID }}}}
          ARM_TENANT_ID: ${{{{ vars.ARM_TENANT_ID }}}}
          CI: true
        run: '"{sys.executable}" -m dbxwizard doctor --prove-sign-in 0 -e Development'
"""
SUBJECT = "repo:contoso/old:environment:Development"
WORDS = f"No matching federated identity record found for presented assertion subject '{SUBJECT}'."
REFUSED = f"""{HEAD}
      - name: Prove the sign-in
        run: |
          echo "error: AADSTS700213: {WORDS}"
          exit 3
"""


@pytest.fixture
def road(fresh: Road) -> Iterator[Road]:
    """A project whose requirements name dbxwizard by its hash."""
    give_a_hash(fresh.folder)
    with Sandbox(fresh.state):
        yield fresh
        wait()


def give_a_hash(project: Path) -> None:
    path = project / ".github" / "dbxwizard-requirements.txt"
    path.write_text(
        re.sub(r"^dbxwizard==.*", "dbxwizard==0.1.0 --hash=sha256:00", path.read_text(), flags=re.MULTILINE)
    )


def test_a_real_job_proves_the_sign_in_and_a_second_setup_proves_nothing_again(road: Road) -> None:
    (road.folder / DRIFT).write_text(SIGNS_IN)
    ended = road.setup(DBXWIZARD_NO_PROOF="")
    assert ended.code == 0, ended.out + ended.err
    assert ended.report["proof"]["state"] == "proved"
    assert "Development: Prove the sign-in: success" in ended.err
    again = road.setup(DBXWIZARD_NO_PROOF="")
    assert (again.report["status"], "proof" in again.report) == ("unchanged", False)
    with road.store() as store:
        assert len([one for one in requests_to(store, "github", writes=True) if one.endswith("/dispatches")]) == 1
    with road.change() as store:
        for key, body in store.find("directory.application"):
            trusts = [{**one, "subject": SUBJECT} for one in body["federatedIdentityCredentials"]]
            store.put("directory.application", key, {**body, "federatedIdentityCredentials": trusts})
    refused = road.run("runs", "launch", "drift.yml", "-i", "sign_in_only=true", "--follow")
    assert refused.code == 1
    [error] = refused.errors
    assert (error["code"], error["resource"]) == ("subject-mismatch", "Development / Prove the sign-in")


def test_a_mismatch_shows_both_subjects_side_by_side(road: Road) -> None:
    (road.folder / DRIFT).write_text(REFUSED)
    ended = road.setup(DBXWIZARD_NO_PROOF="")
    assert (ended.code, ended.report["status"], ended.report["proof"]["state"]) == (1, "partial", "failed")
    [error] = ended.errors
    assert error["code"] == "subject-mismatch"
    assert "the job's subject is repo:contoso/old:environment:Development, but Azure trusts " in error["message"]
    assert re.search(r"repo:contoso@\d+/databricks@\d+:environment:Development", error["message"])
    assert "Run `dbxwizard setup` again" in error["fix"]


NO_INDEX = f"""{HEAD}
      - name: Install dbxwizard
        run: |
          echo "ERROR: Could not find a version that satisfies the requirement $NEEDED (from versions: none)"
          echo "ERROR: No matching distribution found for $NEEDED"
          exit 1
        env: {{NEEDED: aiohttp==3.0}}
"""


def test_without_a_package_index_the_sandbox_leaves_the_proof_out_and_setup_is_a_success(road: Road) -> None:
    (road.folder / DRIFT).write_text(NO_INDEX)
    ended = road.setup(DBXWIZARD_NO_PROOF="", form="text")
    assert ended.code == 0, ended.out + ended.err
    [told] = [line for line in ended.out.splitlines() if "no proof of the sign-in" in line]
    assert "reaches no index with them (No matching distribution found for aiohttp==3.0)" in told
    assert "runs launch drift.yml -i sign_in_only=true --follow" in told
    assert "error:" not in ended.err.replace("##[error]", "")


def test_a_dbxwizard_that_the_sandbox_lacks_is_no_reason_to_leave_the_proof_out(road: Road) -> None:
    (road.folder / DRIFT).write_text(NO_INDEX.replace("aiohttp==3.0", "dbxwizard==9"))
    ended = road.setup(DBXWIZARD_NO_PROOF="")
    assert (ended.code, ended.report["status"], ended.report["proof"]["state"]) == (1, "partial", "failed")


def test_what_cannot_be_proved_yet_is_said(road: Road) -> None:
    (road.folder / DRIFT).write_text("on: workflow_dispatch\njobs: {a: {runs-on: x, steps: [run: echo]}}")
    ended = road.setup(DBXWIZARD_NO_PROOF="")
    assert (ended.code, ended.report["proof"]) == (0, {"state": "left out", "url": ""})


def test_no_proof_where_nobody_wants_one(road: Road) -> None:
    (road.folder / DRIFT).write_text(REFUSED)
    ended = road.setup("--no-proof")
    assert (ended.code, "proof" in ended.report) == (0, False)


def test_ctrl_c_leaves_the_proof_and_tells_what_setup_made(road: Road) -> None:
    (road.folder / DRIFT).write_text(f"{HEAD}      - run: sleep 300\n")
    state = {"DBXWIZARD_STATE_DIR": str(road.folder / ".state"), "DBXWIZARD_SANDBOX": "1", "DBXWIZARD_NO_PROOF": ""}
    command = [sys.executable, "-m", "dbxwizard", "setup", "--subscription", SUBSCRIPTION_ID, "--repo", REPOSITORY]
    process = subprocess.Popen(
        [*command, "--output", "json"],
        cwd=road.folder,
        env=environment(**state),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert any("Proof of the sign-in: " in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out, (process.returncode, err)
    report = json.loads(out)
    assert (process.returncode, report["status"], report["proof"]["state"]) == (130, "cancelled", "left")
    assert report["environments"][0]["changes"]
    assert "it goes on: https://" in err
    assert road.run("runs", "cancel", "--follow", "--repo", REPOSITORY).code == 130
