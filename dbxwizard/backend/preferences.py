"""How a person likes the program to look: kept for all projects of theirs."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_FILE = "preferences.json"


@dataclass(frozen=True, slots=True)
class Preferences:
    """`theme`: the name of one of the program's themes."""

    theme: str = ""


def read(state_folder: Path) -> Preferences:
    """Those that were kept; what can't be read counts as none."""
    try:
        found = json.loads((state_folder / _FILE).read_bytes())
        return Preferences(str(found["theme"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Preferences()


def write(state_folder: Path, preferences: Preferences) -> None:
    """Where the disk refuses they last until the program ends."""
    with suppress(OSError):
        state_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (state_folder / _FILE).write_text(json.dumps(asdict(preferences)), encoding="utf-8")
