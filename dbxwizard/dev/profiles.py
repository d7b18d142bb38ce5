"""The profile of an environment in Databricks' configuration file; everything else in the file is left as it is.

docs.databricks.com/dev-tools/auth/config-profiles; the SDK reads the file with configparser.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from pathlib import Path

from dbxwizard.core.errors import Location, UsageError
from dbxwizard.dev.changes import FileChange, existing, exists, newline

MODE = 0o600  # other profiles of the file may hold tokens
_SECTION = re.compile(r"^\[(?P<name>[^\]\r\n]+)\]", re.MULTILINE)


def profile_name(environment: str) -> str:
    return f"dbxwizard-{environment.lower()}"


def config_file(environ: Mapping[str, str]) -> Path:
    """Where Databricks' tools look for profiles."""
    return Path(environ.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg").expanduser()


def config_for(environ: Mapping[str, str], state_folder: Path, *, sandbox: bool) -> Path:
    """The sandbox's profile does not go among those of real workspaces, unless somebody says where."""
    if sandbox and not environ.get("DATABRICKS_CONFIG_FILE"):
        return state_folder / "databrickscfg"
    return config_file(environ)


def read_profile(path: Path, name: str) -> dict[str, str]:
    """The fields of a profile, {} where there is none. Raises UsageError for a file that no tool can read."""
    return _parsed(existing(path).text, path).get(name, {})


def profile_change(path: Path, name: str, wanted: Mapping[str, str]) -> FileChange | None:
    """None where the file says all of it. Raises UsageError."""
    document = existing(path)
    there = _parsed(document.text, path).get(name)
    after = with_profile(document.text, name, {key: v for key, v in wanted.items() if (there or {}).get(key) != v})
    loose = exists(document) and bool(path.stat().st_mode & 0o077)
    if there is not None and after == document.text and not loose:
        return None
    why = f"profile {name}" if after != document.text else "others can read it"
    return FileChange(document, str(path), after, exists(document) and after != document.text, why, MODE)


def with_profile(text: str, name: str, wanted: Mapping[str, str]) -> str:
    """The text with these fields in a profile; comments, order and other profiles stay."""
    end = newline(text)
    section = next((found for found in _SECTION.finditer(text) if found["name"] == name), None)
    if section is None:
        start = text if not text or text.endswith("\n") else text + end
        lines = [*([""] if text.strip() else []), f"[{name}]", *(f"{key} = {value}" for key, value in wanted.items())]
        return start + "".join(line + end for line in lines)
    following = _SECTION.search(text, section.end())
    stop = following.start() if following else len(text)
    body = text[section.end() : stop]
    for key, value in wanted.items():
        body = _with_field(body, key, value, end)
    return text[: section.end()] + body + text[stop:]


def _with_field(body: str, key: str, value: str, end: str) -> str:
    """`body`: what follows a section's header, from the rest of its line on."""
    found = re.search(rf"^{re.escape(key)}[ \t]*[=:][ \t]*(?P<value>[^\r\n]*)", body, re.MULTILINE | re.IGNORECASE)
    if found:
        return body[: found.start("value")] + value + body[found.end("value") :]
    kept = body.rstrip()
    last = body.find("\n", len(kept))
    place = last + 1 if last >= 0 else len(body)
    before = body[:place] if body[:place].endswith("\n") else body[:place] + end
    return f"{before}{key} = {value}{end}{body[place:]}"


def _parsed(text: str, path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next((one[0] for one in getattr(error, "errors", ())), 1)
        raise UsageError(
            "config-invalid",
            error.message.splitlines()[0].replace("'<string>'", "the file")
            if error.message
            else "no configuration file",
            resource=str(path),
            fix="mend the line: Databricks' own tools can't read the file either",
            location=Location(str(path), int(line)),
        ) from error
    return {name: dict(parser.items(name)) for name in parser.sections()}
