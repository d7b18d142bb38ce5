"""A repository's git objects and refs: the one place that knows how they are kept.

Objects have git's own form and SHA-1 (git-scm.com/book, "Git Internals"), so that any git understands them.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dbxwizard.sandbox.store import Store

TREE = "040000"
SUBMODULE = "160000"
MODES = frozenset({"100644", "100755", "120000", TREE, SUBMODULE})


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a tree. `mode` as GitHub writes it, six digits."""

    mode: str
    sha: str

    @property
    def kind(self) -> str:
        return {TREE: "tree", SUBMODULE: "commit"}.get(self.mode, "blob")


@dataclass(frozen=True, slots=True)
class Ident:
    """Who made a commit, and when: epoch seconds, always written in UTC."""

    name: str
    email: str
    at: int

    def __str__(self) -> str:
        return f"{self.name} <{self.email}> {self.at} +0000"


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Ident
    committer: Ident
    message: str


def blob_sha(content: bytes) -> str:
    return _sha("blob", content)


def _sha(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


class GitObjects:
    """The objects and refs of one repository."""

    def __init__(self, store: Store, repository_id: int) -> None:
        self._store = store
        self._prefix = f"{repository_id}/"

    # Objects.

    def write(self, kind: str, content: bytes) -> str:
        sha = _sha(kind, content)
        body = {"type": kind, "data": base64.b64encode(content).decode()}
        self._store.put("github.object", self._prefix + sha, body)
        return sha

    def read(self, sha: str) -> tuple[str, bytes] | None:
        """Type and content of an object; None when there is none."""
        body = self._store.get("github.object", self._prefix + sha)
        return (body["type"], base64.b64decode(body["data"])) if body else None

    def delete(self, sha: str) -> None:
        self._store.delete("github.object", self._prefix + sha)

    def names(self) -> set[str]:
        """The SHA of every object."""
        return {key[len(self._prefix) :] for key in self._store.keys("github.object", self._prefix)}

    def kind(self, sha: str) -> str:
        """`blob`, `tree`, `commit` or `tag`; "" when there is no such object."""
        found = self.read(sha)
        return found[0] if found else ""

    def blob(self, sha: str) -> bytes:
        return self._content(sha, "blob")

    def tree(self, sha: str) -> dict[str, Entry]:
        """The names directly in a tree, in git's order."""
        content, entries = self._content(sha, "tree"), {}
        while content:
            head, _, rest = content.partition(b"\0")
            mode, _, name = head.decode("utf-8", "surrogateescape").partition(" ")
            entries[name] = Entry(mode.zfill(6), rest[:20].hex())
            content = rest[20:]
        return entries

    def commit(self, sha: str) -> Commit:
        header, _, message = self._content(sha, "commit").decode("utf-8", "replace").partition("\n\n")
        fields: dict[str, list[str]] = {}
        for line in header.split("\n"):
            name, _, value = line.partition(" ")
            fields.setdefault(name, []).append(value)
        author, committer = _ident(fields["author"][0]), _ident(fields["committer"][0])
        return Commit(sha, fields["tree"][0], tuple(fields.get("parent", ())), author, committer, message)

    def peeled(self, sha: str) -> str:
        """What an annotated tag is put on; anything else itself."""
        while self.kind(sha) == "tag":
            sha = self._content(sha, "tag").partition(b"\n")[0].decode().removeprefix("object ")
        return sha

    def take(self, other: GitObjects, sha: str) -> None:
        """Copies an object and all that it needs from another repository, as far as it is missing here."""
        waiting = [sha]
        while waiting:
            sha = waiting.pop()
            found = other.read(sha)
            if found is None or self.kind(sha):
                continue
            self.write(*found)
            if found[0] == "commit":
                commit = self.commit(sha)
                waiting += [commit.tree, *commit.parents]
            elif found[0] == "tree":
                waiting += [entry.sha for entry in self.tree(sha).values()]

    def _content(self, sha: str, kind: str) -> bytes:
        found = self.read(sha)
        if found is None or found[0] != kind:
            raise KeyError(sha)
        return found[1]

    def write_commit(self, tree: str, parents: tuple[str, ...], author: Ident, committer: Ident, message: str) -> str:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {author}", f"committer {committer}", "", message]
        return self.write("commit", "\n".join(lines).encode())

    # Whole trees, as paths.

    def files(self, tree: str, under: str = "") -> dict[str, Entry]:
        """Every file below a tree, by its path."""
        found: dict[str, Entry] = {}
        for name, entry in self.tree(tree).items():
            if entry.mode == TREE:
                found |= self.files(entry.sha, f"{under}{name}/")
            else:
                found[under + name] = entry
        return found

    def write_files(self, files: Mapping[str, Entry]) -> str:
        """The tree that holds exactly `files` (path to entry)."""
        here: dict[str, Entry] = {}
        below: dict[str, dict[str, Entry]] = {}
        for path, entry in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = entry
            else:
                here[name] = entry
        here |= {name: Entry(TREE, self.write_files(inner)) for name, inner in below.items()}
        return self._write_tree(here)

    def _write_tree(self, entries: Mapping[str, Entry]) -> str:
        def order(item: tuple[str, Entry]) -> bytes:
            return (item[0] + ("/" if item[1].mode == TREE else "")).encode()

        content = b"".join(
            f"{entry.mode.lstrip('0')} {name}".encode() + b"\0" + bytes.fromhex(entry.sha)
            for name, entry in sorted(entries.items(), key=order)
        )
        return self.write("tree", content)

    # Refs.

    @property
    def empty(self) -> bool:
        """No branch has a commit yet."""
        return not self.refs("refs/heads/")

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Full ref names and the objects that they point to, by name."""
        found = self._store.find("github.ref", self._prefix + prefix)
        return {key[len(self._prefix) :]: body["sha"] for key, body in found}

    def ref(self, name: str) -> str | None:
        body = self._store.get("github.ref", self._prefix + name)
        return str(body["sha"]) if body else None

    def set_ref(self, name: str, sha: str) -> None:
        self._store.put("github.ref", self._prefix + name, {"sha": sha})

    def delete_ref(self, name: str) -> bool:
        return self._store.delete("github.ref", self._prefix + name)

    def resolve(self, revision: str) -> str | None:
        """The object that a branch, a tag, a ref or a SHA names; of an annotated tag what it is put on."""
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision, f"refs/{revision}"):
            if (sha := self.ref(name)) is not None:
                return self.peeled(sha)
        return revision if self.kind(revision) else None

    # History.

    def history(self, sha: str) -> Iterator[Commit]:
        """The commit and all that it comes from, newest first."""
        waiting, seen = [self.commit(sha)], {sha}
        while waiting:
            waiting.sort(key=lambda commit: commit.committer.at)
            commit = waiting.pop()
            yield commit
            for parent in commit.parents:
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(self.commit(parent))

    def contains(self, sha: str, ancestor: str) -> bool:
        """Whether `ancestor` is `sha` or something that it comes from."""
        return any(commit.sha == ancestor for commit in self.history(sha))

    def merge_base(self, ours: str, theirs: str) -> str | None:
        known = {commit.sha for commit in self.history(ours)}
        return next((commit.sha for commit in self.history(theirs) if commit.sha in known), None)


def _ident(line: str) -> Ident:
    who, at, _zone = line.rsplit(" ", 2)
    name, _, email = who.rstrip(">").partition(" <")
    return Ident(name, email, int(at))


def utc(seconds: float) -> str:
    """Epoch seconds as GitHub writes a time."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
