"""The folder of a project: its files are read, checked and chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dbxwizard import parameters
from dbxwizard.core.errors import OperationError, SeveralErrors, UsageError
from dbxwizard.parameters import Environment, Loaded, LoadedAll, Problem

_KEPT: dict[tuple[Path, bool], tuple[tuple[object, ...], LoadedAll]] = {}


def loaded_files(root: Path, *, ci: bool = False) -> LoadedAll:
    """As `parameters.load_all`, but read anew only when a file has changed: a file takes some 10 ms, and a program that
    stays open asks all the time."""
    key, seen = (root, ci), _signature(root)
    kept = _KEPT.get(key)
    if kept is None or kept[0] != seen:
        kept = _KEPT[key] = seen, parameters.load_all(root, ci=ci)
    return kept[1]


def _signature(root: Path) -> tuple[object, ...]:
    """What changes when a file is written, replaced, added or removed, or a folder beside environments/ is."""
    try:
        found = [(path, path.stat()) for path in (root, *parameters.find_files(root))]
    except OSError:  # gone in between: no two of these are alike
        return (object(),)
    return tuple((path, stat.st_mtime_ns, stat.st_size, stat.st_ino) for path, stat in found)


def environments(root: Path, names: Sequence[str] = (), *, ci: bool = False) -> tuple[Environment, ...]:
    """Those that are named (none: all). Raises UsageError, or SeveralErrors, for every problem of theirs."""
    loaded = loaded_files(root, ci=ci)
    _require_known(names, loaded.files)
    chosen = [file for file in loaded.files if _is_chosen(names, file)]
    files = {file.document.name for file in chosen} | {str(root)}
    _raise([as_error(one) for one in loaded.problems if one.severity == "error" and one.location.file in files])
    found = {environment.name for environment in loaded.environments}
    return tuple(file.environment for file in chosen if file.environment and file.environment.name in found)


def drafts(root: Path, names: Sequence[str] = ()) -> tuple[Environment, ...]:
    """For setup, which fills in what is blank: everything but placeholders has to be right in all files."""
    loaded = loaded_files(root)
    wrong = [one for one in loaded.problems if one.severity == "error" and one.code != "placeholder"]
    _raise([as_error(one) for one in wrong])
    _require_known(names, loaded.files)
    return _drafts(names, loaded.files)


def readable(root: Path, names: Sequence[str] = ()) -> tuple[Environment, ...]:
    """Those that are named, as far as they can be read, whatever is wrong with them."""
    loaded = loaded_files(root).files
    _require_known(names, loaded)
    return _drafts(names, loaded)


def as_error(problem: Problem) -> OperationError:
    """A problem in the form that every face reports."""
    return UsageError(
        problem.code, problem.message, resource=problem.location.file, fix=problem.fix, location=problem.location
    )


def _drafts(names: Sequence[str], files: Sequence[Loaded]) -> tuple[Environment, ...]:
    return tuple(file.draft for file in files if file.draft and _is_chosen(names, file))


def _require_known(names: Sequence[str], files: Sequence[Loaded]) -> None:
    """Raises UsageError for a name that no file has."""
    known = list(map(_name, files))
    unknown = [name for name in names if name.lower() not in {item.lower() for item in known}]
    if known and unknown:
        raise UsageError(
            "unknown-environment",
            f"there is no environment {', '.join(unknown)}",
            resource="--environment",
            fix=f"The files know: {', '.join(known)}.",
        )


def _is_chosen(names: Sequence[str], file: Loaded) -> bool:
    asked = {name.lower() for name in names}
    return not asked or _name(file).lower() in asked


def _name(file: Loaded) -> str:
    return file.draft.name if file.draft else file.document.path.stem


def _raise(errors: list[OperationError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SeveralErrors(errors)
