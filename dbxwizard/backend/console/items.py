"""The things of an environment as the console lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbxwizard.inventory import cores_of, is_ours


@dataclass(frozen=True, slots=True)
class Item:
    """One thing. `kind`: resource, cluster, job, git folder, secret scope, environment, variable or secret; `id` names
    it within its kind; `state` in the service's own word, "" where it has none; `fields`: what a person asks first."""

    kind: str
    id: str
    name: str
    state: str = ""
    url: str = ""
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"


def of_cluster(url: str, found: Mapping[str, Any]) -> Item:
    cluster_id, workers = str(found["cluster_id"]), int(found.get("num_workers") or 0)
    idle = found.get("autotermination_minutes")
    scale = found.get("autoscale") or {}
    size = f"{scale.get('min_workers')} to {scale.get('max_workers')}" if scale else str(workers)
    fields = (
        ("id", cluster_id),
        ("runtime", str(found.get("spark_version", ""))),
        ("node type", str(found.get("node_type_id", ""))),
        ("workers", size),
        ("cores", str(cores_of(found, workers) or "")),
        ("ends when idle for", f"{idle} min" if idle else "never"),
        ("state message", str(found.get("state_message", ""))),
        ("made by", _maker(found, found.get("custom_tags"))),
    )
    name = str(found.get("cluster_name", cluster_id))
    page = f"{url}/compute/clusters/{cluster_id}"
    return Item("cluster", cluster_id, name, str(found.get("state", "")), page, filled(fields))


def of_job(url: str, found: Mapping[str, Any]) -> Item:
    settings, job_id = found.get("settings") or {}, str(found["job_id"])
    fields = (
        ("id", job_id),
        ("tasks", ", ".join(str(task.get("task_key", "")) for task in settings.get("tasks", ()))),
        ("schedule", str((settings.get("schedule") or {}).get("quartz_cron_expression", ""))),
        ("made by", _maker(found, settings.get("tags"))),
    )
    return Item("job", job_id, str(settings.get("name", job_id)), url=f"{url}/jobs/{job_id}", fields=filled(fields))


def of_folder(url: str, found: Mapping[str, Any]) -> Item:
    fields = (
        ("repository", str(found.get("url", ""))),
        ("branch", str(found.get("branch", ""))),
        ("commit", str(found.get("head_commit_id", ""))),
    )
    page = f"{url}/#folder/{found['id']}"
    return Item("git folder", str(found["id"]), str(found["path"]), url=page, fields=filled(fields))


def _maker(found: Mapping[str, Any], tags: Mapping[str, Any] | None) -> str:
    return "dbxwizard" if is_ours(tags) else str(found.get("creator_user_name", ""))


def filled(fields: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in fields if value)
