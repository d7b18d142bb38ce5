"""Problems that one key mends: what each fix writes, as edits of the text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dbxwizard.parameters.edit import as_json, difference
from dbxwizard.parameters.editing import field_fixes
from dbxwizard.parameters.editing.analysis import Analysis, Mark
from dbxwizard.parameters.old_forms import old_forms
from dbxwizard.parameters.problems import Edit
from dbxwizard.parameters.rewrite import rewrite

_WORD = re.compile(r"'[^'\r\n]*'|[^ \t\r\n,:{}\[\]\"#/]+")
_LITERALS = {"True": "true", "False": "false", "None": "null", "undefined": "null"}
_ESCAPES = {"\t": "\\t", "\b": "\\b", "\f": "\\f"}


@dataclass(frozen=True, slots=True)
class Fix:
    """`label` says what it does, such as `write "uksouth"`."""

    label: str
    edits: tuple[Edit, ...]


def fix_for(analysis: Analysis, mark: Mark) -> Fix | None:
    """The edits that mend a problem, where that needs no decision by a person."""
    found = _by_machine(analysis, mark) or _mended(analysis, mark)
    return Fix(*found) if found and found[1] else None


def fix_all(text: str) -> Fix | None:
    """Old forms and missing commas, all of them: what `validate --fix` does."""
    after = rewrite(text).text
    return None if after == text else Fix("rewrite all old forms", (difference(text, after),))


def _mended(analysis: Analysis, mark: Mark) -> tuple[str, tuple[Edit, ...]] | None:
    syntax = _SYNTAX.get(mark.problem.code)
    if syntax:
        edit = syntax(analysis.text, mark.offset)
        return (f"write {edit.text}" if edit.text else "take it out", (edit,)) if edit else None
    found = field_fixes.mend(analysis.text, analysis.root, mark) if analysis.root else None
    return (found[0], tuple(found[1])) if found else None


def _by_machine(analysis: Analysis, mark: Mark) -> tuple[str, tuple[Edit, ...]] | None:
    """What the parser and the rules for old forms know themselves."""
    if mark.problem.code not in ("missing-comma", "old-form"):
        return None
    findings = [*analysis.parsed.findings, *old_forms(analysis.text, analysis.root)]
    wanted = (mark.problem.code, mark.problem.message, mark.offset)
    same = (one for one in findings if one.edits and (one.code, one.message, one.offset) == wanted)
    first = next(same, None)
    return (_without_command(first.message, first.fix), first.edits) if first else None


def _without_command(message: str, fix: str) -> str:
    """The part of a message that says what is written: `"role": write "roles"` → `write "roles"`."""
    return message.rpartition(": ")[2] if "validate --fix" in fix and ": " in message else "write ,"


def _missing_comma(text: str, offset: int) -> Edit:
    return Edit(offset, offset, ",")


def _spare_comma(text: str, offset: int) -> Edit | None:
    return Edit(offset, offset + 1, "") if text.startswith(",", offset) else None


def _literal(text: str, offset: int) -> Edit | None:
    if not text[offset : offset + 1].isprintable():
        return Edit(offset, offset + 1, "")
    found = _WORD.match(text, offset)
    if not found:
        return None
    word = found[0]
    return Edit(offset, found.end(), _LITERALS.get(word) or as_json(word.strip("'")))


def _control(text: str, offset: int) -> Edit:
    char = text[offset]
    return Edit(offset, offset + 1, _ESCAPES.get(char) or f"\\u{ord(char):04x}")


def _escape(text: str, offset: int) -> Edit | None:
    doubled = text.startswith("\\", offset) and text[offset + 1 : offset + 2] != "u"
    return Edit(offset, offset, "\\") if doubled else None


def _quote(text: str, offset: int) -> Edit:
    end = text.find("\n", offset)
    line = text[offset : end if end >= 0 else len(text)].rstrip("\r")
    stop = offset + len(line.rstrip().rstrip(",").rstrip())
    return Edit(stop, stop, '"')


_SYNTAX: dict[str, Callable[[str, int], Edit | None]] = {
    "missing-comma": _missing_comma,
    "missing-value": _spare_comma,
    "invalid-literal": _literal,
    "control-character": _control,
    "invalid-escape": _escape,
    "unterminated-string": _quote,
}
