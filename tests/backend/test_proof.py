"""The wizard's setup begins a proof of the sign-in by itself, and the last page shows what it came to."""

from __future__ import annotations

import asyncio

from dbxwizard.backend.answers import AnswerFile, Answers
from dbxwizard.backend.client import Backend
from dbxwizard.backend.wizard.summary_views import ProofSeen
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from tests.cli.test_proof_run import DRIFT, REFUSED, SUBJECT, give_a_hash
from tests.hosting import connected, hosting
from tests.roads import Road


async def ended(backend: Backend) -> ProofSeen:
    async with asyncio.timeout(120):
        while True:
            found = (await backend.ask.summary()).summary.proof
            if found is not None and found.state == "failure":
                return found


async def test_a_setup_in_the_wizard_ends_with_a_proof(fresh: Road) -> None:
    give_a_hash(fresh.folder)
    (fresh.folder / DRIFT).write_text(REFUSED)
    with hosting(fresh.folder, DBXWIZARD_NO_PROOF="") as host:
        AnswerFile(host.folder / ".state", host.folder).write(Answers(subscription=SUBSCRIPTION_ID, repo=REPOSITORY))
        backend = connected(host)
        plan = await backend.ask.plan_setup()
        run = await backend.ask.apply(plan=plan.id)
        assert await backend.ask.finished(run=run) == "success"
        seen = await ended(backend)
        text = (await backend.ask.summary()).markdown
        assert (await backend.ask.plan_setup()).changes == ()
        backend.leave()
    assert seen.link.title == "Proof of the sign-in #1"
    assert seen.why[0].startswith("Development / Prove the sign-in: error: AADSTS700213")
    assert f"the job's subject: {SUBJECT}" in seen.why
    assert any(line.startswith("Azure trusts: repo:contoso@") for line in seen.why)
    assert "Proof of the sign-in" in text
