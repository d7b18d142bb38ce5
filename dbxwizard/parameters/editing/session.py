"""One file while it is being edited: its text, what was done to it, what is on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from dbxwizard.core.errors import OperationError, UsageError
from dbxwizard.parameters import fixing
from dbxwizard.parameters.document import MAX_BYTES, Document, read
from dbxwizard.parameters.edit import difference, write
from dbxwizard.parameters.editing import merging, operations
from dbxwizard.parameters.editing.analysis import Snapshot
from dbxwizard.parameters.editing.history import Change, History, change_of
from dbxwizard.parameters.editing.paths import FieldPath, node_at, shape_at, title
from dbxwizard.parameters.editing.starters import free_name, names_in, starter
from dbxwizard.parameters.model import JsonValue
from dbxwizard.parameters.nodes import Array, Node, text_of
from dbxwizard.parameters.problems import Edit
from dbxwizard.parameters.shapes import ListOf, MapOf
from dbxwizard.parameters.syntax import Parsed, parse


class Disk(Enum):
    """What the file on the disk is, against what was read or written last."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"
    UNREADABLE = "unreadable"


class Session:
    """Every change goes through here and is one Change, which whoever shows the text applies too.

    Methods that change the text return it, None where there was nothing to do; they raise UsageError where the text
    can't be edited by field (it is no JSON just now) or has nothing at the path, OperationError (`read-only`) where
    nothing may be changed.
    """

    def __init__(self, document: Document, *, read_only: bool = False) -> None:
        self.document = document  # as it was read or written last
        self.read_only = read_only
        self.text = document.text
        self.revision = 0
        self.history = History()
        self._parsed: tuple[int, Parsed] | None = None

    @property
    def name(self) -> str:
        return self.document.path.stem

    @property
    def changed(self) -> bool:
        """Whether there is something to save."""
        return self.text != self.document.text

    @property
    def parsed(self) -> Parsed:
        """The text as it is now, read when it is first asked for."""
        if self._parsed is None or self._parsed[0] != self.revision:
            self._parsed = (self.revision, parse(self.text))
        return self._parsed[1]

    def know(self, revision: int, parsed: Parsed) -> None:
        """Takes what somebody else has read of the same text already."""
        if revision == self.revision:
            self._parsed = (revision, parsed)

    @property
    def root(self) -> Node:
        """The tree. Raises UsageError where the text has none that can be trusted."""
        parsed = self.parsed
        if parsed.root is None or not parsed.sound:
            first = replace(self.document, text=self.text).describe(parsed.findings[0])
            raise UsageError(first.code, first.message, fix="mend the text first", location=first.location)
        return parsed.root

    def snapshot(self) -> Snapshot:
        return Snapshot(self.document, self.text, self.revision)

    # changes

    def typed(self, start: int, end: int, text: str) -> Change | None:
        """text[start:end] replaced in the text itself, by a key or a paste."""
        return self._record(change_of(self.text, [Edit(start, end, _clean(text))], "typing"), typed=True)

    def edit(self, edits: Sequence[Edit], label: str) -> Change | None:
        """Several spans replaced as one change."""
        clean = [Edit(edit.start, edit.end, _clean(edit.text)) for edit in edits]
        return self._record(change_of(self.text, clean, label))

    def set(self, path: FieldPath, value: JsonValue) -> Change | None:
        return self.edit(operations.set_value(self.text, self.root, path, value), f"{title(path)} set")

    def clear(self, path: FieldPath) -> Change | None:
        """Takes a key or an item out; its default holds then."""
        return self.edit(operations.take_out(self.text, self.root, path), f"{title(path)} taken out")

    def add(self, path: FieldPath) -> FieldPath:
        """Adds an entry to the list at a path, with what has to be in it. Gives its path."""
        root = self.root
        node, shape = node_at(root, path), shape_at(path)
        index = len(node.items) if isinstance(node, Array) else 0
        new = (*path, index)
        value = starter(shape.item, root, new) if isinstance(shape, ListOf) else ""
        self.edit(operations.set_value(self.text, root, new, value), f"{title(new)} added")
        return new

    def add_key(self, path: FieldPath, key: str) -> FieldPath:
        """Adds a key to the object at a path, with a value to start from. Gives its path."""
        root = self.root
        new = (*path, key)
        above = shape_at(path)
        shape = above.value if isinstance(above, MapOf) else shape_at(new)
        self.edit(operations.set_value(self.text, root, new, starter(shape, root, new)), f"{title(new)} added")
        return new

    def duplicate(self, path: FieldPath) -> FieldPath:
        """Writes an entry again behind itself, under a name that is free. Gives the copy's path."""
        root = self.root
        above, index = shape_at(path[:-1]), path[-1]
        if not isinstance(index, int):
            raise UsageError("unknown-pointer", f"{title(path)} is no entry of a list", fix="choose an entry")
        key = above.unique if isinstance(above, ListOf) else None
        name = text_of(node_at(root, (*path, key))) if key else None
        renames = {key: free_name(name, names_in(root, path[:-1], key))} if key and name else {}
        self.edit(operations.duplicate(self.text, root, path, renames), f"{title(path)} duplicated")
        return (*path[:-1], index + 1)

    def move(self, path: FieldPath, by: int) -> FieldPath:
        """Swaps an entry (or a key) with the one before (-1) or behind (+1). Gives its path then."""
        moved = self.edit(operations.move(self.text, self.root, path, by), f"{title(path)} moved")
        last = path[-1]
        return (*path[:-1], last + by) if moved and isinstance(last, int) else path

    def undo(self) -> Change | None:
        return self._apply(self.history.undo())

    def redo(self) -> Change | None:
        return self._apply(self.history.redo())

    def _record(self, change: Change | None, *, typed: bool = False) -> Change | None:
        if change and self.read_only:
            raise _read_only(self.document)
        if change:
            self.history.record(change, typed=typed)
        return self._apply(change)

    def _apply(self, change: Change | None) -> Change | None:
        if change:
            self.text = change.applied(self.text)
            self.revision += 1
        return change

    # the disk

    def diff(self) -> str:
        """What saving would change: a unified diff without credentials, "" where it is nothing."""
        return fixing.diff(self.document, self.text) if self.changed else ""

    def save(self) -> None:
        """Writes the file, at once or not at all.

        Raises OperationError: `read-only`, `file-too-large`, and as `edit.write` does (`file-changed` where somebody
        else wrote it).
        """
        if self.read_only:
            raise _read_only(self.document)
        raw = self.document.encode(self.text)
        if len(raw) > MAX_BYTES:
            message = f"larger than {MAX_BYTES // 1_000_000} MB"
            raise OperationError("file-too-large", message, resource=self.document.name, fix="make it smaller")
        write(self.document, self.text)
        self.document = replace(self.document, raw=raw, text=self.text)
        self.history.close()

    def look(self) -> tuple[Disk, Document]:
        """What is on the disk now."""
        now = read(self.document.path)
        if now.raw == self.document.raw and (now.problem is None) == (self.document.problem is None):
            return Disk.SAME, now
        if now.problem is None:
            return Disk.CHANGED, now
        if now.problem.code != "file-not-found":
            return Disk.UNREADABLE, now
        return (Disk.GONE if self.document.raw else Disk.SAME), now  # nothing there is what `keep` goes on from

    def merge(self, theirs: Document) -> merging.Merged:
        """What is here and what is on the disk, together."""
        return merging.merge(self.document.text, self.text, theirs.text)

    def adopt(self, theirs: Document, text: str) -> Change | None:
        """Goes on from what is on the disk, with a text that may have own changes in it; undo brings the old back."""
        self.document = theirs
        change = change_of(self.text, [difference(self.text, text)], "taken over from the disk")
        if change:
            self.history.record(change)
        return self._apply(change)

    def keep(self) -> None:
        """Goes on with a file that is gone from the disk: saving makes it anew."""
        self.document = replace(self.document, raw=b"", text="")


def _clean(text: str) -> str:
    """Halves of surrogate pairs, which a terminal can send and no file can hold, become a replacement character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not text.isascii() else text


def _read_only(document: Document) -> OperationError:
    message = "the program was opened with --read-only"
    return OperationError("read-only", message, resource=document.name, fix="Open it without.")
