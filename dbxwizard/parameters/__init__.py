"""The environment files: read, check, edit without losing a comment, read old forms.

What others use is here; each name is loaded when it is first asked for, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbxwizard.parameters.fixing import Blank, FixResult, blanks, fix, set_values
    from dbxwizard.parameters.loading import Loaded, LoadedAll, find_files, load, load_all, validate
    from dbxwizard.parameters.model import Environment
    from dbxwizard.parameters.problems import Problem, has_errors
    from dbxwizard.parameters.roles import check_roles, roles_in_use

_HOMES = {
    "fixing": ("Blank", "FixResult", "blanks", "fix", "set_values"),
    "loading": ("Loaded", "LoadedAll", "find_files", "load", "load_all", "validate"),
    "model": ("Environment",),
    "problems": ("Problem", "has_errors"),
    "roles": ("check_roles", "roles_in_use"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Blank",
    "Environment",
    "FixResult",
    "Loaded",
    "LoadedAll",
    "Problem",
    "blanks",
    "check_roles",
    "find_files",
    "fix",
    "has_errors",
    "load",
    "load_all",
    "roles_in_use",
    "set_values",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
