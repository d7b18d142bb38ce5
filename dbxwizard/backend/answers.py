"""What a person has decided in the wizard: kept on disk, so that it goes on where it was closed. Never a secret."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from dbxwizard.core.errors import OperationError, UsageError

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Answers:
    """The decisions of `dbxwizard setup`, under its options' names, and where the wizard is.

    `page`: the key of the page that is open; `visited`: those that the person has left by Next.
    """

    tenant: str = ""
    subscription: str = ""
    subscription_name: str = ""
    repo: str = ""
    sign_in: str = "auto"
    auth: str = "federated"
    isolation: str = "shared"
    owner: bool = False
    main_spn_name: str = ""
    databricks_spn_name: str = ""
    plan_spn_name: str = ""
    role_name: str = "DBX_Custom_Role"
    adopt: tuple[str, ...] = ()
    publish: bool = True
    github_environments: bool = True
    approval: bool = True
    rulesets: bool = True
    reviewers: tuple[str, ...] = ()
    wait_minutes: str = ""
    page: str = ""
    visited: tuple[str, ...] = ()

    def changed(self, **values: Any) -> Answers:
        return replace(self, **values)


class AnswerFile:
    """One file for each project folder, below `state_folder`."""

    def __init__(self, state_folder: Path, root: Path) -> None:
        self._root = root
        key = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
        self._path = state_folder / "answers" / f"{key}.json"

    def read(self) -> Answers:
        """Those that were kept; what can't be read counts as not answered."""
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            found = None
        readable = isinstance(found, dict) and found.get("version") == _VERSION
        return _answers(found) if readable else _as_initialized(self._root)

    def write(self, answers: Answers) -> None:
        """At once or not at all. Raises OperationError `answers-not-kept`."""
        made = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            made.write_text(json.dumps({"version": _VERSION, **asdict(answers)}, indent=2), encoding="utf-8")
            made.replace(self._path)
        except OSError as error:
            made.unlink(missing_ok=True)
            raise OperationError(
                "answers-not-kept",
                error.strerror or str(error),
                resource=str(self._path),
                fix="Check the permissions and the free space of its folder; the wizard goes on meanwhile.",
            ) from error


def _as_initialized(root: Path) -> Answers:
    """What was decided with `init` already, whose workflows are for it."""
    from dbxwizard.backend.workflows.update import read_base

    try:
        base = read_base(root)
    except (OSError, UsageError):
        base = None
    return Answers(auth=base.choices.auth, github_environments=base.choices.environments) if base else Answers()


def _answers(found: Mapping[str, Any]) -> Answers:
    """Fields of the right type; what an older or a damaged file has otherwise is left at its default."""
    default = Answers()
    values: dict[str, Any] = {}
    for field in fields(Answers):
        value, usual = found.get(field.name), getattr(default, field.name)
        if isinstance(usual, tuple) and isinstance(value, list):
            values[field.name] = tuple(map(str, value))
        elif type(value) is type(usual):
            values[field.name] = value
    return Answers(**values)
