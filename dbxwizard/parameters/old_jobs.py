"""The accelerator's two shapes of jobs, and the format of the Jobs API 2.0, as edits that make them today's."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from dbxwizard.parameters.databricks_fields import TASK_KINDS
from dbxwizard.parameters.edit import as_json, indentation, remove, replace, whole_line
from dbxwizard.parameters.nodes import Object, objects, text_of
from dbxwizard.parameters.old_common import old, provider, secured
from dbxwizard.parameters.problems import Edit, Finding

# What belongs to a task since the Jobs API 2.1, and stood beside the job's name before.
_OF_TASK = (
    "cluster_name",
    "existing_cluster_id",
    "new_cluster",
    "libraries",
    "max_retries",
    "min_retry_interval_millis",
    "retry_on_timeout",
    *TASK_KINDS,
)
_IN_GIT_FOLDER = re.compile(r"/Repos/[0-9a-fA-F-]{36}/(?P<rest>.{1,2000})")
_NO_KEY = re.compile(r"[^A-Za-z0-9_-]")


def old_jobs(text: str, root: Object) -> Iterator[Finding]:
    """All old forms in the jobs of a file."""
    repositories = objects(root.get("Repo_Configuration"))
    folders = frozenset(path for one in repositories if (path := text_of(one.get("path"))))
    repository = _first_repository(repositories)
    for job in objects(root.get("Jobs")):
        if isinstance(job.get("settings"), Object):
            yield from _wrapped(text, job)
            continue
        yield from _flat(text, job)
        yield from _branch(text, job, repository)
        for task in objects(job.get("tasks")):
            yield from _empty_cluster_id(text, task)
            yield from _notebook(task, folders)
        for holder in (*objects(job.get("tasks")), *objects(job.get("job_clusters"))):
            new_cluster = holder.get("new_cluster")
            yield from secured(text, new_cluster) if isinstance(new_cluster, Object) else ()
        git_source = job.get("git_source")
        yield from provider(git_source, "git_provider") if isinstance(git_source, Object) else ()


def _wrapped(text: str, job: Object) -> Iterator[Finding]:
    """`{"name": …, "settings": {…}}`, as the API answers it: the settings are the job."""
    index, member = next((i, m) for i, m in enumerate(job.members) if m.name == "settings")
    settings = member.value
    if not isinstance(settings, Object):
        return
    repeated = [i for i, other in enumerate(job.members) if i != index and settings.get(other.name) is not None]
    if repeated:
        names = ", ".join(f'"{job.members[i].name}"' for i in repeated)
        message = f'{names} beside "settings" and in it: take it out beside it'
        yield old(job.members[repeated[0]].key_start, message, *remove(text, job, repeated))
    else:
        edits = _unwrapped(text, job, index, settings) if settings.members else remove(text, job, [index])
        yield old(member.key_start, 'a job inside "settings": write what is in it without "settings"', *edits)


def _unwrapped(text: str, job: Object, index: int, settings: Object) -> list[Edit]:
    """Takes the key and both brackets away; of two commas at the end one stays."""
    edits = [whole_line(text, job.members[index].key_start, settings.start + 1)]
    edits += _outdented(text, job.members[index].key_start, settings)
    outer, inner = job.commas[index], settings.commas[-1]
    end = settings.members[-1].value.end
    if outer < 0:
        return [*edits, whole_line(text, settings.end - 1, settings.end)]
    edits += [Edit(end, end, ",")] if inner < 0 else []
    return [*edits, whole_line(text, settings.end - 1, settings.end), whole_line(text, outer, outer + 1)]


def _outdented(text: str, key_start: int, settings: Object) -> list[Edit]:
    """Moves the lines of the settings to where their key stood."""
    outer, inner = indentation(text, key_start), indentation(text, settings.members[0].key_start)
    if outer is None or inner is None or not inner.startswith(outer):
        return []
    width = len(inner) - len(outer)
    lines = re.finditer(rf"\n{re.escape(inner)}", text[settings.start : settings.end])
    starts = (settings.start + line.start() + 1 for line in lines)
    return [Edit(start, start + width, "") for start in starts] if width else []


def _flat(text: str, job: Object) -> Iterator[Finding]:
    """`{"name": …, "cluster_name": …, "notebook_task": …}`: a job of one task."""
    indexes = [index for index, member in enumerate(job.members) if member.name in _OF_TASK]
    if job.get("tasks") is not None or not indexes:
        return
    first, last = indexes[0], _last_of_run(indexes)
    start, end = job.members[first].key_start, job.members[last].value.end
    later = [index for index in indexes if index > last]
    key = _NO_KEY.sub("_", text_of(job.get("name")) or "main")[:100] or "main"
    moved = "".join(f", {text[job.members[i].key_start : job.members[i].value.end]}" for i in later)
    edits = [
        Edit(start, start, f'"tasks": [{{"task_key": {as_json(key)}, '),
        Edit(end, end, f"{moved}}}]"),
        *remove(text, job, later),
    ]
    yield old(start, 'a task beside the name of its job: write "tasks": [{"task_key": …, …}]', *edits)


def _last_of_run(indexes: list[int]) -> int:
    """The last index of those that follow each other from the first one on."""
    last = indexes[0]
    while last + 1 in indexes:
        last += 1
    return last


def _branch(text: str, job: Object, repository: dict[str, str]) -> Iterator[Finding]:
    """`git_branch` beside the name: the repository is the first one of Repo_Configuration."""
    member = job.member("git_branch")
    branch = text_of(member.value) if member else None
    if not member or branch is None:
        return
    if job.get("git_source") is None and repository:
        message = '"git_branch" beside the name of its job: write "git_source": {"git_url": …, "git_branch": …}'
        edits = [
            Edit(member.key_start, member.key_end, '"git_source"'),
            replace(member.value, {**repository, "git_branch": branch}),
        ]
    else:
        message = '"git_branch" beside the name of its job: take it out'
        edits = remove(text, job, [job.members.index(member)])
    yield old(member.key_start, message, *edits)


def _first_repository(repositories: list[Object]) -> dict[str, str]:
    for repository in repositories:
        url, provider = text_of(repository.get("url")), text_of(repository.get("provider"))
        if url and provider and "<" not in url:
            return {"git_url": url, "git_provider": provider}
    return {}


def _empty_cluster_id(text: str, task: Object) -> Iterator[Finding]:
    member = task.member("existing_cluster_id")
    if member and text_of(member.value) == "" and task.get("cluster_name") is not None:
        edits = remove(text, task, [task.members.index(member)])
        yield old(member.key_start, 'an empty "existing_cluster_id": take it out', *edits)


def _notebook(task: Object, folders: Collection[str]) -> Iterator[Finding]:
    """A notebook in a Git folder of this file, under somebody's client id: it runs from the repository itself."""
    notebook = task.get("notebook_task")
    if not isinstance(notebook, Object):
        return
    path, source = notebook.member("notebook_path"), notebook.member("source")
    inside = _path_in_repository(text_of(path.value) if path else None, folders)
    if not path or not inside or (source and text_of(source.value) != "WORKSPACE"):
        return
    edits = [replace(path.value, inside)]
    edits += [replace(source.value, "GIT")] if source else [Edit(path.value.end, path.value.end, ', "source": "GIT"')]
    message = f'a notebook below /Repos/<client id>: write "notebook_path": {as_json(inside)}, "source": "GIT"'
    yield old(path.value.start, message, *edits)


def _path_in_repository(path: str | None, folders: Collection[str]) -> str:
    found = _IN_GIT_FOLDER.fullmatch(path or "")
    rest = found["rest"] if found else ""
    slashes = (slash.start() for slash in re.finditer("/", rest))
    return next((rest[slash + 1 :] for slash in slashes if rest[:slash] in folders), "")
