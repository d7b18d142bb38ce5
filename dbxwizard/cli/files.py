"""The environment files of a command: read, checked, chosen by --environment."""

from __future__ import annotations

from dbxwizard import parameters
from dbxwizard.cli.commands.validate import as_error
from dbxwizard.cli.execution import require_environments
from dbxwizard.cli.invocation import Invocation, in_ci
from dbxwizard.core.errors import OperationError, SeveralErrors
from dbxwizard.parameters import Environment, Loaded


def environments(invocation: Invocation) -> tuple[Environment, ...]:
    """Those that were asked for. Raises UsageError, or SeveralErrors, for every problem of theirs."""
    loaded = parameters.load_all(invocation.root, ci=in_ci(invocation.environ))
    _require_known(invocation, loaded.files)
    chosen = [file for file in loaded.files if _is_chosen(invocation, file)]
    names = {file.document.name for file in chosen} | {str(invocation.root)}
    _raise([as_error(one) for one in loaded.problems if one.severity == "error" and one.location.file in names])
    found = {environment.name for environment in loaded.environments}
    return tuple(file.environment for file in chosen if file.environment and file.environment.name in found)


def drafts(invocation: Invocation) -> tuple[Environment, ...]:
    """For setup, which fills in what is blank: everything but placeholders has to be right in all files."""
    loaded = parameters.load_all(invocation.root)
    wrong = [one for one in loaded.problems if one.severity == "error" and one.code != "placeholder"]
    _raise([as_error(one) for one in wrong])
    _require_known(invocation, loaded.files)
    return tuple(file.draft for file in loaded.files if file.draft and _is_chosen(invocation, file))


def readable(invocation: Invocation) -> tuple[Environment, ...]:
    """Those that were asked for, as far as they can be read, whatever is wrong with them."""
    loaded = parameters.load_all(invocation.root).files
    _require_known(invocation, loaded)
    return tuple(file.draft for file in loaded if file.draft and _is_chosen(invocation, file))


def _require_known(invocation: Invocation, files: tuple[Loaded, ...]) -> None:
    known = [file.draft.name if file.draft else file.document.path.stem for file in files]
    if known:
        require_environments(invocation.many("environment"), known)


def _is_chosen(invocation: Invocation, file: Loaded) -> bool:
    asked = {name.lower() for name in invocation.many("environment")}
    name = file.draft.name if file.draft else file.document.path.stem
    return not asked or name.lower() in asked


def _raise(errors: list[OperationError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SeveralErrors(errors)
