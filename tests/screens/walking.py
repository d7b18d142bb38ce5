"""Walking the wizard: where one is, what was kept, and what the next plan says of it."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from rich.text import Text
from textual.pilot import Pilot
from textual.widgets import Button, Static

from dbxwizard.backend.answers import AnswerFile, Answers
from dbxwizard.sandbox.arm.seed import SUBSCRIPTION_ID
from dbxwizard.sandbox.github.seed import REPOSITORY
from dbxwizard.screens.wizard import WizardPage
from tests.hosting import Hosting
from tests.screens.pilots import settled, text, until


def answers_file(host: Hosting) -> AnswerFile:
    return AnswerFile(host.folder / ".state", host.folder)


def kept(host: Hosting) -> Answers:
    return answers_file(host).read()


def decide(host: Hosting, page: str, **more: Any) -> None:
    """What a person decided who comes to `page`, unless `more` says otherwise."""
    usual = {"subscription": SUBSCRIPTION_ID, "repo": REPOSITORY}
    answers_file(host).write(Answers(page=page, **{**usual, **more}))


def place(pilot: Pilot[int]) -> str:
    """The key of the page that is open, "" where none is."""
    screen = pilot.app.screen
    return screen.key if isinstance(screen, WizardPage) else ""


async def arrived(pilot: Pilot[int], key: str) -> None:
    await until(pilot, lambda: place(pilot) == key)
    await settled(pilot)


async def tab_to(pilot: Pilot[int], selector: str) -> None:
    """By the tab key alone."""
    for _ in range(60):
        if pilot.app.focused is not None and pilot.app.focused.id == selector:
            return
        await pilot.press("tab")
    raise AssertionError(f"the tab key does not reach {selector}")


async def press(pilot: Pilot[int], selector: str) -> None:
    """A button, by keyboard."""
    await tab_to(pilot, selector)
    await pilot.press("enter")
    await settled(pilot)


async def click(pilot: Pilot[int], selector: str) -> None:
    """A button, by mouse, scrolled to where it can be seen as by its wheel."""
    button = pilot.app.screen.query_one(selector)
    button.scroll_visible(animate=False)
    await pilot.pause()
    assert await pilot.click(button), f"{selector} can't be clicked"
    await settled(pilot)


async def click_words(pilot: Pilot[int], words: str) -> None:
    """Where they stand on the screen, which the wheel turns until they do."""
    for _ in range(20):
        for row, line in enumerate(text(pilot).splitlines()):
            if words in line:
                await pilot.click(offset=(line.index(words), row))
                await settled(pilot)
                return
        pilot.app.screen.query_one("#content").scroll_relative(y=8, animate=False)
        await pilot.pause()
    raise AssertionError(f"{words!r} is not on the screen:\n{text(pilot)}")


async def click_on(pilot: Pilot[int], words: str, *, times: int = 1, lowest: bool = False) -> None:
    """Where they stand on the screen for the first time, or with `lowest` for the last."""
    await until(pilot, lambda: words in text(pilot))
    lines = list(enumerate(text(pilot).splitlines()))
    row, line = next((row, line) for row, line in (reversed(lines) if lowest else lines) if words in line)
    assert await pilot.click(offset=(line.index(words) + 1, row), times=times)
    await pilot.pause()


async def footer(pilot: Pilot[int], key_and_words: str) -> None:
    """A key that is shown at the lower edge."""
    await click_on(pilot, key_and_words, lowest=True)


def says(pilot: Pilot[int], selector: str) -> str:
    """The whole text of a widget, seen or scrolled away, in lines of 200 columns."""
    shown = pilot.app.screen.query_one(selector, Static).content
    printed = io.StringIO()
    Console(width=200, file=printed, no_color=True).print(Text(shown) if isinstance(shown, str) else shown)
    return printed.getvalue()


def may_go_on(pilot: Pilot[int]) -> bool:
    return not pilot.app.screen.query_one("#next", Button).disabled


async def next_plan(pilot: Pilot[int]) -> dict[str, str]:
    """Titles of the steps of the setup that these decisions ask for, with their actions."""
    plan = await pilot.app.backend.ask.plan_setup()  # type: ignore[attr-defined]
    return {step.title: step.action for step in plan.steps}
