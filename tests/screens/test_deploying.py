"""Review, Apply and Done of the wizard: from decisions to four running environments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from dbxwizard.backend.answers import AnswerFile, Answers
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.screens.run_view import RunView
from tests.hosting import Hosting
from tests.roads import Road
from tests.screens.pilots import driven, error, settled, text, until


def decide(host: Hosting, page: str = "review", **more: Any) -> None:
    """What the pages before have asked."""
    answers = Answers(subscription=SUBSCRIPTION_ID, repo=REPOSITORY, page=page, **more)
    AnswerFile(host.folder / ".state", host.folder).write(answers)


def on_page(pilot: Pilot[int], name: str) -> Callable[[], bool]:
    return lambda: type(pilot.app.screen).__name__ == name


async def test_setup_and_deployment_are_reviewed_applied_and_done(host: Hosting) -> None:
    decide(host)
    road = Road(host.folder)
    async with driven(host.program(), 120, 40) as pilot:
        await settled(pilot)
        assert not error(pilot)
        shown = text(pilot)
        assert "Then: Development" in shown
        assert not road.writes()  # nothing is written before its plan was shown
        print(shown)
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "ApplyPage"))
        view = pilot.app.screen.query_one(RunView)
        await until(pilot, lambda: view.model.status)
        print(text(pilot))
        assert view.model.status == "success"
        await pilot.press("ctrl+n")
        await until(pilot, on_page(pilot, "ReviewPage"))
        await settled(pilot)
        print(text(pilot))
