"""What is wrong with the options of a call, found before anything is read or sent."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dbxwizard.core.errors import UsageError
from dbxwizard.core.options import Kind, Option

if TYPE_CHECKING:
    from dbxwizard.cli.invocation import Invocation

_SHOWN = 80  # characters of a wrong value that its error repeats
_MOST_DIGITS = 18
_LONGEST_NAME = 256  # characters of an application's display name (learn.microsoft.com/graph/api/resources/application)
_LONGEST_ROLE_NAME = 512  # learn.microsoft.com/azure/role-based-access-control/custom-roles
_LONGEST_TITLE = 256  # characters; what GitHub takes for a pull request
_LONGEST_TEXT = 65_536  # characters; what GitHub takes in a comment
_LONGEST_WAIT = 43_200  # minutes: 30 days (docs.github.com/rest/deployments/environments)
_MOST_PATIENCE = 3600  # seconds
_MOST_RUNS = 1000  # GitHub searches no further; no run has more attempts either
# git-scm.com/docs/git-check-ref-format
_NO_REF = re.compile(r"^[-/.]|\.\.|[\x00-\x20~^:?*\[\\\x7f]|@\{|//|/\.|\.lock(/|$)|[/.]$|^@$")

WORKFLOW_FILE = re.compile(r"(?!\.)[^/\\\x00-\x1f]{1,250}\.ya?ml")
# Logins of companies' managed users hold an underscore (docs.github.com/admin/managing-iam).
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
REVIEWER = re.compile(rf"{_NAME}|team:{_NAME}/{_NAME}")


def check(invocation: Invocation) -> None:
    """Raises UsageError for the first value, given or of the environment, that can't be right."""
    for name, option in invocation.options.items():
        if option.kind is Kind.CHOICE:
            invocation.text(name)
        looks = _CHECKS.get(f"{invocation.command} {name}") or _CHECKS.get(name)
        for value in _values(invocation, option):
            if looks:
                _raise_for(f"--{option.name}", value, looks)
    root = invocation.root if "root" in invocation.options else None
    if root and not root.is_dir() and (invocation.command != "init" or root.exists() or root.is_symlink()):
        raise UsageError("not-a-folder", "a folder is needed", resource=str(root), fix="Give another --root.")


def _values(invocation: Invocation, option: Option) -> tuple[str, ...]:
    """What is to be looked at: what somebody decided, an empty text too where it was given, but no default."""
    if option.kind is Kind.MANY:
        return invocation.many(option.key)
    value = invocation.text(option.key)
    return (value,) if value != option.default or invocation.values.get(option.key) is not None else ()


def _raise_for(option: str, value: str, looks: Callable[[str], str]) -> None:
    try:
        problem = looks(value)
    except OSError as error:
        problem = error.strerror or str(error)
    except ValueError as error:  # a file name with a null character
        problem = str(error)
    if problem:
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
        raise UsageError("option-invalid", f"{shown!r}: {problem}", resource=option)


def _guid(text: str) -> str:
    try:
        uuid.UUID(text)
    except ValueError:
        return "not a GUID"
    return ""


def _repository(text: str) -> str:
    return "" if re.fullmatch(r"[^/\s]+/[^/\s]+", text) else "not of the form OWNER/NAME"


def _ref(text: str) -> str:
    return "not the name of a branch, a tag or a commit" if not text or _NO_REF.search(text) else ""


def _commit(text: str) -> str:
    return "" if re.fullmatch(r"([0-9a-fA-F]{7,64})?", text) else "not the id of a commit"


def _writable(text: str) -> str:
    if not text or text == "-":
        return "" if text else "the name of a file is needed"
    path = Path(text)
    is_new = not path.exists()
    path.open("a").close()
    if is_new:
        path.unlink()
    return ""


def _saved_plan(text: str) -> str:
    from dbxwizard.core.plan import load_saved

    load_saved(Path(text).read_bytes(), file=text)
    return ""


def _cloud(text: str) -> str:
    from dbxwizard.clients.cloud import known_cloud

    if not text.startswith("https://"):
        known_cloud(text)
    return ""


def _number(least: int, most: int) -> Callable[[str], str]:
    def looks(text: str) -> str:
        is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
        return "" if is_number and least <= int(text) <= most else f"a number from {least} to {most} is needed"

    return looks


def _text(most: int) -> Callable[[str], str]:
    def looks(text: str) -> str:
        if not text.strip():
            return "some text is needed"
        return "" if len(text) <= most else f"it has {len(text)} characters, and {most} are the most"

    return looks


def _workflow(text: str) -> str:
    return "" if WORKFLOW_FILE.fullmatch(text) else "not the name of a workflow's file, as deploy.yml"


def _input(text: str) -> str:
    name, equals, _ = text.partition("=")
    return "" if name.strip() and equals else "not of the form NAME=VALUE"


def _part_of_commit(text: str) -> str:
    return "" if re.fullmatch(r"[0-9a-fA-F]{4,64}", text) else "not the id of a commit"


def _time(text: str) -> str:
    from dbxwizard.telemetry import seconds_of

    seconds_of(text)
    return ""


def _reviewer(text: str) -> str:
    return "" if REVIEWER.fullmatch(text) else "neither a login nor a team as team:ORG/SLUG"


# By option; by command and option where the commands mean different things.
_CHECKS: Mapping[str, Callable[[str], str]] = {
    "subscription": _guid,
    "cloud": _cloud,
    "repo": _repository,
    "ref": _ref,
    "since": _commit,
    "plan": _saved_plan,
    "events": _writable,
    "log_file": _writable,
    "save": _writable,
    "main_spn_name": _text(_LONGEST_NAME),
    "databricks_spn_name": _text(_LONGEST_NAME),
    "plan_spn_name": _text(_LONGEST_NAME),
    "role_name": _text(_LONGEST_ROLE_NAME),
    "reviewer": _reviewer,
    "wait_minutes": _number(0, _LONGEST_WAIT),
    "prove_sign_in": _number(0, _MOST_PATIENCE),
    "plan comment": _number(1, 10**_MOST_DIGITS - 1),
    "workflow": _workflow,
    "branch": _ref,
    "limit": _number(1, _MOST_RUNS),
    "input": _input,
    "job": _text(_LONGEST_TEXT),
    "attempt": _number(1, _MOST_RUNS),
    "runs comment": _text(_LONGEST_TEXT),
    "message": _text(_LONGEST_TEXT),
    "title": _text(_LONGEST_TITLE),
    "head": _ref,
    "base": _ref,
    "at": _ref,
    "within": _time,
    "commit": _part_of_commit,
    "job_run": _number(1, 10**_MOST_DIGITS - 1),
}
