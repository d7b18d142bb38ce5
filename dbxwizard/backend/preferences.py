"""How a person likes the program to look: kept for all projects of theirs."""

from __future__ import annotations

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
        text = (state_folder / _FILE).read_bytes()
    except OSError:
        return Preferences()
    import json  # not where nothing is kept: the first frame waits for this

    try:
        found = json.loads(text)
        return Preferences(str(found["theme"]))
    except (ValueError, KeyError, TypeError):
        return Preferences()


def write(state_folder: Path, preferences: Preferences) -> None:
    """Where the disk refuses they last until the program ends."""
    import json

    with suppress(OSError):
        state_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (state_folder / _FILE).write_text(json.dumps(asdict(preferences)), encoding="utf-8")
