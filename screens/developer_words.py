"""What the mode Dev says of a check, a change and a script's end: lines for its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbxwizard.backend.console.developer_views import ChangeShown, CheckTold, ScriptEnd

INFORMATION, ERROR = "INFORMATION", "ERROR"  # levels of the log
_SIGNS = {"ok": "✓", "failed": "✗", "skipped": "○"}


def of_check(check: CheckTold) -> list[str]:
    words = f"{_SIGNS[check.state]} {check.name}: {check.state}" + (f", {check.found}" if check.found else "")
    return [words, *([f"  → {check.fix}"] if check.fix else [])]


def of_change(change: ChangeShown) -> list[str]:
    return [f"{change.action} {change.name}: {'; '.join(change.reasons)}", *(f"    {line}" for line in change.diff)]


def of_end(end: ScriptEnd) -> list[tuple[str, str]]:
    """Lines with the level of each."""
    fine = end.state == "SUCCESS"
    rest = ["… the rest is on the run's page: o opens it"] if end.truncated else []
    lines = [(INFORMATION, f"│ {line}") for line in (*end.output, *rest)]
    lines += [(ERROR, f"│ {line}") for line in end.trace]
    lines += [(ERROR, f"✗ {end.error}")] if end.error and not fine else []
    sign, came = "✓" if fine else "✗", f"{end.state}, exit code {end.exit_code}, {end.seconds:.0f} s"
    return [*lines, (INFORMATION if fine else ERROR, f"{sign} run {end.run} {came}: {end.url}")]
