"""The log, as it grows."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from dbxwizard.backend.process import LOG
from dbxwizard.screens.log_view import LogView
from tests.hosting import Hosting
from tests.screens.pilots import driven, text, until


def _log(host: Hosting) -> Path:
    return host.folder / ".state" / LOG


def _line(number: int, level: str = "INFO") -> str:
    return f"2026-11-26 10:00:00,000 {level} dbxwizard.requests: number {number} [/red] [b]x\n"


def _shown(number: int, level: str = "") -> str:
    return f"10:00:00.0 {level}requests: number {number} [/red] [b]x"


async def _opened(pilot: Pilot[int]) -> LogView:
    await pilot.press("6")
    await until(pilot, lambda: bool(pilot.app.screen.query(LogView)))
    view = pilot.app.screen.query_one(LogView)
    await until(pilot, lambda: view.count[1])
    return view


async def test_the_log_tells_each_request_without_its_query(host_set_up: Hosting) -> None:
    async with driven(host_set_up.program(), 160, 40) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: "quotas" in text(pilot))
        view = await _opened(pilot)
        await until(pilot, lambda: any("/providers/Microsoft.Compute/" in line for line in view.texts))
    logged = _log(host_set_up).read_text("utf-8")
    assert "dbxwizard.requests: GET" in logged
    assert "api-version" not in logged
    assert "/oauth2/v2.0/token 200" in logged
    assert "/repos/contoso/databricks 200" in logged


async def test_the_log_is_followed_filtered_searched_and_saved(host: Hosting) -> None:
    log = _log(host)
    log.parent.mkdir(parents=True, exist_ok=True)
    levels = {7: "ERROR", 500: "WARNING"}
    log.write_text("".join(_line(number, levels.get(number, "INFO")) for number in range(20_000)), "utf-8")
    async with driven(host.program(first="console"), 80, 24) as pilot:
        view = await _opened(pilot)
        await until(pilot, lambda: "number 19999" in text(pilot))  # it opens at the end

        await pilot.press("slash", *"NUMBER 12345", "enter")
        assert "number 12345 [/red] [b]x" in text(pilot)
        with log.open("a", encoding="utf-8") as more:
            more.write(_line(20_000))
        await until(pilot, lambda: any("number 20000" in line for line in view.texts))
        assert "number 12345" in text(pilot)  # who reads is left where they are

        await pilot.press("G")
        await until(pilot, lambda: "number 20000" in text(pilot))
        await pilot.press("w")
        await until(pilot, lambda: view.wrap and "number 20000" in text(pilot))
        await pilot.press("slash", *"number 12345", "enter", "w")
        await until(pilot, lambda: not view.wrap and "number 12345" in text(pilot))
        await pilot.press("L")
        assert [line for line in view.texts if "number" in line] == [
            _shown(7, "ERROR "),
            _shown(500, "WARNING "),
        ]
        await pilot.press("L", "ampersand", *"number 7", "enter")
        assert list(view.texts) == [_shown(7, "ERROR ")]
        await pilot.press("Y")
    saved = host.folder / ".state" / "exports" / "logs.txt"
    assert saved.read_text("utf-8") == _shown(7, "ERROR ")
