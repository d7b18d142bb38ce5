"""The sandbox's whole state: JSON documents in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS due (id INTEGER PRIMARY KEY, at REAL NOT NULL, task TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS due_at ON due (at);
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY, at REAL, method TEXT, host TEXT, path TEXT, status INTEGER, write INTEGER, detail TEXT);
"""


def is_internal(kind: str) -> bool:
    """Kinds that start with an underscore (sessions, ports, counters) are not the user's state."""
    return kind.startswith("_")


class Store:
    """Documents by kind and key, inside transactions. One connection, used from one thread at a time.

    Several processes may read the file at once; only the one that serves it writes more than settings.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        path.chmod(0o600)
        # WAL with synchronous=NORMAL survives a killed process; only a power cut may lose the last commits.
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
        self.changed = False

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; `changed` says afterwards whether the user's state differs."""
        self.changed = False
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            self.changed = False
            raise
        self._connection.execute("COMMIT")

    def get(self, kind: str, key: str) -> Document | None:
        row = self._connection.execute("SELECT body FROM documents WHERE kind=? AND key=?", (kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, kind: str, key: str, body: Document) -> None:
        """Writes the document; the same body again is no change."""
        text = json.dumps(body, sort_keys=True, ensure_ascii=False)
        row = self._connection.execute("SELECT body FROM documents WHERE kind=? AND key=?", (kind, key)).fetchone()
        if row and row[0] == text:
            return
        self._connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, key, text))
        self.changed = self.changed or not is_internal(kind)

    def delete(self, kind: str, key: str) -> bool:
        """True when there was such a document."""
        gone = self._connection.execute("DELETE FROM documents WHERE kind=? AND key=?", (kind, key)).rowcount > 0
        self.changed = self.changed or (gone and not is_internal(kind))
        return gone

    def find(self, kind: str, prefix: str = "") -> list[tuple[str, Document]]:
        """All documents of a kind whose key starts with `prefix`, by key."""
        rows = self._connection.execute(
            "SELECT key, body FROM documents WHERE kind=? AND key>=? AND key<? ORDER BY key",
            (kind, prefix, prefix + "\U0010ffff"),  # a range, so that the primary key answers it
        )
        return [(key, json.loads(body)) for key, body in rows]

    def walk(self, kind: str, prefix: str = "") -> Iterator[tuple[str, Document]]:
        """As `find`, with one document in memory at a time; others may read and write in between."""
        sql = "SELECT key, body FROM documents WHERE kind=? AND key>? AND key<? ORDER BY key LIMIT 1"
        last = prefix
        while row := self._connection.execute(sql, (kind, last, prefix + "\U0010ffff")).fetchone():
            last = row[0]
            yield last, json.loads(row[1])

    @property
    def writes(self) -> int:
        """A number that grows with each row that is written."""
        return self._connection.total_changes

    def keys(self, kind: str, prefix: str = "") -> list[str]:
        """The keys of `find`, without reading what lies there."""
        rows = self._connection.execute(
            "SELECT key FROM documents WHERE kind=? AND key>=? AND key<?", (kind, prefix, prefix + "\U0010ffff")
        )
        return [key for (key,) in rows]

    def all(self, kind: str, prefix: str = "") -> list[Document]:
        return [body for _, body in self.find(kind, prefix)]

    def schedule(self, at: float, task: str, body: Document) -> None:
        """`task` becomes due at `at` (epoch seconds); the server runs it before the first request after that."""
        self._connection.execute("INSERT INTO due (at, task, body) VALUES (?, ?, ?)", (at, task, json.dumps(body)))

    def take_due(self, now: float) -> tuple[float, str, Document] | None:
        """Removes and returns the earliest task that is due."""
        row = self._connection.execute(
            "SELECT id, at, task, body FROM due WHERE at<=? ORDER BY at, id LIMIT 1", (now,)
        ).fetchone()
        if row is None:
            return None
        self._connection.execute("DELETE FROM due WHERE id=?", (row[0],))
        return row[1], row[2], json.loads(row[3])

    def next_due(self) -> float | None:
        row = self._connection.execute("SELECT min(at) FROM due").fetchone()
        return float(row[0]) if row[0] is not None else None

    def log(self, at: float, method: str, host: str, path: str, status: int, write: bool, detail: Document) -> None:
        self._connection.execute(
            "INSERT INTO requests (at, method, host, path, status, write, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (at, method, host, path, status, write, json.dumps(detail)),
        )

    def requests(self) -> list[Document]:
        """What `sandbox log` prints: method, host, path, status, write, and the api-version where there is one."""
        rows = self._connection.execute("SELECT method, host, path, status, write, detail FROM requests ORDER BY id")
        return [
            {"method": m, "host": h, "path": p, "status": s, "write": bool(w), **json.loads(d)}
            for m, h, p, s, w, d in rows
        ]
