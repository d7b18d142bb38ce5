"""The workflows that `init` writes, rendered here alone from the templates in workflows/ and a project's choices.

In a template, a line that starts with `#:` is ours: `if CHOICE`, `if not CHOICE`, both joined by `and`, `else`, `end`,
and `use PART name=value …`, which puts in a file of parts/ at that indentation. `#{name}` is one of the values that the
part itself was given; a line with one that was not is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from dbxwizard import __version__, bundled

FOLDER = ".github/workflows"
REQUIREMENTS = ".github/dbxwizard-requirements.txt"
_PLACEHOLDER = re.compile(r"#\{(\w+)\}")
_VALUES = re.compile(r"(\w+)=(.*?)(?=\s+\w+=[^=]|$)")
_EVERYWHERE = ("ignored", "called")  # values that a part has without being given them
_WITHOUT_ENVIRONMENTS = " # zizmor: ignore[secrets-outside-env] this repository has no environments"

_CALLED_ON_SERVER = "./.github/workflows/deploy.yml # zizmor: ignore[self-repository] Enterprise Server lacks it"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the files depend on. `server`: a GitHub Enterprise Server, which knows neither `queue: max` nor `$/`."""

    auth: str = "federated"  # or secret
    environments: bool = True  # GitHub environments; False: the repository's own variables and secrets
    server: bool = False

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @property
    def _truths(self) -> Mapping[str, bool]:
        return {"federated": self.auth == "federated", "environments": self.environments, "server": self.server}

    def meet(self, condition: str) -> bool:
        return all(self._meets(term.split()) for term in condition.split(" and "))

    def _meets(self, term: list[str]) -> bool:
        return self._truths[term[-1]] is not (term[0] == "not")


def rendered(choices: Choices, install: Iterable[str]) -> dict[str, str]:
    """The text of each file by its path; `install`: the lines of the requirements that name dbxwizard itself."""
    shipped = {name: content.decode() for name, content in bundled.files("workflows")}
    files = {f"{FOLDER}/{name}": _render(shipped, f"workflows/{name}", choices) for name in bundled.WORKFLOWS}
    return files | {REQUIREMENTS: _requirements(shipped["workflows/requirements.txt"], install)}


def _render(shipped: Mapping[str, str], name: str, choices: Choices) -> str:
    values = {
        "ignored": "" if choices.environments else _WITHOUT_ENVIRONMENTS,
        "called": _CALLED_ON_SERVER if choices.server else "$/.github/workflows/deploy.yml",
    }
    return "\n".join(_lines(shipped, name, choices, values)) + "\n"


def _lines(shipped: Mapping[str, str], name: str, choices: Choices, values: Mapping[str, str]) -> Iterator[str]:
    """The lines of a template for these choices, with what it uses."""
    kept = [True]  # whether each open `if` keeps its lines, the outermost first
    for line in shipped[name].splitlines():
        indent, directive, words = line.partition("#: ")
        if not directive or indent.strip():
            if all(kept) and _is_filled(line, values):
                yield _PLACEHOLDER.sub(lambda found: values[found[1]], line)
            continue
        verb, _, rest = words.partition(" ")
        if verb == "if":
            kept.append(choices.meet(rest))
        elif verb == "else":
            kept[-1] = not kept[-1]
        elif verb == "end":
            kept.pop()
        elif all(kept):
            part, _, given = _PLACEHOLDER.sub(lambda found: values[found[1]], rest).partition(" ")
            own = {name: values[name] for name in _EVERYWHERE} | dict(_VALUES.findall(given))
            used = _lines(shipped, f"workflows/parts/{part}.yml", choices, own)
            yield from (f"{indent}{one}" if one else "" for one in used)


def _is_filled(line: str, values: Mapping[str, str]) -> bool:
    return all(name in values for name in _PLACEHOLDER.findall(line))


def _requirements(locked: str, install: Iterable[str]) -> str:
    head = (
        f"# What the workflows install: dbxwizard {__version__} and all that it needs, each file by its hash.",
        "# `dbxwizard init --update --install-from INDEX|URL|WHEEL` writes it anew.",
    )
    return "\n".join((*head, *install, locked))
