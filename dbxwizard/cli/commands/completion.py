"""`dbxwizard completion bash|zsh|fish`: completion scripts, made from the declared commands."""

from __future__ import annotations

from dbxwizard.cli.commands import SHOWN, Command
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.core.errors import UsageError
from dbxwizard.core.options import Kind, Option
from dbxwizard.core.result import Status


def run(invocation: Invocation) -> Report:
    shells = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    if not invocation.words:
        raise UsageError("usage", "a shell is needed: bash, zsh or fish", resource="dbxwizard completion")
    return Report("completion", invocation.run_id, Status.SUCCESS, document=shells[invocation.words[0]]())


def _names(command: Command) -> str:
    words = [choice for words in command.words for choice in words.choices]
    return " ".join([*(f"--{option.name}" for option in command.options), *words])


def _bash() -> str:
    """A function that offers commands, then options, choices and file names."""
    values = dict(_choices())
    return "\n".join(
        [
            "_dbxwizard() {",
            '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
            '  case "$before" in',
            *(
                f'    {name}) COMPREPLY=($(compgen -W "{words}" -- "$word")); return;;'
                for name, words in values.items()
            ),
            "  esac",
            '  case "${COMP_WORDS[1]}" in',
            *(f'    {c.name}) COMPREPLY=($(compgen -W "{_names(c)}" -f -- "$word"));;' for c in SHOWN),
            f'    *) COMPREPLY=($(compgen -W "{" ".join(c.name for c in SHOWN)}" -- "$word"));;',
            "  esac",
            "}",
            "complete -F _dbxwizard dbxwizard",
        ]
    )


def _choices() -> list[tuple[str, str]]:
    return [
        (f"--{option.name}", " ".join(option.choices))
        for command in SHOWN
        for option in command.options
        if option.kind is Kind.CHOICE
    ]


def _zsh() -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + _bash()


def _fish() -> str:
    lines = ["complete -c dbxwizard -f"]
    for command in SHOWN:
        seen = f"__fish_seen_subcommand_from {command.name}"
        lines.append(f"complete -c dbxwizard -n __fish_use_subcommand -a {command.name} -d '{_quoted(command.help)}'")
        lines += [_fish_option(seen, option) for option in command.options]
        words = " ".join(choice for words in command.words for choice in words.choices)
        lines += [f"complete -c dbxwizard -n '{seen}' -a '{words}'"] if words else []
    return "\n".join(lines)


def _fish_option(seen: str, option: Option) -> str:
    takes = f" -x -a '{' '.join(option.choices)}'" if option.choices else "" if option.kind is Kind.FLAG else " -r"
    return f"complete -c dbxwizard -n '{seen}' -l {option.name}{takes} -d '{_quoted(option.help)}'"


def _quoted(text: str) -> str:
    return text.replace("'", "\\'")
