"""The program itself, killed by SIGKILL in the middle of its wizard: the next one goes on there, with every answer."""

from __future__ import annotations

import signal
from pathlib import Path

from dbxwizard.backend.answers import AnswerFile, Answers
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from tests.roads import Road
from tests.terminal.driving import wait_until_ended
from tests.terminal.test_program import backends, started


def test_the_wizard_goes_on_after_sigkill(tmp_path: Path) -> None:
    answers = AnswerFile(tmp_path / ".state", tmp_path)
    with started(tmp_path) as program:
        program.wait_for(b"Ways to sign in")
        assert Road(tmp_path).run("init").code == 0
        behind = backends(tmp_path)
        program.signal(signal.SIGKILL)
        program.wait_for_end()
        wait_until_ended(behind)
    assert answers.read().page == "welcome"
    decided = Answers(subscription=SUBSCRIPTION_ID, repo=REPOSITORY, page="service_principals", visited=("welcome",))
    answers.write(decided)
    with started(tmp_path) as program:
        program.wait_for(b"Main service principal")
        program.press("\x07")  # ctrl+g: Next
        program.wait_for(b"Values are never shown")
        behind = backends(tmp_path)
        program.signal(signal.SIGKILL)
        program.wait_for_end()
        wait_until_ended(behind, kill=True)
    found = answers.read()
    assert found == decided.changed(page="github", visited=("welcome", "service_principals"))
    with started(tmp_path) as program:
        program.wait_for(b"Values are never shown")
        program.press("\x11")
        assert program.wait_for_end() == 0
        program.assert_given_back()
