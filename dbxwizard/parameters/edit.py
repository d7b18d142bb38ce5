"""Edits that replace a span of a file's text and nothing else: comments, order and layout survive byte for byte."""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.document import Document, read
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Array, Node, Object
from dbxwizard.parameters.problems import Edit

UNFINISHED = ".dbxwizard-new"  # how the name of a file ends that is still being written
_LINE_REST = re.compile(r"[ \t]*(?:(?:#|//)[^\r\n]*)?(?=\r?\n)")


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text with all edits made; they must be disjoint and in order."""
    pieces: list[str] = []
    position = 0
    for edit in edits:
        pieces += (text[position : edit.start], edit.text)
        position = edit.end
    return "".join(pieces) + text[position:]


def back_map(edits: Sequence[Edit]) -> Callable[[int], int]:
    """Maps an offset in the edited text to one in the original: the start of the edit for what an edit wrote."""
    starts: list[int] = []
    shift = 0
    for edit in edits:
        starts.append(edit.start + shift)
        shift += len(edit.text) - (edit.end - edit.start)

    def to_original(offset: int) -> int:
        index = bisect_right(starts, offset) - 1
        if index < 0:
            return offset
        written = offset - starts[index]
        edit = edits[index]
        return edit.start if written < len(edit.text) else edit.end + written - len(edit.text)

    return to_original


def difference(before: str, after: str) -> Edit:
    """The one edit from the first character that differs to the last one."""
    least = min(len(before), len(after))
    start = _common(least, lambda size: before[:size] == after[:size])
    end = _common(least - start, lambda size: before[len(before) - size :] == after[len(after) - size :])
    return Edit(start, len(before) - end, after[start : len(after) - end])


def _common(most: int, same: Callable[[int], bool]) -> int:
    """The largest size up to `most` for which it is the same; comparing halves is far quicker than characters."""
    return bisect_right(range(1, most + 1), False, key=lambda size: not same(size))


def as_json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def replace(node: Node, value: JsonValue) -> Edit:
    return Edit(node.start, node.end, as_json(value))


def insert(text: str, container: Object | Array, item: str) -> list[Edit]:
    """Adds `item` (a member or an element, as JSON) at the end, on a line of its own where the last one has one."""
    nodes = spans(container)
    if not nodes:
        blank = not text[container.start + 1 : container.end - 1].strip()
        return [Edit(container.start + 1, container.end - 1 if blank else container.start + 1, item)]  # a comment stays
    start, end = nodes[-1]
    comma = container.commas[-1]
    behind = _LINE_REST.match(text, comma + 1 if comma >= 0 else end)
    commas = [] if comma >= 0 else [Edit(end, end, ",")]
    indent = indentation(text, start)
    if behind and indent is not None:
        newline = "\r\n" if text.startswith("\r\n", behind.end()) else "\n"
        trailing = "," if comma >= 0 else ""
        return [*commas, Edit(behind.end(), behind.end(), f"{newline}{indent}{item}{trailing}")]
    place = comma + 1 if comma >= 0 else end
    return [*commas, Edit(place, place, f" {item}")]


def remove(text: str, container: Object | Array, indexes: Iterable[int]) -> list[Edit]:
    """Takes items out with their commas; comments stay. A line that held nothing else goes as a whole."""
    ends = spans(container)
    gone = set(indexes)
    kept = [index for index in range(len(ends)) if index not in gone]
    edits = []
    for index in sorted(gone):
        start, end = ends[index]
        comma = container.commas[index]
        if comma < 0 or not text[end:comma].strip():
            edits.append(whole_line(text, start, max(end, comma + 1)))
        else:
            edits += [Edit(start, end, ""), Edit(comma, comma + 1, "")]
    last = len(ends) - 1
    if kept and last in gone and container.commas[last] < 0:
        comma = container.commas[kept[-1]]
        if comma >= 0:
            edits.append(Edit(comma, comma + 1, ""))
    return edits


def whole_line(text: str, start: int, end: int) -> Edit:
    """Removes text[start:end], and the line with it where nothing else stands on it."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    if line_end >= 0 and not text[line_start:start].strip() and not text[end:line_end].strip():
        return Edit(line_start, line_end + 1, "")
    return Edit(start, end, "")


def indentation(text: str, offset: int) -> str | None:
    """The white space before `offset`; None where something else stands before it on the line."""
    before = text[text.rfind("\n", 0, offset) + 1 : offset]
    return None if before.strip() else before


def spans(container: Object | Array) -> list[tuple[int, int]]:
    """Start and end of each member, its key included, or of each item."""
    if isinstance(container, Object):
        return [(member.key_start, member.value.end) for member in container.members]
    return [(item.start, item.end) for item in container.items]


def write(document: Document, text: str, *, mode: int | None = None) -> None:
    """Writes `text` over a file that was read: at once or not at all, with its mode, encoding and byte order mark.

    `mode`: the permissions that it gets, whatever it has.

    Raises OperationError: `file-changed` where the file is no longer what was read, `file-not-written` where the
    system refuses.
    """
    if read(document.path).raw != document.raw:
        message = "the file changed while it was being edited"
        raise OperationError("file-changed", message, resource=str(document.path), fix="run it again")
    try:
        _replace_file(document.path.resolve(), document.encode(text), mode)
    except OSError as error:
        raise OperationError(
            "file-not-written",
            error.strerror or str(error),
            resource=str(document.path),
            fix="check the permissions and the free space of its folder",
        ) from error


def _replace_file(path: Path, raw: bytes, mode: int | None) -> None:
    """All or nothing. What a killed process leaves behind is taken up by the next one that writes the same bytes."""
    import hashlib  # most runs write nothing

    temporary = path.with_name(f".{path.name}.{hashlib.sha256(raw).hexdigest()[:8]}{UNFINISHED}")
    try:
        # Not truncated: another process may be writing the same bytes there, or have moved them to their place already.
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(raw)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode or (path.stat().st_mode if path.exists() else 0o644))
        os.replace(temporary, path)
    except FileNotFoundError:
        if path.read_bytes() != raw:  # nobody else has put it there
            raise
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
