"""The workflows in a project's folder: written where they are missing, later merged with what its people changed.

What was written is kept beside it, in .github/dbxwizard/base.json: the base of a three-way merge, and the choices that
were made, so that everybody who clones the repository can bring it up to date.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dbxwizard import __version__
from dbxwizard.backend.workflows.files import Choices, rendered
from dbxwizard.backend.workflows.install_from import CARRIED, Source, source
from dbxwizard.core.errors import UsageError
from dbxwizard.core.merge import Conflict, merge

BASE = f"{CARRIED}/base.json"


@dataclass(frozen=True, slots=True)
class Base:
    """What was written last: `files` by path, `install` the lines of the requirements that name dbxwizard."""

    version: str
    choices: Choices
    install: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        return {
            "version": self.version,
            "choices": self.choices.to_json(),
            "install": self.install,
            "files": {name: text.splitlines() for name, text in self.files.items()},
        }


@dataclass(frozen=True, slots=True)
class FileUpdate:
    """`before` is None where the file is missing; `unknown`: it differs and nobody knows what was written."""

    path: str
    before: str | None
    after: str
    conflicts: tuple[Conflict, ...] = ()
    unknown: bool = False
    line_end: str = "\n"

    @property
    def changes(self) -> bool:
        return self.before != self.after

    def diff(self) -> list[str]:
        """The lines of a unified diff."""
        old, new = (self.before or "").splitlines(), self.after.splitlines()
        source = f"a/{self.path}" if self.before is not None else "/dev/null"
        return list(difflib.unified_diff(old, new, source, f"b/{self.path}", lineterm=""))


def read_base(root: Path) -> Base | None:
    """None where nothing was written yet. Raises UsageError for a file that is not ours."""
    path = root / BASE
    try:
        data = json.loads(path.read_text("utf-8"))
        files = {str(name): "".join(f"{line}\n" for line in lines) for name, lines in data["files"].items()}
        return Base(str(data["version"]), Choices(**data["choices"]), tuple(data["install"]), files)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            "workflow-base-unreadable",
            f"it is not what init wrote: {error}",
            resource=BASE,
            fix="Take it from the repository's history, or remove it: then your own files are kept as they are.",
        ) from error


def source_of(base: Base | None) -> Source:
    """Where dbxwizard comes from: what was said before counts for the version that it was said of."""
    return Source(base.install) if base and base.version == __version__ else source("")


def adapt(root: Path, auth: str, environments: bool) -> list[FileUpdate]:
    """Writes the workflows of `root` for other choices than they were written for; what people changed stays.

    Returns what was written, and what has conflicts. Nothing is done where nobody knows what was written. Raises
    OSError, UsageError.
    """
    base = read_base(root)
    if base is None or (base.choices.auth, base.choices.environments) == (auth, environments):
        return []
    choices, install = replace(base.choices, auth=auth, environments=environments), source_of(base)
    found = [update for update in updates(root, base, choices, install.lines) if update.changes or update.conflicts]
    for update in found:
        write(root, update)
    write_carried(root, choices, install)
    return found


def updates(root: Path, base: Base | None, choices: Choices, install: tuple[str, ...]) -> list[FileUpdate]:
    """What bringing each file up to date comes to."""
    known = base.files if base else {}
    return [_update(root, path, known.get(path), text) for path, text in rendered(choices, install).items()]


def _update(root: Path, path: str, base: str | None, shipped: str) -> FileUpdate:
    target = root / path
    if not target.is_file():
        return FileUpdate(path, None, shipped)
    content = target.read_bytes().decode("utf-8", "replace")
    present, line_end = content.replace("\r\n", "\n"), "\r\n" if "\r\n" in content else "\n"
    if present == shipped:
        return FileUpdate(path, present, present)
    if base is None:
        return FileUpdate(path, present, present, unknown=True)
    merged = merge(base, present, shipped)
    return FileUpdate(path, present, merged.text, merged.conflicts, line_end=line_end)


def carried(choices: Choices, source: Source) -> dict[str, bytes]:
    """What the repository carries beside the workflows: the base of the next merge, and a wheel where it was given."""
    base = Base(__version__, choices, source.lines, rendered(choices, source.lines))
    return {BASE: _encoded(base), **dict(source.files)}


def _encoded(base: Base) -> bytes:
    return (json.dumps(base.to_json(), indent=1) + "\n").encode()


def write_base(root: Path, base: Base) -> None:
    """Raises OSError."""
    _write(root / BASE, _encoded(base))


def write_carried(root: Path, choices: Choices, source: Source) -> list[str]:
    """The paths of what changed; wheels that nothing names any more are removed. Raises OSError."""
    files = carried(choices, source)
    for old in (root / CARRIED).glob("dbxwizard-*.whl"):
        if not any(old.name == Path(line.split()[0]).name for line in source.lines):
            old.unlink()
    return [path for path, content in files.items() if _write(root / path, content)]


def write(root: Path, update: FileUpdate) -> None:
    _write(root / update.path, update.after.replace("\n", update.line_end).encode())


def _write(target: Path, content: bytes) -> bool:
    if target.is_file() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return True
