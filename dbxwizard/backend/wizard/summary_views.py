"""What the last page shows: loads no steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NextThing:
    """`command` and `url`: how to do it, "" where there is none."""

    title: str
    words: str
    command: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class MadeEnvironment:
    """`state`: absent, incomplete, deployed, or not checked, then `detail` says why. Names of what is in it."""

    name: str
    state: str
    detail: str
    links: tuple[Link, ...]
    resources: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedValues:
    """What an environment of GitHub has ("": the repository itself), by name."""

    where: str
    exists: bool
    variables: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    has_reviewers: bool = False


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """`branch`: the repository's default one. `differing`: how many of the files it does not have as they are here."""

    branch: str
    count: int
    differing: int
    has_release: bool
    pull_request: Link | None


@dataclass(frozen=True, slots=True)
class ProofSeen:
    """The proof that the jobs can sign in: `state` as GitHub says it, or left out; `why`: of each failure, a line and
    what to do."""

    state: str
    link: Link
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """`note` says where the addresses lead nowhere. `next`: the three things that matter most now."""

    repository: Link
    applications: tuple[Link, ...]
    environments: tuple[MadeEnvironment, ...]
    files: PublishedFiles | None
    values: tuple[PublishedValues, ...]
    next: tuple[NextThing, ...]
    note: str = ""
    proof: ProofSeen | None = None


@dataclass(frozen=True, slots=True)
class SummaryText:
    """A summary, and the same as Markdown for a file."""

    summary: Summary
    markdown: str
