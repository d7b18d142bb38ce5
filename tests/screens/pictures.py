"""Pictures of screens, compared with those that were taken before: small and large, dark and light.

Those that have changed on purpose are taken anew with `pytest FILE --snapshot-update`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import pytest_textual_snapshot  # type: ignore[import-untyped]
from textual.pilot import Pilot
from textual.widgets import Input

from dbxwizard.screens.bars import ModeBar
from tests.screens.pilots import settled

# syrupy 5 renamed the hook that named the file's ending.
pytest_textual_snapshot.SVGImageExtension.file_extension = "svg"

SIZES = ((80, 24), (120, 40))
THEMES = ("dbx-dark", "dbx-light")
Pictures = Mapping[str, str]
Compare = Callable[[Pictures], None]


@pytest.fixture
def compare(snapshot: Any) -> Compare:
    """Names all that differ at once, so that one run shows (or renews) all pictures of a test."""
    taken = snapshot.use_extension(pytest_textual_snapshot.SVGImageExtension)

    def check(pictures: Pictures) -> None:
        different = [name for name, svg in pictures.items() if svg != taken(name=name)]
        assert not different, f"look different: {', '.join(different)}; --snapshot-update takes new pictures"

    return check


async def all_looks(pilot: Pilot[int], name: str = "") -> dict[str, str]:
    """The screen that is open in every size and theme, once nothing is waited for, and nothing blinks."""
    looks = {}
    for width, height in SIZES:
        await pilot.resize_terminal(width, height)
        for theme in THEMES:
            pilot.app.theme = theme
            await still(pilot)
            looks["-".join(filter(None, (name, f"{width}x{height}", theme)))] = pilot.app.export_screenshot()
    return looks


async def still(pilot: Pilot[int]) -> None:
    for screen in pilot.app.screen_stack:  # also behind a dialog
        for bar in screen.query(ModeBar):
            bar.display = False  # it changes with every mode that comes
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    pilot.app.clear_notifications()  # they go by the clock
    await settled(pilot)
