"""The console's modes as they look: in a small dark terminal and in a large light one. A picture that has changed on
purpose is taken anew with `pytest tests/screens/test_console_pictures.py --snapshot-update`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot

from dbxwizard.screens import doctor, environments, resources
from dbxwizard.screens.bars import ModeBar
from tests.screens import canned
from tests.screens.pilots import settled, text, until

_MODES = {"environments": "1", "resources": "3", "doctor": "5", "logs": "6"}
_SEEN = {"environments": "PreProduction", "resources": "Production", "doctor": "quotas", "logs": "60 lines"}
_SIZES = {"dbx-dark": (80, 24), "dbx-light": (120, 40)}


@pytest.mark.parametrize("theme", _SIZES)
@pytest.mark.parametrize("mode", _MODES)
def test_a_mode_looks_as_it_did(
    mode: str, theme: str, tmp_path: Path, snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (environments, resources, doctor):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: canned.NOW))
    program = canned.program(tmp_path)

    async def walk(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: program.situation is not None and program.current_mode == "environments")
        program.theme = theme
        await pilot.press(_MODES[mode])
        await until(pilot, lambda: program.current_mode == mode and _SEEN[mode] in text(pilot))
        if mode == "resources":
            await pilot.press("enter")
            await until(pilot, lambda: "✗ not seen" in text(pilot))
            await pilot.press("j", "j", "j", "j", "j", "j")
        if mode == "logs":
            await until(pilot, lambda: "[b]59[/]" in text(pilot))
            await pilot.press("slash", *"[b]4", "enter")
        pilot.app.screen.query_one(ModeBar).display = False  # it changes with every mode that comes
        await settled(pilot)

    assert snap_compare(program, terminal_size=_SIZES[theme], run_before=walk)
    program.backend.leave()
