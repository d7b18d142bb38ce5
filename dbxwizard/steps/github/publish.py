"""The files of the folder reach GitHub: a first commit in an empty repository, else a branch and a pull request.

Only GitHub's API is used: the local work tree and its git are never touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dbxwizard.clients.github_types import Head, NewFile, PullRequest, TreeFile
from dbxwizard.core.errors import OperationError
from dbxwizard.core.plan import Action, Change, Inputs, KnownAfterApply, Progress, Reason, Scope, Step
from dbxwizard.core.requests import Host, Request
from dbxwizard.steps import parameter_files
from dbxwizard.steps.branching import RELEASE_BRANCH
from dbxwizard.steps.github.publish_files import FILE, Collected, LocalFile, collect

if TYPE_CHECKING:
    from dbxwizard.clients.github import GitHubClient

SETUP_BRANCH = "dbxwizard/setup"
TITLE = "Set up Databricks with dbxwizard"
# GitHub's git API needs a commit to start from, so an empty repository gets one with a single file first.
_FIRST_MESSAGE = "Start the repository (dbxwizard)"
_PULL_REQUEST_TEXT = "The files that dbxwizard needs in this repository. Merge this, then run `dbxwizard setup` again."


@dataclass(frozen=True, slots=True)
class Published:
    """`on_default` and `on_setup`: what the two branches have of our files."""

    default_branch: str
    local: Collected
    head: Head | None
    on_default: Mapping[str, TreeFile]
    has_release: bool
    setup_head: Head | None = None
    on_setup: Mapping[str, TreeFile] | None = None
    pull_request: PullRequest | None = None

    @property
    def starts(self) -> bool:
        """Whether the default branch is still to be filled: it is missing, or has nothing but our first file."""
        if self.head is None:
            return True
        return not self.head.parents and self.head.message == _FIRST_MESSAGE and bool(self.differing)

    @property
    def differing(self) -> tuple[LocalFile, ...]:
        return _differing(self.local.files, self.on_default)

    @property
    def proposed(self) -> bool:
        """Whether an open pull request brings all that differs."""
        waiting = self.pull_request is not None and self.on_setup is not None
        return waiting and not _differing(self.local.files, self.on_setup or {})


class PublishStep(Step[Published]):
    """`paths` (files and folders of `root`) are on the default branch, or proposed for it; `release` exists.

    Files that are in the repository alone stay. `release` is made once, where the default branch has our files; what
    goes there later is the people's decision.
    """

    id = "setup/publish"
    title = "Files on GitHub"
    scope = Scope.SETUP

    def __init__(
        self,
        client: GitHubClient,
        root: Path,
        paths: Sequence[str],
        *,
        needs: Sequence[str] = (parameter_files.STEP_ID,),
    ) -> None:
        self.needs = tuple(needs)
        self.resource = f"files in {client.name}"
        self._client, self._root, self._paths = client, root, tuple(paths)

    async def read(self, inputs: Inputs) -> Published:
        local = await asyncio.to_thread(collect, self._root, self._paths)
        if not local.files:
            raise OperationError(
                "nothing-to-publish",
                f"none of the files is in {self._root}",
                resource=self.subject,
                fix="Run `dbxwizard init` there, or start from the folder that holds environments/.",
            )
        default_branch = (await self._client.repository()).default_branch
        head = await self._client.head(default_branch)
        if head is None and not await self._client.is_empty():
            raise OperationError(
                "default-branch-missing",
                f"the repository has branches, but not its default branch {default_branch}",
                resource=self.subject,
                fix="Push that branch, or choose another default branch in the repository's settings.",
            )
        on_default = await self._files(head, local)
        has_release = default_branch == RELEASE_BRANCH or (
            head is not None and await self._client.head(RELEASE_BRANCH) is not None
        )
        state = Published(default_branch, local, head, on_default, has_release)
        return state if state.starts or not state.differing else await self._with_proposal(state)

    async def _files(self, head: Head | None, local: Collected) -> dict[str, TreeFile]:
        return await self._client.files(head.tree, [file.path for file in local.files]) if head else {}

    async def _with_proposal(self, state: Published) -> Published:
        """`state` with what an earlier run proposed."""
        head = await self._client.head(SETUP_BRANCH)
        if head is None:
            return state
        return Published(
            state.default_branch,
            state.local,
            state.head,
            state.on_default,
            state.has_release,
            setup_head=head,
            on_setup=await self._files(head, state.local),
            pull_request=await self._client.open_pull_request(SETUP_BRANCH, state.default_branch),
        )

    def diff(self, state: Published | None, inputs: Inputs) -> Change:
        if state is None or state.starts:
            return self._first_change(state)
        note, where = _left_out(state.local), f"by a pull request from {SETUP_BRANCH}"
        if self._will_be_filled(inputs) and not state.differing:
            filled = Reason("environment files", "as they are there", "filled in")
            return Change(Action.UPDATE, (filled,), "; ".join(filter(None, (where, note))))
        if state.proposed and state.pull_request:
            waits = f"waits for pull request #{state.pull_request.number}: {state.pull_request.html_url}"
            return Change(Action.NONE, (), "; ".join(filter(None, (waits, note))))
        if state.differing:
            reasons = tuple(_reason(file, state.on_default) for file in state.differing)
            return Change(Action.UPDATE, reasons, "; ".join(filter(None, (where, note))))
        if not state.has_release:
            return Change(Action.UPDATE, (Reason(f"branch {RELEASE_BRANCH}", None, state.default_branch),), note)
        return Change(Action.NONE, (), note)

    def _will_be_filled(self, inputs: Inputs) -> bool:
        """Whether setup is still to write into the environment files, which then differ from what they are now."""
        if parameter_files.STEP_ID not in self.needs:
            return False
        try:
            return not inputs.get(parameter_files.STEP_ID, parameter_files.FILLED)
        except KnownAfterApply:
            return True

    def _first_change(self, state: Published | None) -> Change:
        if state is None:
            return Change.create()
        files = f"{len(state.local.files)} files"
        branches = {f"branch {name}": files for name in (state.default_branch, RELEASE_BRANCH)}
        return Change.create(_left_out(state.local), **branches)

    async def apply(
        self, state: Published | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        state = state or await self.read(inputs)
        if state.differing and not state.starts:
            return await self._propose(state)
        head = await self._fill(state) if state.starts else state.head
        if head is not None and not state.has_release:
            await self._client.create_branch(RELEASE_BRANCH, head.commit)
        return self.outputs(state, inputs)

    def writes(self, state: Published | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        if state is None:
            return ()  # nothing that it reads is known only after apply
        if self._will_be_filled(inputs) and not state.starts:
            return tuple(self._eventual(state))
        if state.differing and not state.starts:
            return tuple(self._proposal(state))
        release = self._to("POST", "/git/refs", f"makes the branch {RELEASE_BRANCH}")
        return (*(self._filling(state) if state.starts else ()), *([] if state.has_release else [release]))

    def _eventual(self, state: Published) -> Iterator[Request]:
        """What may be needed, as the files are not yet what they will be."""
        moved = self._to("PATCH", f"/git/refs/heads/{SETUP_BRANCH}", "moves the branch to the commit")
        made = self._to("POST", "/git/refs", f"makes the branch {SETUP_BRANCH}, or {RELEASE_BRANCH}")
        proposed = self._to("POST", "/pulls", f"proposes it for {state.default_branch}")
        for request in (*self._committing(state.local.files), moved, made, proposed):
            yield replace(request, optional=True)

    def _filling(self, state: Published) -> Iterator[Request]:
        first = _first_file(state.local.files)
        if state.head is None:
            yield self._to("PUT", f"/contents/{first.path}", "starts the repository with a first file")
        others = [file for file in state.differing if state.head is not None or file is not first]
        if others:
            yield from self._committing(others)
            yield self._to("PATCH", f"/git/refs/heads/{state.default_branch}", "moves the branch to the commit")

    def _proposal(self, state: Published) -> Iterator[Request]:
        moved = self._to("PATCH", f"/git/refs/heads/{SETUP_BRANCH}", "moves the branch to the commit")
        if state.setup_head and state.pull_request:
            yield from (*self._committing(_differing(state.local.files, state.on_setup or {})), moved)
        elif state.head and not _is_ready(state):
            made = self._to("POST", "/git/refs", f"makes the branch {SETUP_BRANCH}")
            yield from (*self._committing(state.differing), moved if state.setup_head else made)
        if state.pull_request is None:
            yield self._to("POST", "/pulls", f"proposes it for {state.default_branch}")

    def _committing(self, files: Sequence[LocalFile]) -> Iterator[Request]:
        for file in files:
            if not file.is_text:
                yield self._to("POST", "/git/blobs", f"uploads {file.path}")
        yield self._to("POST", "/git/trees", f"uploads the files that differ ({len(files)})")
        yield self._to("POST", "/git/commits", "commits them")

    def _to(self, method: str, path: str, purpose: str) -> Request:
        return Request(method, Host.GITHUB, f"/repos/{self._client.name}{path}", purpose)

    def outputs(self, state: Published, inputs: Inputs) -> Mapping[str, object]:
        """`pull_request`: the address of the open one, "" where all is on the default branch."""
        waiting = state.pull_request.html_url if state.pull_request and state.differing else ""
        return {"branch": state.default_branch, "pull_request": waiting}

    async def _fill(self, state: Published) -> Head | None:
        """Puts all files on the default branch of a repository that was empty."""
        branch, head = state.default_branch, state.head
        if head is None:
            await self._client.write_file(branch, _new(_first_file(state.local.files)), _FIRST_MESSAGE)
            head = await self._client.head(branch)
        there = await self._files(head, state.local)
        if head is None or not _differing(state.local.files, there):
            return head
        commit = await self._commit(state.local.files, head, there)
        await self._client.move_branch(branch, commit)
        return await self._client.head(branch)

    async def _commit(self, files: Sequence[LocalFile], parent: Head, there: Mapping[str, TreeFile]) -> str:
        tree = await self._client.write_tree([_new(file, there) for file in _differing(files, there)], parent.tree)
        return await self._client.write_commit(TITLE, tree, [parent.commit])

    async def _propose(self, state: Published) -> Mapping[str, object]:
        """Brings the branch up to date and opens the pull request, where there is none yet.

        With an open pull request its branch goes on, so that what people added to it stays; without one the branch is
        left over from an earlier one and starts again from the default branch.
        """
        if state.setup_head and state.pull_request:
            commit = await self._commit(state.local.files, state.setup_head, state.on_setup or {})
            await self._client.move_branch(SETUP_BRANCH, commit)
        elif state.head and not _is_ready(state):
            commit = await self._commit(state.local.files, state.head, state.on_default)
            if state.setup_head:
                await self._client.move_branch(SETUP_BRANCH, commit, force=True)
            else:
                await self._client.create_branch(SETUP_BRANCH, commit)
        made = state.pull_request or await self._client.create_pull_request(
            SETUP_BRANCH, state.default_branch, TITLE, _PULL_REQUEST_TEXT
        )
        return {"branch": state.default_branch, "pull_request": made.html_url}


def _is_ready(state: Published) -> bool:
    """Whether the branch was brought up to date by a run that ended before it opened the pull request."""
    if not (state.setup_head and state.head and state.on_setup is not None):
        return False
    return state.setup_head.parents == (state.head.commit,) and not _differing(state.local.files, state.on_setup)


def _differing(files: Iterable[LocalFile], there: Mapping[str, TreeFile]) -> tuple[LocalFile, ...]:
    return tuple(file for file in files if not _same(file, there.get(file.path)))


def _same(file: LocalFile, there: TreeFile | None) -> bool:
    return there is not None and there.sha == file.sha and there.mode == (file.mode or there.mode)


def _new(file: LocalFile, there: Mapping[str, TreeFile] | None = None) -> NewFile:
    known = (there or {}).get(file.path)
    return NewFile(file.path, file.mode or (known.mode if known else FILE), file.content)


def _first_file(files: Sequence[LocalFile]) -> LocalFile:
    """The README where there is one; never a workflow, which would start before the rest is there."""
    named = {file.path: file for file in files}
    plain = [file for file in files if file.mode in ("", FILE) and not file.path.startswith(".github/")]
    return named.get("README.md") or next(iter(plain), files[0])


def _reason(file: LocalFile, there: Mapping[str, TreeFile]) -> Reason:
    before = there.get(file.path)
    if before is None:
        return Reason(file.path, None, "added")
    if before.sha == file.sha:
        return Reason(file.path, f"mode {before.mode}", f"mode {file.mode}")
    return Reason(file.path, before.sha[:7], file.sha[:7])


def _left_out(local: Collected) -> str:
    return f"left out: {', '.join(local.left_out)}" if local.left_out else ""
