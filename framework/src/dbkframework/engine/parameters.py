"""What a job gives its task: parameters of a script, widgets of a notebook."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dbkframework.engine.place import dbutils


def get_parameter(name: str, default: str = "", argv: Sequence[str] | None = None) -> str:
    """The parameter of this name: `--name VALUE` or `--name=VALUE` of a script, or a notebook's widget; else `default`.

    A reference that the job left as it was (`{{job.run_id}}`) counts as not given.

    >>> get_parameter("folds", "5", argv=["--folds=3"])
    '3'
    >>> get_parameter("folds", "5", argv=["--folds", "{{job.parameters.folds}}"])
    '5'
    """
    given = _argument(name, sys.argv[1:] if argv is None else argv)
    value = _widget(name) if given is None else given
    return default if value is None or value.startswith("{{") else value


def _argument(name: str, argv: Sequence[str]) -> str | None:
    option = f"--{name}"
    for position, argument in enumerate(argv):
        if argument == option and position + 1 < len(argv):
            return argv[position + 1]
        if argument.startswith(f"{option}="):
            return argument.removeprefix(f"{option}=")
    return None


def _widget(name: str) -> str | None:
    here = dbutils()
    if here is None:
        return None
    try:
        return str(here.widgets.get(name))
    except Exception:  # the notebook has no such widget; what is raised then differs between runtimes
        return None
