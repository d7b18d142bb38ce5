"""A repository as git itself has it: a bare one beside the state, made of the objects and refs that are kept there.

The state is the truth. The bare repository is brought up to date before git reads it, in the transaction that asks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zlib
from pathlib import Path

from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.http import ApiError
from dbxwizard.sandbox.store import Document, Store

# Nothing of the machine's own settings: what git does depends on the state alone.
_OWN = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
_CONFIG = """[core]
	repositoryformatversion = 0
	bare = true
[uploadpack]
	allowAnySHA1InWant = true
[gc]
	auto = 0
"""


def folder(state: Path) -> Path:
    """Where the bare repositories of a state lie."""
    return state.with_name(f"{state.name}.git")


def synced(store: Store, repository: Document) -> Path:
    """The bare repository, as the state has it now. Called inside a transaction."""
    place = folder(store.path) / f"{repository['id']}.git"
    objects = GitObjects(store, repository["id"])
    if not (place / "HEAD").exists():
        for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (place / name).mkdir(parents=True, exist_ok=True)
        (place / "config").write_text(_CONFIG)
    for sha in objects.names() - _loose(place):
        found = objects.read(sha)
        if found:
            _write_object(place, sha, *found)
    _replace(place / "HEAD", f"ref: refs/heads/{repository['defaultBranch']}\n".encode())
    _replace(place / "packed-refs", _packed(objects).encode())
    return place


def _loose(place: Path) -> set[str]:
    folders = [entry for entry in os.scandir(place / "objects") if len(entry.name) == 2]
    return {entry.name + name for entry in folders for name in os.listdir(entry.path)}


def _write_object(place: Path, sha: str, kind: str, content: bytes) -> None:
    path = place / "objects" / sha[:2] / sha[2:]
    path.parent.mkdir(exist_ok=True)
    _replace(path, zlib.compress(f"{kind} {len(content)}\0".encode() + content, 1))


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all: a job may read it meanwhile."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as made:
        made.write(content)
    Path(made.name).replace(path)


def _packed(objects: GitObjects) -> str:
    lines = ["# pack-refs with: peeled fully-peeled sorted"]
    for name, sha in sorted(objects.refs().items()):
        peeled = objects.peeled(sha)
        lines += [f"{sha} {name}", *([f"^{peeled}"] if peeled != sha else [])]
    return "\n".join(lines) + "\n"


def git(place: Path, *words: str, given: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Runs git in a bare repository. Raises ApiError where this machine has none."""
    program = shutil.which("git")
    if program is None:
        raise ApiError(503, "NoGit", "The sandbox needs git, which this machine does not have.")
    return subprocess.run(  # noqa: S603 - fixed words and names of objects
        [program, "-c", "safe.directory=*", *words],
        cwd=place,
        env={"PATH": os.environ.get("PATH", ""), **_OWN, **environment},
        input=given,
        capture_output=True,
        check=False,
    )


def take_in(place: Path, objects: GitObjects, sha: str) -> list[str]:
    """Copies into the state what `sha` needs and no ref of the bare repository reaches.

    The names of the objects that are new in the state. Raises ValueError where something of it is missing.
    """
    listed = git(place, "rev-list", "--objects", "--no-object-names", sha, "--not", "--all")
    if listed.returncode:
        raise ValueError("missing necessary objects")
    names = [name for name in listed.stdout.decode().split() if not objects.kind(name)]
    shown = git(place, "cat-file", "--batch", given="".join(f"{name}\n" for name in names).encode()).stdout
    for name in names:
        head, _, rest = shown.partition(b"\n")
        _, kind, size = head.decode().split()
        content, shown = rest[: int(size)], rest[int(size) + 1 :]
        if objects.write(kind, content) != name:
            raise ValueError(f"{name} is damaged")
    return names
