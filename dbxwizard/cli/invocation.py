"""One call of the program: what was asked, with every value decided by option, environment or default."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.errors import UsageError
from dbxwizard.core.options import Kind, Option


@dataclass(frozen=True, slots=True)
class Invocation:
    """`values`: what the command line gave; `interactive` is False in CI, without a terminal, and when asked for."""

    command: str
    options: Mapping[str, Option]
    values: Mapping[str, object]
    words: tuple[str, ...]  # positional arguments
    environ: Mapping[str, str]
    interactive: bool
    output: str
    run_id: str

    def text(self, name: str) -> str:
        """The value of an option: given, else by the environment, else its default ("" when there is none)."""
        given = self.values.get(name)
        if isinstance(given, str):
            return given
        option = self.options[name]
        value = option.from_environment(self.environ) or option.default
        return self._checked(option, value)

    def flag(self, name: str) -> bool:
        if self.values.get(name):
            return True
        value = self.options[name].from_environment(self.environ)
        return value is not None and value.lower() not in ("0", "false", "no", "off")

    def many(self, name: str) -> tuple[str, ...]:
        given = self.values.get(name)
        return tuple(str(item) for item in given) if isinstance(given, Sequence) else ()

    @property
    def root(self) -> Path:
        return Path(self.text("root")).expanduser()

    def require(self, *names: str) -> None:
        """Raises one UsageError that lists everything undecided."""
        missing = [self.options[name] for name in names if not self.text(name)]
        if missing:
            ways = ", ".join(f"--{option.name} (or {option.variables[0]})" for option in missing)
            raise UsageError(
                "decision-missing",
                f"{self.command} needs {ways}",
                resource=self.command,
                fix="Give the options, or set the environment variables.",
            )

    def _checked(self, option: Option, value: str) -> str:
        if option.kind is Kind.CHOICE and value and value not in option.choices:
            raise UsageError(
                "option-invalid",
                f"{value!r} from the environment is not one of {', '.join(option.choices)}",
                resource=f"--{option.name}",
            )
        return value


def forwarded(invocation: Invocation, command: str) -> list[str]:
    """The options that were given and that `command` has too, as arguments for a process that runs it."""
    from dbxwizard.cli.commands import BY_NAME

    arguments: list[str] = []
    for option in BY_NAME[command].options:
        value = invocation.values.get(option.key)
        if option.kind is Kind.FLAG:
            arguments += [f"--{option.name}"] if value else []
        else:
            values = invocation.many(option.key) if option.kind is Kind.MANY else (value,)
            arguments += [f"--{option.name}={one}" for one in values if one is not None]
    return arguments


def in_ci(environ: Mapping[str, str]) -> bool:
    return environ.get("CI", "").lower() in ("1", "true")


def is_interactive(values: Mapping[str, object], environ: Mapping[str, str]) -> bool:
    """Whether somebody can be asked: not in CI, not without a terminal on both sides, not when told otherwise."""
    return not (values.get("non_interactive") or in_ci(environ)) and sys.stdin.isatty() and sys.stderr.isatty()


def output_form(values: Mapping[str, object], environ: Mapping[str, str]) -> str:
    given = values.get("output") or environ.get("DBXWIZARD_OUTPUT")
    return str(given or ("github" if environ.get("GITHUB_ACTIONS") == "true" else "text"))


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where everything durable lies: DBXWIZARD_STATE_DIR, or the user's state directory."""
    given = environ.get("DBXWIZARD_STATE_DIR")
    if given:
        return Path(given).expanduser()
    from platformdirs import user_state_path

    return user_state_path("dbxwizard")
