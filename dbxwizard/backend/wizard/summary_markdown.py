"""The last page as Markdown, for a file beside the project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbxwizard.backend.wizard.summary_views import Link, MadeEnvironment, NextThing, PublishedValues, Summary
from dbxwizard.core.markdown import code, link, words


def summary_markdown(found: Summary) -> str:
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Summary) -> Iterator[str]:
    yield f"# {words(found.repository.title)}"
    yield from ("", words(found.note)) if found.note else ()
    yield from ("", "## Made", "")
    for application in found.applications:
        yield f"- application {_link(application)}"
    for environment in found.environments:
        yield from _environment(environment)
    yield from ("", "## On GitHub", "", f"- {_link(found.repository)}")
    yield from _files(found)
    yield from map(_values, found.values)
    yield from _proof(found)
    yield from ("", "## Next", "")
    yield from (f"{number}. {_next(one)}" for number, one in enumerate(found.next, 1))


def _environment(one: MadeEnvironment) -> Iterator[str]:
    detail = f", {words(one.detail)}" if one.detail else ""
    yield f"- **{words(one.name)}**: {one.state}{detail}"
    yield from (f"  - {_link(each)}" for each in one.links)
    for title, names in (
        ("resources", one.resources),
        ("missing", one.missing),
        ("clusters", one.clusters),
        ("jobs", one.jobs),
    ):
        if names:
            yield f"  - {title}: {_names(names)}"


def _files(found: Summary) -> Iterator[str]:
    files = found.files
    if files is None:
        return
    there = files.count - files.differing
    release = "; the branch `release` is there" if files.has_release else ""
    yield f"- {there} of {files.count} files are on {code(files.branch)}{release}"
    if files.pull_request:
        yield f"- the rest waits in {_link(files.pull_request)}"


def _values(one: PublishedValues) -> str:
    place = f"environment {words(one.where)}" if one.where else "the repository"
    if not one.exists:
        return f"- {place}: not there yet"
    secrets = f"; secrets, sealed: {_names(one.secrets)}" if one.secrets else ""
    return f"- {place}: variables {_names(one.variables)}{secrets}"


def _proof(found: Summary) -> Iterator[str]:
    if found.proof:
        yield f"- {_link(found.proof.link)}: {found.proof.state}"
        yield from (f"  - {words(line)}" for line in found.proof.why)


def _next(one: NextThing) -> str:
    title = link(one.title, one.url) if one.url else f"**{words(one.title)}**"
    return f"{title}: {words(one.words)}" + (f" {code(one.command)}" if one.command else "")


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(code, names)) or "none"


def _link(one: Link) -> str:
    return link(one.title, one.url)
