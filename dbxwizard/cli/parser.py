"""The command line, built from the declared commands and options."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NoReturn

from dbxwizard import __version__
from dbxwizard.cli.commands import BY_NAME, COMMANDS, OPEN, SHOWN, Command
from dbxwizard.core.errors import UsageError
from dbxwizard.core.options import Kind, Option

_OF_ALL = ("-h", "--help", "--version")  # these tell of the whole program
_EPILOG = """without a command the terminal program opens: a wizard for the first time, a console for every day (its
options: dbxwizard open --help). exit codes: 0 done or nothing to do, 1 a step failed, 2 wrong usage or an invalid file
(nothing was sent), 3 not signed in or not allowed, 4 plan shows changes (--detailed-exitcode), 130 cancelled"""


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving, so that a wrong option is reported in the form that was asked for."""

    def error(self, message: str) -> NoReturn:
        raise _usage(message, self.prog)


def build(called: str = "") -> argparse.ArgumentParser:
    """Knows all commands, and the options of the one that is called: those of all take longer than to start."""
    parser = _Parser(
        prog="dbxwizard",
        description="Bring Azure Databricks under CI/CD: four environments, no secret, no portal.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"dbxwizard {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=_Parser)
    for command in COMMANDS:
        _add_command(commands, command, whole=command.name == called)
    return parser


def _add_command(commands: Any, command: Command, *, whole: bool) -> None:
    listed = {} if command.hidden else {"help": command.help}
    name = "dbxwizard" if command.name == OPEN else None
    made = commands.add_parser(command.name, description=command.help, allow_abbrev=False, prog=name, **listed)
    if not whole:
        return
    for number, words in enumerate(command.words):
        made.add_argument(
            f"words{number}", nargs=words.count, metavar=words.name, help=words.help, choices=words.choices or None
        )
    for option in command.options:
        _add_option(made, option)


def _add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    names = ([f"-{option.short}"] if option.short else []) + [f"--{option.name}"]
    details: dict[str, Any] = {"dest": option.key, "help": _help(option), "default": None}
    if option.kind is Kind.FLAG:
        details["action"] = "store_true"
    elif option.kind is Kind.MANY:
        details |= {"action": "append", "metavar": option.metavar}
    elif option.kind is Kind.CHOICE:
        details["choices"] = option.choices
    else:
        details["metavar"] = option.metavar or option.key.upper()
    parser.add_argument(*names, **details)


def _help(option: Option) -> str:
    default = f" (default: {option.default})" if option.default else ""
    variables = f" [{option.variables[0]}]" if option.variables else ""
    return f"{option.help}{default}{variables}".replace("%", "%%")


def parse(arguments: Sequence[str]) -> dict[str, Any]:
    """The values by option key, with `command` and `words`. Raises UsageError; leaves for --help and --version.

    Options before any command are those of the terminal program; what follows `--` are words, whatever they look like.
    """
    arguments, after = _parted(arguments)
    opening = bool(arguments) and arguments[0].startswith("-") and arguments[0] not in _OF_ALL
    arguments = [OPEN, *arguments] if opening else arguments
    if arguments and not arguments[0].startswith("-") and arguments[0] not in BY_NAME:
        raise _no_command(arguments[0])
    parser = build(arguments[0] if arguments else "")
    found, rest = parser.parse_known_args(arguments)
    values = vars(found)
    command = BY_NAME.get(values["command"] or "")
    names = [f"words{number}" for number in range(len(command.words) if command else 0)]
    # argparse takes words that may be missing for missing where options stand between them, and those behind for wrong.
    for words, name in zip(command.words if command else (), names, strict=True):
        if words.count == "*":
            more, rest = _leading_words(rest)
            values[name] = [*(values[name] or ()), *more]
        if values[name] is None and rest and not rest[0].startswith("-") and name != names[0]:
            values[name] = rest.pop(0)
    if rest or (after and not (command and any(words.count == "*" for words in command.words))):
        raise _unknown([*rest, *after], command)
    given = [values.pop(name) for name in names]
    values["words"] = tuple(
        word for one in (*given, after) for word in (one if isinstance(one, list) else [one]) if word is not None
    )
    return values


def _no_command(name: str) -> UsageError:
    """Said by itself: argparse would list those too that nobody types."""
    return _usage(f"there is no command {name}{_near(name, [command.name for command in SHOWN])}", "dbxwizard")


def _unknown(words: Sequence[str], command: Command | None) -> UsageError:
    options = [f"--{option.name}" for option in command.options] if command else []
    near = _near(words[0].partition("=")[0], options)
    program = f"dbxwizard {command.name}" if command else "dbxwizard"
    return _usage(f"unrecognized arguments: {' '.join(words)}{near}", program)


def _usage(message: str, program: str) -> UsageError:
    return UsageError("usage", message, resource=program, fix=f"See `{program} --help`.")


def _near(word: str, names: Sequence[str]) -> str:
    """Takes 4 ms to load, and only where something is wrong."""
    from difflib import get_close_matches

    near = [name for name in names if len(word) > 3 and name.startswith(word)]
    near = near or get_close_matches(word, names, 1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""


def _parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before the first `--`, and what follows it."""
    before = list(takewhile(lambda word: word != "--", arguments))
    return before, list(arguments[len(before) + 1 :])


def _leading_words(rest: list[str]) -> tuple[list[str], list[str]]:
    """What stands before the next option, and what follows it."""
    words = list(takewhile(lambda word: not word.startswith("-"), rest))
    return words, rest[len(words) :]
