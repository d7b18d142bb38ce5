"""What the rules for old forms share."""

from __future__ import annotations

from collections.abc import Iterator

from dbxwizard.parameters.databricks_fields import GIT_PROVIDERS
from dbxwizard.parameters.edit import as_json, insert, replace
from dbxwizard.parameters.nodes import Array, Node, Object, text_of
from dbxwizard.parameters.problems import Edit, Finding

_FIX = "`dbxwizard validate --fix` rewrites it"
_PROVIDERS = {name.casefold(): name for name in GIT_PROVIDERS}


def old(offset: int, message: str, *edits: Edit) -> Finding:
    return Finding(offset, "warning", "old-form", message, _FIX, edits)


def renamed(one: Object, before: str, now: str) -> Iterator[Finding]:
    member = one.member(before)
    if member and one.get(now) is None:
        yield old(member.key_start, f'"{before}": write "{now}"', Edit(member.key_start, member.key_end, as_json(now)))


def in_list(node: Node) -> list[Edit]:
    """Puts brackets around a value that is no list yet."""
    if isinstance(node, Array):
        return []
    return [Edit(node.start, node.start, "["), Edit(node.end, node.end, "]")]


def provider(one: Object, key: str) -> Iterator[Finding]:
    """A git provider as the Databricks API spells it."""
    node = one.get(key)
    spelled = text_of(node)
    if node is None or spelled is None:
        return
    right = _PROVIDERS.get(spelled.casefold(), spelled)
    if right != spelled:
        yield old(node.start, f'a provider spelled in another way: write "{right}"', replace(node, right))


def secured(text: str, cluster: Object) -> Iterator[Finding]:
    """A cluster without an access mode: new accounts start none without isolation. The ML runtimes of then can't be
    shared, so they belong to the service principal that runs the jobs."""
    if cluster.get("data_security_mode") is not None or not cluster.members:
        return
    mode = '"data_security_mode": "USER_ISOLATION"'
    if "-ml-" in (text_of(cluster.get("spark_version")) or ""):
        mode = '"data_security_mode": "SINGLE_USER"'
        mode += "" if cluster.get("single_user_name") else ', "single_user_name": "databricks-spn"'
    yield old(cluster.start, f'no "data_security_mode": write {mode}', *insert(text, cluster, mode))
