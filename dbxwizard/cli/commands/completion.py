"""`dbxwizard completion bash|zsh|fish`: completion scripts, made from the declared commands."""

from __future__ import annotations

from dbxwizard.cli.commands import SHOWN, Command
from dbxwizard.cli.invocation import Invocation
from dbxwizard.cli.report import Report
from dbxwizard.core.errors import UsageError
from dbxwizard.core.options import ENVIRONMENTS, WORKFLOW, Kind, Option
from dbxwizard.core.result import Status


def run(invocation: Invocation) -> Report:
    shells = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    if not invocation.words:
        raise UsageError("usage", "a shell is needed: bash, zsh or fish", resource="dbxwizard completion")
    return Report("completion", invocation.run_id, Status.SUCCESS, document=shells[invocation.words[0]]())


# The environments of the folder that one is in, by the names of their files.
_BASH_ENVIRONMENTS = 'for f in environments/*.json; do f=${f##*/}; [ "$f" = schema.json ] || echo "${f%.json}"; done'
_FISH_ENVIRONMENTS = '(path basename environments/*.json | path change-extension "" | string match -v schema)'
# The workflows of the folder, by the names of their files.
_BASH_WORKFLOWS = "(cd .github/workflows 2>/dev/null && echo *.yml)"
_FISH_WORKFLOWS = "(path basename .github/workflows/*.yml)"
_PATHS = ("FILE", "DIR")


def _names(command: Command) -> str:
    words = [choice for words in command.words for choice in (*words.choices, *words.offers)]
    words += [f"${_BASH_WORKFLOWS}" for words in command.words if words.workflows]
    return " ".join([*(spelling for option in command.options for spelling in _spellings(option)), *words])


def _spellings(option: Option) -> list[str]:
    return [f"--{option.name}", *([f"-{option.short}"] if option.short else [])]


def _takes_files(command: Command) -> bool:
    return any(words.name in _PATHS for words in command.words)


def _bash() -> str:
    """A function that offers commands, then options and choices; what it leaves open, the shell offers files for."""
    return "\n".join(
        [
            "_dbxwizard() {",
            '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
            "  COMPREPLY=()",
            '  case "${COMP_WORDS[1]} $before" in',
            *(f'    {names}) COMPREPLY=($(compgen -W "{words}" -- "$word")); return;;' for names, words in _choices()),
            f"    {'|'.join(_of_paths())}) return;;",
            "  esac",
            '  case "${COMP_WORDS[1]}" in',
            *(f"    {command.name}) {_bash_words(command)};;" for command in SHOWN),
            f'    *) COMPREPLY=($(compgen -W "{" ".join(c.name for c in SHOWN)}" -- "$word"));;',
            "  esac",
            "}",
            "complete -o default -F _dbxwizard dbxwizard",
        ]
    )


def _bash_words(command: Command) -> str:
    offer = f'COMPREPLY=($(compgen -W "{_names(command)}" -- "$word"))'
    return f'[[ "$word" != -* ]] || {offer}' if _takes_files(command) else offer


def _of_paths() -> list[str]:
    """The options whose value is a file or a folder."""
    known = {_pattern(command, one) for command in SHOWN for one in command.options if one.metavar in _PATHS}
    return sorted(known)


def _pattern(command: Command, option: Option) -> str:
    """What stands before the option's value: any command, where they all mean the same by its name."""
    meant = {one for other in SHOWN for one in other.options if one.name == option.name}
    who = "*" if len(meant) == 1 else command.name
    return "|".join(f"{who}\\ {spelling}" for spelling in _spellings(option))


def _choices() -> list[tuple[str, str]]:
    """The pattern of each option that has choices, and what it may be."""
    found: dict[str, str] = {}
    for command, option in ((each, one) for each in SHOWN for one in each.options):
        if option.kind is Kind.CHOICE:
            found[_pattern(command, option)] = " ".join(option.choices)
        elif option is ENVIRONMENTS:
            found[_pattern(command, option)] = f"$({_BASH_ENVIRONMENTS})"
        elif option is WORKFLOW:
            found[_pattern(command, option)] = f"${_BASH_WORKFLOWS}"
    return list(found.items())


def _zsh() -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + _bash()


def _fish() -> str:
    lines = ["complete -c dbxwizard -f"]
    for command in SHOWN:
        seen = f"__fish_seen_subcommand_from {command.name}"
        lines.append(f"complete -c dbxwizard -n __fish_use_subcommand -a {command.name} -d '{_quoted(command.help)}'")
        lines += [_fish_option(seen, option) for option in command.options]
        words = " ".join(choice for words in command.words for choice in (*words.choices, *words.offers))
        words += f" {_FISH_WORKFLOWS}" if any(one.workflows for one in command.words) else ""
        lines += [f"complete -c dbxwizard -n '{seen}' -a '{words}'"] if words else []
        lines += [f"complete -c dbxwizard -n '{seen}' -F"] if _takes_files(command) else []
    return "\n".join(lines)


def _fish_option(seen: str, option: Option) -> str:
    short = f" -s {option.short}" if option.short else ""
    return f"complete -c dbxwizard -n '{seen}' -l {option.name}{short}{_fish_value(option)} -d '{_quoted(option.help)}'"


def _fish_value(option: Option) -> str:
    if option.kind is Kind.FLAG:
        return ""
    if option is ENVIRONMENTS:
        return f" -x -a '{_FISH_ENVIRONMENTS}'"
    if option is WORKFLOW:
        return f" -x -a '{_FISH_WORKFLOWS}'"
    if option.choices:
        return f" -x -a '{' '.join(option.choices)}'"
    return " -r -F" if option.metavar in _PATHS else " -x"


def _quoted(text: str) -> str:
    return text.replace("'", "\\'")
