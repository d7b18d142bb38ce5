"""A push: git-scm.com/docs/pack-protocol#_pushing_data_to_a_server. Each ref is taken or refused by itself.

What GitHub says to a refused push is quoted in github.com/JRedrupp/bison/issues/136 (rules) and in
github.com/ocaml-opam/opam-publish/issues/180 (workflow files).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from dbxwizard.sandbox.actions.workflows.events import NO_COMMIT
from dbxwizard.sandbox.github import access, bare, payloads, triggers
from dbxwizard.sandbox.github.git_data import HIDDEN, changed_workflows, is_ref, move_ref, remove_ref
from dbxwizard.sandbox.github.objects import GitObjects
from dbxwizard.sandbox.github.pkt import FLUSH, banded, pkt, read_lines
from dbxwizard.sandbox.github.repositories import save
from dbxwizard.sandbox.http import ApiError, Call
from dbxwizard.sandbox.store import Document, Store

_CAPABILITIES = "report-status delete-refs side-band-64k quiet ofs-delta object-format=sha1 agent=git/sandbox"


@dataclass(frozen=True, slots=True)
class Command:
    """A ref that is to be made, moved or (`new` empty) removed. `old` is what the sender took it for."""

    old: str
    new: str
    ref: str


@dataclass(slots=True)
class _Told:
    """What the sender is told: of each ref "" or why not, and words for a person."""

    refs: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def advertised(store: Store, repository: Document) -> bytes:
    """The refs that may be pushed to, with what the server can do behind the first."""
    refs = {
        name: sha for name, sha in GitObjects(store, repository["id"]).refs().items() if not name.startswith(HIDDEN)
    }
    known = list(refs.items()) or [("capabilities^{}", NO_COMMIT)]
    lines = [f"{sha} {name}" for name, sha in known]
    lines[0] += f"\0{_CAPABILITIES}"
    return b"".join(pkt(f"{line}\n") for line in lines) + FLUSH


def receive(call: Call, repository: Document) -> bytes:
    """The answer to a push. Raises ApiError 400 for what is none."""
    try:
        lines, pack = read_lines(call.request.body)
        commands, capabilities = _commands(lines)
    except ValueError as error:
        raise ApiError(400, "BadRequest", "Bad Request") from error
    if not commands:
        return b""
    place = bare.synced(call.store, repository)
    told = _Told()
    unpacked = bare.git(place, "unpack-objects", "-q", given=pack) if pack else None
    problem = unpacked.stderr.decode(errors="replace").strip() if unpacked and unpacked.returncode else ""
    if problem:
        told.refs = {command.ref: "unpacker error" for command in commands}
    else:
        _take(call, repository, place, commands, told)
    return _report(told, problem, "side-band-64k" in capabilities)


def _commands(lines: list[bytes]) -> tuple[list[Command], list[str]]:
    """The refs, and what the sender can do, which stands behind the first of them. Raises ValueError."""
    commands: list[Command] = []
    capabilities: list[str] = []
    for line in lines:
        text, _, said = line.decode().rstrip("\n").partition("\0")
        if not text.startswith("shallow "):  # where the sender's history ends
            old, new, ref = text.split(" ", 2)
            commands.append(Command(_named(old), _named(new), ref))
            capabilities += said.split()
    return commands, capabilities


def _named(sha: str) -> str:
    return "" if sha == NO_COMMIT else sha


def _take(call: Call, repository: Document, place: Path, commands: list[Command], told: _Told) -> None:
    objects = GitObjects(call.store, repository["id"])
    was_changed, brought = call.store.changed, []
    _choose_default(call, repository, objects, commands)
    is_quiet = triggers.many_tags([command.ref for command in commands])
    for command in commands:
        try:
            if command.new:
                brought += bare.take_in(place, objects, command.new)
            _apply(call, repository, objects, command, told, starts=not (is_quiet and "refs/tags/" in command.ref))
            told.refs[command.ref] = ""
        except ValueError as error:
            told.refs[command.ref] = str(error)
    if all(told.refs.values()):
        for sha in brought:  # what was refused leaves nothing behind
            objects.delete(sha)
        call.store.changed = was_changed


def _choose_default(call: Call, repository: Document, objects: GitObjects, commands: list[Command]) -> None:
    """In an empty repository the first branch that comes is the default one, where the default one does not come."""
    branches = [one.ref.removeprefix("refs/heads/") for one in commands if one.ref.startswith("refs/heads/")]
    if objects.empty and branches and repository["defaultBranch"] not in branches:
        repository["defaultBranch"] = branches[0]
        save(call, repository)


def _apply(
    call: Call, repository: Document, objects: GitObjects, command: Command, told: _Told, *, starts: bool
) -> None:
    """Raises ValueError with the reason why a ref stays as it is."""
    _check(call, repository, objects, command)
    forced = bool(command.old and command.new) and not _is_forward(objects, command)
    try:
        if command.new:
            move_ref(call, repository, objects, command.ref, command.new, force=forced, starts=starts)
        else:
            remove_ref(call, repository, objects, command.ref)
    except ApiError as error:
        if error.code != "RuleViolation":
            raise ValueError("failed to update ref") from error
        broken = [line for line in error.message.split("\n")[1:] if line]
        rules = f"{call.url('github')}/{access.full_name(repository)}/rules?ref={quote(command.ref, safe='')}"
        told.words += [f"error: GH013: Repository rule violations found for {command.ref}."]
        told.words += [f"Review all repository rules at {rules}", "", *(f"- {line}\n" for line in broken)]
        raise ValueError("push declined due to repository rule violations") from error


def _check(call: Call, repository: Document, objects: GitObjects, command: Command) -> None:
    if command.ref.startswith(HIDDEN):
        raise ValueError("deny updating a hidden ref")
    if not is_ref(command.ref):
        raise ValueError("funny refname")
    if (objects.ref(command.ref) or "") != command.old:
        raise ValueError("failed to update ref")
    if not command.new and command.ref == f"refs/heads/{repository['defaultBranch']}":
        raise ValueError(f"refusing to delete the current branch: {command.ref}")
    if command.new and command.ref.startswith("refs/heads/") and objects.kind(command.new) != "commit":
        raise ValueError("cannot update ref: trying to write non-commit object to a branch")
    if command.new and objects.kind(objects.peeled(command.new)) != "commit":
        raise ValueError("the sandbox keeps refs to commits alone")
    if command.new:
        _check_workflows(call, repository, objects, command)


def _is_forward(objects: GitObjects, command: Command) -> bool:
    return objects.contains(objects.peeled(command.new), objects.peeled(command.old))


def _check_workflows(call: Call, repository: Document, objects: GitObjects, command: Command) -> None:
    new = objects.peeled(command.new)
    pushed = payloads.pushed(objects, command.ref, objects.peeled(command.old) if command.old else None, new)
    if not pushed:
        return
    before = objects.files(objects.commit(pushed[0].parents[0]).tree) if pushed[0].parents else {}
    changed = changed_workflows(before, objects.files(objects.commit(new).tree))
    if changed and not access.may(call, repository, "workflows", "write"):
        who = "a GitHub App" if call.principal.kind == "job" else "a Personal Access Token"
        lacks = "`workflow` scope" if call.principal.kind == "classic" else "`workflows` permission"
        raise ValueError(f"refusing to allow {who} to create or update workflow `{changed[0]}` without {lacks}")


def _report(told: _Told, problem: str, is_banded: bool) -> bytes:
    lines = [f"unpack {problem or 'ok'}\n"]
    lines += [f"ng {ref} {reason}\n" if reason else f"ok {ref}\n" for ref, reason in told.refs.items()]
    report = b"".join(pkt(line) for line in lines) + FLUSH
    if not is_banded:
        return report
    words = "".join(f"{line}\n" for line in told.words).encode()
    return b"".join((*banded(2, words), *banded(1, report), FLUSH))
