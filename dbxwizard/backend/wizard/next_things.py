"""What to do next: the three things that the state of things asks for most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbxwizard.backend.tables import table
from dbxwizard.backend.wizard.summary_views import NextThing, Summary

_HOW_MANY = 3


def next_things(found: Summary, secrets_end: Sequence[str], environments_page: str) -> tuple[NextThing, ...]:
    """`secrets_end`: when each client secret ends, as Graph writes a time."""
    things = (*_of_files(found), *_of_environments(found), *_later(found, secrets_end, environments_page))
    return things[:_HOW_MANY]


def _of_files(found: Summary) -> Iterator[NextThing]:
    files = found.files
    if files is not None and files.pull_request is not None:
        yield _thing("merge", url=files.pull_request.url, branch=files.branch)
    elif files is not None and files.differing:
        yield _thing("publish", count=str(files.differing), branch=files.branch)


def _of_environments(found: Summary) -> Iterator[NextThing]:
    """The first of those that lack something: the next is said when that is done."""
    for one in found.environments:
        if one.state == "absent":
            yield _thing("setup" if one.detail else "deploy", name=one.name)
            return
        if one.state == "incomplete":
            yield _thing("mend", name=one.name, count=str(len(one.missing)))
            return


def _later(found: Summary, secrets_end: Sequence[str], environments_page: str) -> Iterator[NextThing]:
    if secrets_end:
        yield _thing("renew", day=min(secrets_end)[:10])
    ready = next((one for one in found.environments if one.state == "deployed" and one.jobs), None)
    if ready is not None:
        workspace = next((link.url for link in ready.links if link.title.startswith("Databricks")), "")
        yield _thing("run", url=workspace, name=ready.name, job=ready.jobs[0])
    last = found.values[-1] if found.values else None
    if last is not None and last.where and last.exists and not last.has_reviewers:
        yield _thing("reviewers", url=environments_page, name=last.where)
    yield from (_thing("change"), _thing("watch"), _thing("check"))


def _thing(kind: str, *, url: str = "", **values: str) -> NextThing:
    row: dict[str, str] = table("next_things")["things"][kind]
    title, words, command = (row.get(part, "").format(**values) for part in ("title", "words", "command"))
    return NextThing(title, words, command, url)
