"""What is wrong with a file, said so that a person can act on it.

Checks work on offsets in a file's text and give Findings; a Document turns them into Problems at a line and column.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from dbxwizard.core.errors import Location

Severity = Literal["error", "warning"]

MOST_PROBLEMS = 1000  # in one file; what follows is most likely the same mistake again


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace text[start:end]; where both are the same it is an insertion."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem at an offset. `edits` mend it without a decision by a person, where that can be done."""

    offset: int
    severity: Severity
    code: str
    message: str
    fix: str = ""
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem at a place. `code` is stable (docs/parameter-file.md lists all); no field ever shows a credential."""

    location: Location
    severity: Severity
    code: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.location}: {self.code}: {self.message}" + (f"; {self.fix}" if self.fix else "")


def bounded(findings: Iterable[Finding]) -> list[Finding]:
    """In order of place, each once, and no more than a person reads; the last one then says that there are more."""
    unique = sorted(dict.fromkeys(findings), key=lambda finding: (finding.offset, finding.code))
    shown, cut = unique[:MOST_PROBLEMS], unique[MOST_PROBLEMS:]
    if cut:
        severity: Severity = "error" if any(finding.severity == "error" for finding in cut) else "warning"
        message = f"{len(cut)} more problems"
        shown.append(Finding(cut[0].offset, severity, "too-many-problems", message, "mend the others first"))
    return shown


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By line and column, each once; files stay in the order in which they first appear."""
    unique = list(dict.fromkeys(problems))
    order = {file: index for index, file in enumerate(dict.fromkeys(problem.location.file for problem in unique))}
    return tuple(sorted(unique, key=lambda p: (order[p.location.file], p.location.line, p.location.column, p.code)))


def has_errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


# Code: what it means. The whole list, so that the documentation and the tests can be held against it.
CODES = {
    # the file itself
    "file-not-found": "There is no such file.",
    "file-unreadable": "The file exists, but this account may not read it, or reading failed.",
    "not-a-file": "It is a directory or a device, not a file.",
    "file-too-large": "The file is larger than 4 MB: no environment file is.",
    "not-text": "The bytes are neither UTF-8 nor UTF-16 with a byte order mark.",
    "no-files": "The folder holds no environment file.",
    # JSON
    "empty-file": "The file holds nothing, or only comments.",
    "unexpected-token": "Something stands where JSON allows nothing of the kind.",
    "missing-comma": "Two values follow each other without a comma. A warning where a line ends between them.",
    "missing-colon": "A key without `:` behind it.",
    "missing-value": "A value is missing before a comma or a bracket.",
    "unclosed": "An object or a list is not closed.",
    "unterminated-string": "A text is not closed on its line.",
    "unterminated-comment": "A `/*` without `*/`.",
    "invalid-escape": "A `\\` in a text with something behind it that JSON does not know.",
    "control-character": "A tab or another control character stands bare in a text.",
    "invalid-literal": "A word or number that is not JSON: True, None, NaN, 01, single quotes.",
    "number-out-of-range": "A number that no service can take.",
    "too-deep": "More than 100 brackets inside each other.",
    "trailing-content": "Something follows the end of the file's object.",
    "duplicate-key": "The same key twice in one object; the message names both places.",
    "too-many-problems": "The list was cut here.",
    # keys and values
    "wrong-type": "A value of another type than the key takes.",
    "missing-key": "A key that has to be there is not.",
    "unknown-key": "A key that nothing reads.",
    "not-allowed": "A value outside the short list that the key takes.",
    "out-of-range": "A number, a text or a list is too small or too large.",
    "invalid-value": "A text that does not have the form that the key takes.",
    "invalid-guid": "Not a GUID.",
    "invalid-name": "A name that Azure, Databricks or GitHub would refuse.",
    "invalid-region": "A region is not written as Azure writes it.",
    "unknown-region": "A region that our list does not have (warning).",
    "invalid-node-type": "A node type is not written as Azure writes it.",
    "unknown-node-type": "A node type that our list does not have (warning).",
    "invalid-runtime": "A runtime is not written as Databricks writes it.",
    "unknown-runtime": "A runtime that our list does not have (warning).",
    "end-of-support": "A runtime that gets no fixes any more (warning).",
    "invalid-url": "Not the https address of a repository.",
    "invalid-ip-range": "Not an IPv4 address or range that the service takes.",
    "invalid-path": "A path that leaves the project, or is absolute.",
    "invalid-principal": "Not one of the ways to name a principal.",
    "missing-principal": "A principal is null or empty.",
    "placeholder": "A `<>` that is still to be filled in.",
    "credential-in-file": "A password, token or key in the file. The message never shows it.",
    "conflicting-settings": "Two settings that exclude each other, or one that lacks its partner.",
    # what points to something else
    "unknown-reference": "A name of a cluster, job or task that this file does not have.",
    "dependency-cycle": "Tasks that wait for each other.",
    "duplicate-name": "The same name twice where each may be there once.",
    "path-not-found": "A folder or file that the project does not have (warning).",
    # the form, and what only several files or the place of reading can show
    "old-form": "Read and used, but there is a better way to write it (warning); `validate --fix` rewrites it.",
    "identity-me-in-ci": "`me` or `user:…` when a pipeline reads the file.",
    "identity-group-in-ci": "`group:…` when a pipeline reads the file: it may not ask the directory.",
    "role-not-allowed": "A role that the deployer may not give.",
    "duplicate-environment": "Two files for an environment of the same name.",
    "environments-collide": "Two environments that would make the same Azure resource.",
}
