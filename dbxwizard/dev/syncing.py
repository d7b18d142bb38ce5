"""Keeps a folder and a folder of the workspace the same, both ways.

A journal has what each file was on both sides when they were last the same, so that a change, a deletion and a conflict
are told apart (sync_plan.py). Nothing is lost: of a conflict both versions stay, a deletion reaches the other side only
where that is unchanged, and a side that has vanished altogether stops the sync.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from dbxwizard.core.clock import Clock
from dbxwizard.core.errors import OperationError
from dbxwizard.dev import watching
from dbxwizard.dev.local_files import ignored, local_files
from dbxwizard.dev.notebooks import FILE, Form, form_of, local_name, remote_name
from dbxwizard.dev.own_files import MAX_BYTES, home
from dbxwizard.dev.sync_plan import Agreed, Move, Version, decide
from dbxwizard.dev.telling import Tell, count

if TYPE_CHECKING:
    from dbxwizard.clients.databricks import WorkspaceClient

Json = dict[str, Any]
_FILES = ("FILE", "NOTEBOOK")
_LOOK_THERE = 15.0  # seconds between two looks at the workspace while watching


@dataclass(frozen=True, slots=True)
class Synced:
    """Local paths, by what became of them. `conflicts`: path → where the workspace's version is kept; `left_out`:
    path → why."""

    pushed: tuple[str, ...] = ()
    pulled: tuple[str, ...] = ()
    deleted_there: tuple[str, ...] = ()
    deleted_here: tuple[str, ...] = ()
    conflicts: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.pushed or self.pulled or self.deleted_there or self.deleted_here or self.conflicts)

    def told(self) -> tuple[str, ...]:
        """In words: counts, then each conflict and each file that was left out."""
        numbers = (
            (self.pushed, "to the workspace"),
            (self.pulled, "from the workspace"),
            (self.deleted_there, "deleted in the workspace"),
            (self.deleted_here, "deleted here"),
        )
        parts = [f"{count(len(paths), 'file')} {words}" for paths, words in numbers if paths]
        conflicts = [f"conflict: {path}; the workspace's version is {kept}" for path, kept in self.conflicts.items()]
        left_out = [f"left out: {path}: {why}" for path, why in self.left_out.items()]
        return (", ".join(parts) or "nothing to do", *conflicts, *left_out)


@dataclass(frozen=True, slots=True)
class Sync:
    """Of `folder` with `remote` (an absolute path of the workspace); `journal`: the file that remembers."""

    workspace: WorkspaceClient
    folder: Path
    remote: str
    journal: Path


async def sync_of(workspace: WorkspaceClient, folder: Path, remote: str, state_folder: Path) -> Sync:
    """`remote` "": the name of the folder, in the home folder. Each pair of places has a journal of its own."""
    remote = remote.removeprefix("/Workspace").rstrip("/") or f"{await home(workspace)}/{folder.name}"
    key = hashlib.sha256("\0".join((workspace.url, remote, str(folder))).encode()).hexdigest()[:16]
    return Sync(workspace, folder, remote, state_folder / "sync" / f"{key}.json")


async def sync_on_save(
    given: Sync, clock: Clock, done: Callable[[Synced], object], failed: Callable[[OperationError], object], tell: Tell
) -> None:
    """A sync for each save, and now and then one for what others saved, until it is cancelled; `done` after each that
    changed anything."""

    def look() -> watching.Fingerprint:
        return watching.fingerprint(lambda: (given.folder / path for path in local_files(given.folder)))

    async def act() -> None:
        synced = await sync(given, tell)
        if synced.changed:
            done(synced)

    await watching.on_each_save(look, clock, act, failed, every=_LOOK_THERE)


async def sync(given: Sync, tell: Tell) -> Synced:
    """Makes both sides the same, and remembers it. Raises the core's errors; what was done until then is remembered."""
    if not await asyncio.to_thread(given.journal.exists):
        await given.workspace.make_folder(given.remote)
    return await _Round(given, tell).go()


class _Round:
    def __init__(self, given: Sync, tell: Tell) -> None:
        self._given, self._tell = given, tell
        self._agreed = read_journal(given.journal)
        self._contents: dict[str, bytes] = {}  # of the workspace's side, by local path
        self._left_out: dict[str, str] = {}
        self._conflicts: dict[str, str] = {}

    async def go(self) -> Synced:
        here = await asyncio.to_thread(self._look_here)
        there = await self._look_there(here)
        self._require_both_sides(here, there)
        moves = decide(here, there, self._agreed)
        for path in {*self._agreed} - {*here, *there, *self._left_out}:
            del self._agreed[path]
        try:
            await self._carry_out(moves, here, there)
        finally:
            await asyncio.to_thread(write_journal, self._given.journal, self._agreed)
        done = {move: tuple(path for path, found in moves.items() if found is move) for move in Move}
        return Synced(
            done[Move.PUSH],
            done[Move.PULL],
            done[Move.DELETE_THERE],
            done[Move.DELETE_HERE],
            self._conflicts,
            self._left_out,
        )

    # What is there.

    def _look_here(self) -> dict[str, Version]:
        found: dict[str, Version] = {}
        names: dict[str, str] = {}
        for path in local_files(self._given.folder):
            size = (self._given.folder / path).stat().st_size
            if size > MAX_BYTES:
                self._left_out[path] = f"{size} bytes; a workspace takes at most {MAX_BYTES}"
                continue
            content = (self._given.folder / path).read_bytes()
            form = form_of(path, content)
            known = self._agreed.get(path)
            name = known.name if known and known.form.is_notebook == form.is_notebook else remote_name(path, form)
            if name in names:
                self._left_out[path] = f"in the workspace it would be called {name}, as {names[name]} is"
            else:
                names[name] = path
                found[path] = Version(digest(content, form), form, name)
        return found

    async def _look_there(self, here: Mapping[str, Version]) -> dict[str, Version]:
        objects = await _objects_below(self._given.workspace, self._given.remote)
        by_name = {one.name: path for path, one in self._agreed.items()}
        paths = {name: by_name.get(name) or _local_path(name, about) for name, about in objects.items()}
        unknown = sorted({*paths.values()} - {*here})
        skipped = await asyncio.to_thread(ignored, self._given.folder, unknown)
        wanted = {paths[name]: (name, about) for name, about in objects.items() if paths[name] not in skipped}
        wanted = {path: one for path, one in wanted.items() if path not in self._left_out}
        looked = await asyncio.gather(*(self._version(path, *one) for path, one in wanted.items()))
        return dict(zip(wanted, looked, strict=True))

    async def _version(self, path: str, name: str, about: Json) -> Version:
        """Read only where it may have changed since."""
        known, stamp = self._agreed.get(path), str(about.get("modified_at", ""))
        is_notebook = about["object_type"] == "NOTEBOOK"
        form = FILE
        if is_notebook:
            form = known.form if known and known.form.is_notebook else Form("SOURCE", str(about.get("language", "")))
        if known and stamp and known.stamp == stamp and known.form == form:
            return Version(known.there, form, name, stamp)
        content = await self._given.workspace.object_content(f"{self._given.remote}/{name}", _export(form))
        if form.name == "SOURCE" and content and not content.endswith(b"\n"):
            content += b"\n"  # which the service takes away
        self._contents[path] = content
        return Version(digest(content, form), form, name, stamp)

    def _require_both_sides(self, here: Mapping[str, Version], there: Mapping[str, Version]) -> None:
        for side, where in ((here, str(self._given.folder)), (there, self._given.remote)):
            if self._agreed and not side:
                raise OperationError(
                    "sync-side-empty",
                    "nothing is left of what was synced there",
                    resource=where,
                    fix=f"To get all of it back from the other side, delete {self._given.journal} and sync again.",
                )

    # What is to be done.

    async def _carry_out(
        self, moves: Mapping[str, Move], here: Mapping[str, Version], there: Mapping[str, Version]
    ) -> None:
        def of(*kinds: Move) -> list[str]:
            return [path for path, move in moves.items() if move in kinds]

        for path in of(Move.AGREE):
            self._agreed[path] = _agreed_on(here[path], there[path])
        for path in of(Move.CONFLICT):
            here = {**here, **await asyncio.to_thread(self._keep, path, there[path])}
        await asyncio.gather(*(self._pull(path, there[path], here.get(path)) for path in of(Move.PULL)))
        pushed = [*of(Move.PUSH, Move.CONFLICT), *self._conflicts.values()]
        await self._make_folders(here[path].name for path in pushed)
        await asyncio.gather(*(self._push(path, here[path], there.get(path)) for path in pushed))
        for path in of(Move.DELETE_THERE):
            await self._given.workspace.delete_object(f"{self._given.remote}/{there[path].name}")
            del self._agreed[path]
            self._tell(f"deleted in the workspace: {path}")
        for path in of(Move.DELETE_HERE):
            await asyncio.to_thread(self._delete_here, path)

    def _keep(self, path: str, there: Version) -> dict[str, Version]:
        """Keeps the workspace's version beside the local one, which goes to the workspace."""
        pure = PurePosixPath(path)
        kept = str(pure.with_name(f"{pure.stem}.workspace-{there.digest[:8]}{pure.suffix}"))
        self._write(kept, self._contents[path])
        self._conflicts[path] = kept
        self._tell(f"conflict: {path} has changed on both sides; the workspace's version is kept as {kept}")
        form = form_of(kept, self._contents[path])
        return {kept: Version(digest(self._contents[path], form), form, remote_name(kept, form))}

    async def _pull(self, path: str, there: Version, seen: Version | None) -> None:
        content = self._contents[path]
        if await asyncio.to_thread(self._digest_now, path, seen) != (seen.digest if seen else ""):
            self._tell(f"{path} has changed meanwhile: left to the next sync")
            return
        await asyncio.to_thread(self._write, path, content)
        self._agreed[path] = Agreed(there.digest, there.digest, there.form, there.name, there.stamp)
        self._tell(f"from the workspace: {path}")

    def _digest_now(self, path: str, seen: Version | None) -> str:
        file = self._given.folder / path
        return digest(file.read_bytes(), seen.form if seen else FILE) if file.is_file() else ""

    async def _push(self, path: str, here: Version, there: Version | None) -> None:
        workspace, target = self._given.workspace, f"{self._given.remote}/{here.name}"
        content = await asyncio.to_thread((self._given.folder / path).read_bytes)
        if there and (there.name != here.name or there.form.is_notebook != here.form.is_notebook):
            await workspace.delete_object(f"{self._given.remote}/{there.name}")  # it was a file and is a notebook now
        await workspace.write_object(target, content, here.form.name, language=here.form.language)
        stored, stamp = digest(content, here.form), ""
        if here.form.is_notebook:  # which the service may write otherwise
            stored = digest(await workspace.object_content(target, _export(here.form)), here.form)
        else:
            stamp = str((await workspace.object_at(target) or {}).get("modified_at", ""))
        self._agreed[path] = Agreed(digest(content, here.form), stored, here.form, here.name, stamp)
        self._tell(f"to the workspace: {path}")

    async def _make_folders(self, names: Iterable[str]) -> None:
        parents = {str(PurePosixPath(name).parent) for name in names} - {"."}
        for parent in sorted(parents):
            await self._given.workspace.make_folder(f"{self._given.remote}/{parent}")

    def _write(self, path: str, content: bytes) -> None:
        """At once or not at all."""
        target = self._given.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        made = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            made.write_bytes(content)
            if target.exists():
                made.chmod(target.stat().st_mode)
            made.replace(target)
        finally:
            made.unlink(missing_ok=True)

    def _delete_here(self, path: str) -> None:
        """With the folders that are empty then."""
        file = self._given.folder / path
        file.unlink(missing_ok=True)
        for parent in file.parents:
            if parent == self._given.folder or any(parent.iterdir()):
                break
            parent.rmdir()
        self._agreed.pop(path, None)
        self._tell(f"deleted here: {path}")


def digest(content: bytes, form: Form) -> str:
    """Of what matters: of a notebook neither line endings nor the end of the file, of Jupyter's only the cells."""
    if form.name == "JUPYTER":
        try:
            cells = [[cell["cell_type"], "".join(cell["source"]).rstrip()] for cell in json.loads(content)["cells"]]
            content = json.dumps(cells).encode()
        except (ValueError, KeyError, TypeError):
            pass  # then the service will say what is wrong with it
    elif form.is_notebook:
        content = content.replace(b"\r\n", b"\n").rstrip()
    return hashlib.sha256(content).hexdigest()


def _export(form: Form) -> str:
    return form.name if form.is_notebook else "AUTO"


def _local_path(name: str, about: Mapping[str, Any]) -> str:
    return local_name(name, str(about.get("language", ""))) if about["object_type"] == "NOTEBOOK" else name


def _agreed_on(here: Version, there: Version) -> Agreed:
    return Agreed(here.digest, there.digest, here.form, there.name, there.stamp)


async def _objects_below(workspace: WorkspaceClient, folder: str) -> dict[str, Json]:
    """Files and notebooks at any depth, by their path below `folder`. Git folders and the like are left alone."""
    below, found, waiting = PurePosixPath(folder), dict[str, Json](), [folder]
    while waiting:
        listed = await asyncio.gather(*(workspace.list_folder(one) for one in waiting))
        objects = [one for each in listed for one in each]
        files = [one for one in objects if one["object_type"] in _FILES]
        found |= {str(PurePosixPath(one["path"]).relative_to(below)): one for one in files}
        waiting = [str(one["path"]) for one in objects if one["object_type"] == "DIRECTORY"]
    return found


def read_journal(path: Path) -> dict[str, Agreed]:
    """Raises OperationError `sync-journal` for one that is damaged."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    try:
        entries = json.loads(text)["files"]
        return {name: Agreed(**{**one, "form": Form(**one["form"])}) for name, one in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OperationError(
            "sync-journal",
            "the memory of earlier syncs can't be read",
            resource=str(path),
            fix="Delete it and sync again: what differs is then kept twice.",
        ) from error


def write_journal(path: Path, agreed: Mapping[str, Agreed]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.write_text(json.dumps({"files": {name: asdict(one) for name, one in sorted(agreed.items())}}), "utf-8")
    made.replace(path)
