"""What a developer does to the sandbox's repository: pushes, pull requests and tags, through GitHub's API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.github import GitHubClient
from dbxwizard.clients.github_types import Head, NewFile
from dbxwizard.clients.run_types import Run
from dbxwizard.core.errors import NotFound, OperationError, UsageError
from dbxwizard.core.secret import Secret
from dbxwizard.sandbox.github.seed import REVIEWER, REVIEWER_TOKEN, SANDBOX_TOKEN
from dbxwizard.steps.github.publish_files import FILE, LocalFile

_UNDER_WAY = ("queued", "in_progress", "pending", "requested")
_MOST_DIGITS = 18
_PACE = 0.5  # seconds between two looks at runs


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull request, in words."""

    number: int
    title: str
    head: str
    base: str
    state: str
    address: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Proposal:
        state = "merged" if data["merged_at"] else data["state"]
        sides = (data["head"]["label"], data["base"]["ref"])
        return cls(data["number"], data["title"], *sides, state=state, address=data["html_url"])

    def __str__(self) -> str:
        return f"#{self.number} {self.title}: {self.head} → {self.base}, {self.state}"


class _Repository(GitHubClient):
    """A repository, with the requests that only a developer makes."""

    async def write(self, verb: str, path: str, body: object) -> Any:
        return await self._write(verb, path, body)

    async def read(self, path: str) -> Any:
        return await self._get(path)

    async def items(self, path: str, query: Mapping[str, str]) -> list[Any]:
        return await self._items(path, query=query)

    async def tree(self, tree: str) -> dict[str, str]:
        """The SHA of every file by its path."""
        found = await self._get(f"/git/trees/{tree}", {"recursive": "1"})
        return {each["path"]: each["sha"] for each in found["tree"] if each["type"] == "blob"}


class Developer:
    """Somebody who works on the repository: its owner, or (`outside`) somebody with a fork."""

    def __init__(self, cloud: Cloud, repository: str, *, outside: bool) -> None:
        self.repository = repository
        self._name = repository.partition("/")[2]
        self._outside = outside
        token = Secret(REVIEWER_TOKEN if outside else SANDBOX_TOKEN)
        self._upstream = _Repository(cloud, token, repository)
        self._fork = _Repository(cloud, token, f"{REVIEWER}/{self._name}")

    async def close(self) -> None:
        await self._upstream.close()
        await self._fork.close()

    async def runs(self) -> list[Run]:
        """The newest first."""
        return await self._upstream.runs.runs(limit=100)

    async def ended(self, started: Sequence[Run]) -> list[Run]:
        """The runs as they are when none of them needs the serving process any more."""
        wanted = {run.id for run in started}
        while True:
            found = [run for run in await self.runs() if run.id in wanted]
            if not any(run.status in _UNDER_WAY for run in found):
                return found
            await asyncio.sleep(_PACE)

    # Pushes.

    async def push(self, files: Sequence[LocalFile], branch: str, message: str, paths: Sequence[str]) -> str:
        """Commits those of `files` that differ; the commit, "" where nothing differs. `paths`: what was named.

        A branch that is missing starts where the default one is. What is gone is removed where its path is named.
        """
        client = await self._own()
        default = (await client.repository()).default_branch
        branch = branch or default
        start = await client.head(default) or await self._begin(client, default, files)
        head = await client.head(branch)
        start = head or start
        there = await client.tree(start.tree)
        changed = [file for file in files if there.get(file.path) != file.sha]
        gone = [path for path in there if _is_below(path, paths) and not _is_local(path, files)]
        if not changed and not gone:
            if head is None:
                await client.create_branch(branch, start.commit)
                return start.commit
            return ""
        tree = await client.write_tree([_new(file) for file in changed], start.tree, gone)
        words = message or f"Change {_summary([*(file.path for file in changed), *gone])}"
        commit = await client.write_commit(words, tree, [start.commit])
        await (client.move_branch(branch, commit) if head else client.create_branch(branch, commit))
        return commit

    async def _begin(self, client: _Repository, branch: str, files: Sequence[LocalFile]) -> Head:
        """The first commit of an empty repository, with one file."""
        if not files:
            raise UsageError("nothing-to-push", "there are no files", resource="dbxwizard sandbox push")
        plain = next((file for file in files if not file.path.startswith(".github/")), files[0])
        await client.write_file(branch, _new(plain), "Start the repository")
        head = await client.head(branch)
        assert head is not None  # noqa: S101 - it was just written
        return head

    async def _own(self) -> _Repository:
        """The repository that this person may write to; a fork is made first."""
        if not self._outside:
            return self._upstream
        await self._upstream.write("POST", "/forks", {})
        return self._fork

    # Pull requests.

    async def propose(self, head: str, base: str, title: str) -> Proposal:
        owner = REVIEWER if self._outside else self.repository.partition("/")[0]
        if self._outside:
            await self._own()
        base = base or (await self._upstream.repository()).default_branch
        body = {"head": f"{owner}:{head}", "base": base, "title": title or f"Merge {head} into {base}"}
        return Proposal.of(await self._upstream.write("POST", "/pulls", body))

    async def proposals(self) -> list[Proposal]:
        return [Proposal.of(each) for each in await self._upstream.items("/pulls", {"state": "open"})]

    async def merge(self, number: str) -> Proposal:
        found = await self._one(number)
        await self._upstream.write("PUT", f"/pulls/{found.number}/merge", {})
        return await self._read(found.number)

    async def withdraw(self, number: str) -> Proposal:
        """Closes it without merging."""
        found = await self._one(number)
        return Proposal.of(await self._upstream.write("PATCH", f"/pulls/{found.number}", {"state": "closed"}))

    async def _read(self, number: int) -> Proposal:
        return Proposal.of(await self._upstream.read(f"/pulls/{number}"))

    async def _one(self, number: str) -> Proposal:
        """The pull request of that number; the only open one where none is given."""
        if number:
            return await self._read(_number(number))
        found = await self.proposals()
        if len(found) != 1:
            raise UsageError(
                "pull-request-missing",
                f"{len(found)} pull requests are open: {', '.join(f'#{one.number}' for one in found) or 'none'}",
                resource="dbxwizard sandbox pr",
                fix="Say which one, by its number.",
            )
        return found[0]

    # Tags.

    async def tag(self, name: str, at: str) -> str:
        """Puts a tag on what a branch, tag or commit names; the commit."""
        at = at or (await self._upstream.repository()).default_branch
        try:
            commit = str((await self._upstream.read(f"/commits/{quote(at, safe='')}"))["sha"])
        except NotFound as error:
            raise OperationError("ref-unknown", f"the repository has no {at}", resource="--at") from error
        await self._upstream.write("POST", "/git/refs", {"ref": f"refs/tags/{name}", "sha": commit})
        return commit


@asynccontextmanager
async def developer(cloud: Cloud, repository: str, *, outside: bool) -> AsyncIterator[Developer]:
    made = Developer(cloud, repository, outside=outside)
    try:
        yield made
    finally:
        await made.close()


def _number(text: str) -> int:
    digits = text.removeprefix("#")
    if not digits.isdecimal() or len(digits) > _MOST_DIGITS:
        raise UsageError("option-invalid", f"{text!r} is no number of a pull request", resource="NUMBER")
    return int(digits)


def _new(file: LocalFile) -> NewFile:
    return NewFile(file.path, file.mode or FILE, file.content)


def _is_below(path: str, paths: Iterable[str]) -> bool:
    named = [one.strip("/").removeprefix("./") for one in paths]
    return any(path == one or path.startswith(f"{one}/") for one in named)


def _is_local(path: str, files: Sequence[LocalFile]) -> bool:
    return any(file.path == path for file in files)


def _summary(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{len(paths)} files"
