"""Brings a text into the current form, in memory: missing commas, then old forms, until there is nothing left to do."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from dbxwizard.parameters.edit import apply, back_map
from dbxwizard.parameters.old_forms import old_forms
from dbxwizard.parameters.problems import Edit, Finding
from dbxwizard.parameters.syntax import Parsed, parse

# A form takes at most four rounds (a job inside settings, flat, with an empty cluster id, …); edits that touch wait for
# the next one.
_MOST_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Rewritten:
    """`text` and its tree in the current form; `findings` (syntax and old forms) with offsets of the original text;
    `original` maps an offset of `text` to one there."""

    text: str
    parsed: Parsed
    findings: tuple[Finding, ...]
    original: Callable[[int], int]


def rewrite(text: str) -> Rewritten:
    """Never raises. A text whose brackets or commas are broken comes back as it is."""
    parsed = parse(text)
    as_written = tuple(finding for finding in parsed.findings if not finding.edits)
    maps: list[Callable[[int], int]] = []
    done: list[Finding] = []

    def original(offset: int) -> int:
        for to_before in reversed(maps):
            offset = to_before(offset)
        return offset

    for _ in range(_MOST_ROUNDS if parsed.sound else 0):
        chosen, edits = _choose(_candidates(text, parsed))
        if not edits:
            break
        done += [replace(finding, offset=original(finding.offset)) for finding in chosen]
        text = apply(text, edits)
        maps.append(back_map(edits))
        parsed = parse(text)
    left = (replace(finding, offset=original(finding.offset)) for finding in parsed.findings)
    known = {(finding.code, finding.offset) for finding in as_written}
    new = (finding for finding in left if (finding.code, finding.offset) not in known)
    return Rewritten(text, parsed, (*done, *as_written, *new), original)


def _candidates(text: str, parsed: Parsed) -> Iterable[Finding]:
    commas = [finding for finding in parsed.findings if finding.edits]
    return commas or old_forms(text, parsed.root)


def _choose(findings: Iterable[Finding]) -> tuple[list[Finding], list[Edit]]:
    """Findings whose edits don't touch those of another one, and all these edits in order."""
    chosen: list[Finding] = []
    spans: list[tuple[int, int]] = []
    edits: dict[Edit, None] = {}
    for finding in findings:
        new = [edit for edit in finding.edits if edit not in edits]
        if any(_touches(spans, edit) for edit in new):
            continue
        chosen.append(finding)
        for edit in new:
            edits[edit] = None
            insort(spans, (edit.start, edit.end))
    return chosen, sorted(edits, key=lambda edit: (edit.start, edit.end))


def _touches(spans: list[tuple[int, int]], edit: Edit) -> bool:
    index = bisect_left(spans, (edit.start, -1))
    before = index > 0 and spans[index - 1][1] >= edit.start
    return before or (index < len(spans) and spans[index][0] <= edit.end)
