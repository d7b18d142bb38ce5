"""The durable history of runs and their events, one SQLite file for each keyed folder.

It makes history visible; correctness never depends on it. So whatever is wrong with it ends in one warning, and the run
goes on without. Several processes may use one folder at the same time.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from dbxwizard.core.events import Event, Listener, PlanFailed, PlanReady, RunFinished, RunStarted
from dbxwizard.core.run_lock import RunLock, forget, holder, is_held

FILE_NAME = "journal.sqlite"
VERSION = 1
KEPT_RUNS = 200
KEPT_EVENTS = 200_000  # about 60 MB
BATCH = 500
BUSY_SECONDS = 10.0
CLOSE_SECONDS = 10.0

_SCHEMA = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, command TEXT NOT NULL DEFAULT '', actor TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT '', started REAL NOT NULL, ended REAL,
    steps INTEGER NOT NULL DEFAULT 0, changes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, run_id TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_of_run ON events (run_id, number);
PRAGMA user_version = 1;
"""
_RUNS = "SELECT run_id, command, actor, status, started, ended, steps, changes FROM runs"
_REMOVAL = ("DELETE FROM runs WHERE run_id = ?", "DELETE FROM events WHERE run_id = ?")

Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class JournalRun:
    """`status`: as in the result, or `planned`, `running`, or `interrupted` for a run whose process is gone."""

    run_id: str
    command: str
    actor: str
    status: str
    started: float
    ended: float | None
    steps: int
    changes: int


class Journal:
    """Use `Journal.open`, and close it (or use it as a context manager), so that the last events are written."""

    def __init__(self, folder: Path, warn: Callable[[str], None], keep_runs: int, keep_events: int) -> None:
        self._folder, self._warn = folder, warn
        self._keep_runs, self._keep_events = keep_runs, keep_events
        self._queue: SimpleQueue[Statement | threading.Event | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._locks: dict[str, RunLock] = {}
        self._broken = False

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        warn: Callable[[str], None],
        keep_runs: int = KEPT_RUNS,
        keep_events: int = KEPT_EVENTS,
    ) -> Journal:
        """The journal of `folder`, made where there is none; the newest runs are kept, up to both bounds.

        `warn` is called at most once, maybe from another thread.
        """
        journal = cls(folder, warn, keep_runs, keep_events)
        with journal._excused():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(journal._connect()) as database:
                _prepare(database)
        return journal

    def listener(self, run_id: str) -> Listener:
        """What writes the events of `run_id`, without waiting for the disk. Until its end the run counts as running."""
        with self._excused():
            if run_id not in self._locks:
                self._locks[run_id] = RunLock(self._locks_folder, run_id)
        self._start_writer()

        def write(event: Event) -> None:
            for statement in _statements(run_id, event):
                self._queue.put(statement)

        return write

    def runs(self, limit: int = 50) -> tuple[JournalRun, ...]:
        """The newest runs, newest first; empty when the journal can't be read."""
        rows = self._select(f"{_RUNS} ORDER BY started DESC, rowid DESC LIMIT ?", (limit,))
        return tuple(self._run(*row) for row in rows)

    def events(self, run_id: str) -> tuple[dict[str, Any], ...]:
        """The events of a run in their order, as `Event.to_json` gave them."""
        with self._excused():
            rows = self._select("SELECT body FROM events WHERE run_id = ? ORDER BY number", (run_id,))
            return tuple(json.loads(body) for (body,) in rows)
        return ()

    def events_after(self, run_id: str, number: int, limit: int = 2000) -> tuple[tuple[int, dict[str, Any]], ...]:
        """The events of a run that came after the one with `number` (0: from the first), each with its own number."""
        with self._excused():
            rows = self._select(
                "SELECT number, body FROM events WHERE run_id = ? AND number > ? ORDER BY number LIMIT ?",
                (run_id, number, limit),
            )
            return tuple((found, json.loads(body)) for found, body in rows)
        return ()

    def run(self, run_id: str) -> JournalRun | None:
        rows = self._select(f"{_RUNS} WHERE run_id = ?", (run_id,))
        return self._run(*rows[0]) if rows else None

    def environments(self, run_id: str) -> tuple[str, ...]:
        """Those that the steps of a run belong to; "" is what belongs to none."""
        rows = self._select(
            "SELECT DISTINCT json_extract(body, '$.environment') FROM events WHERE run_id = ?", (run_id,)
        )
        return tuple(sorted(str(name) for (name,) in rows if name is not None))

    def holder(self, run_id: str) -> int | None:
        """The id of the process that runs it now."""
        return holder(self._locks_folder, run_id)

    def close(self) -> None:
        """Writes what is still to be written; gives up after some seconds."""
        if self._writer:
            self._queue.put(None)
            self._writer.join(CLOSE_SECONDS)
            self._writer = None
        for run_id, lock in self._locks.items():
            lock.release()
            forget(self._locks_folder, run_id)
        self._locks.clear()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _locks_folder(self) -> Path:
        return self._folder / "running"

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._folder / FILE_NAME, timeout=BUSY_SECONDS, isolation_level=None)
        database.execute("PRAGMA synchronous = NORMAL")  # in WAL mode a killed process loses nothing by it
        return database

    @contextmanager
    def _excused(self) -> Iterator[None]:
        """Turns what is wrong with the journal into one warning."""
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            if not self._broken:
                self._broken = True
                self._warn(f"the history of runs in {self._folder} can't be used, going on without it: {error}")

    def _start_writer(self) -> None:
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_all, name="journal", daemon=True)
            self._writer.start()

    def _write_all(self) -> None:
        """Writes batches until the end; once broken it only empties the queue, so that nobody waits for it."""
        database: sqlite3.Connection | None = None
        with self._excused():
            database = self._connect()
            self._prune(database)
        going = True
        while going:
            batch = self._next_batch()
            if database and not self._broken:
                with self._excused():
                    _transaction(database, [item for item in batch if isinstance(item, tuple)])
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()
            going = batch[-1] is not None
        if database:
            database.close()

    def _next_batch(self) -> list[Statement | threading.Event | None]:
        """What there is, at least one; None is the end."""
        batch = [self._queue.get()]
        while len(batch) < BATCH and batch[-1] is not None:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                break
        return batch

    def _flush(self) -> None:
        if self._writer:
            written = threading.Event()
            self._queue.put(written)
            written.wait(CLOSE_SECONDS)

    def _select(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        self._flush()
        rows: list[tuple[Any, ...]] = []
        if not self._broken:
            with self._excused(), closing(self._connect()) as database:
                rows = database.execute(query, values).fetchall()
        return rows

    def _run(self, run_id: str, command: str, actor: str, status: str, *rest: Any) -> JournalRun:
        if not status:
            status = "running" if is_held(self._locks_folder, run_id) else "interrupted"
        return JournalRun(run_id, command, actor, status, *rest)

    def _prune(self, database: sqlite3.Connection) -> None:
        """Removes the oldest runs beyond what is kept."""
        kept = 0
        rows = database.execute(
            "SELECT run_id, (SELECT COUNT(*) FROM events WHERE events.run_id = runs.run_id) FROM runs"
            " ORDER BY started DESC"
        ).fetchall()
        for place, (run_id, count) in enumerate(rows):
            kept += count
            if place >= self._keep_runs or (place and kept > self._keep_events):
                _transaction(database, [(query, (run_id,)) for query in _REMOVAL])
                forget(self._locks_folder, run_id)
        database.execute("PRAGMA incremental_vacuum").fetchall()


def _prepare(database: sqlite3.Connection) -> None:
    if _version(database) < VERSION:
        database.executescript(_SCHEMA)
    database.execute("SELECT run_id FROM runs LIMIT 1").fetchone()


def _version(database: sqlite3.Connection) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise ValueError(f"a newer version of dbxwizard wrote it (format {version}, this one reads {VERSION})")
    return version


def _transaction(database: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        for query, values in statements:
            database.execute(query, values)
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _statements(run_id: str, event: Event) -> Iterator[Statement]:
    yield "INSERT OR IGNORE INTO runs (run_id, started) VALUES (?, ?)", (run_id, event.at)
    yield "INSERT INTO events (run_id, body) VALUES (?, ?)", (run_id, json.dumps(event.to_json()))
    match event:
        case RunStarted():
            yield (
                "UPDATE runs SET command = ?, actor = ?, steps = ?, changes = ?, status = '', ended = NULL"
                " WHERE run_id = ?",
                (event.command, event.actor, event.steps, event.changes, run_id),
            )
        case RunFinished() | PlanFailed() | PlanReady():
            yield "UPDATE runs SET status = ?, ended = ? WHERE run_id = ?", (_status(event), event.at, run_id)


def _status(event: RunFinished | PlanFailed | PlanReady) -> str:
    if isinstance(event, RunFinished):
        return event.status
    return "planned" if isinstance(event, PlanReady) else "error"
