"""What is wrong with the options of a call, found before anything is read or sent."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dbxwizard.core.errors import UsageError
from dbxwizard.core.options import Kind

if TYPE_CHECKING:
    from dbxwizard.cli.invocation import Invocation

# git-scm.com/docs/git-check-ref-format
_NO_REF = re.compile(r"^[-/.]|\.\.|[\x00-\x20~^:?*\[\\\x7f]|@\{|//|/\.|\.lock(/|$)|[/.]$|^@$")


def check(invocation: Invocation) -> None:
    """Raises UsageError for the first value, given or of the environment, that can't be right."""
    for name, option in invocation.options.items():
        if option.kind is Kind.CHOICE:
            invocation.text(name)
        looks = _CHECKS.get(name)
        value = invocation.text(name) if looks else ""
        if looks and (value or name in _given(invocation)):
            _raise_for(f"--{option.name}", value, looks)
    root = invocation.root if "root" in invocation.options else None
    if root and not root.is_dir() and (invocation.command != "init" or root.exists() or root.is_symlink()):
        raise UsageError("not-a-folder", "a folder is needed", resource=str(root), fix="Give another --root.")


def _given(invocation: Invocation) -> set[str]:
    return {name for name, value in invocation.values.items() if value is not None}


def _raise_for(option: str, value: str, looks: Callable[[str], str]) -> None:
    try:
        problem = looks(value)
    except OSError as error:
        problem = error.strerror or str(error)
    except ValueError as error:  # a file name with a null character
        problem = str(error)
    if problem:
        raise UsageError("option-invalid", f"{value!r}: {problem}", resource=option)


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
}
