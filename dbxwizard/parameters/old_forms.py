"""The accelerator's forms, and those of its forks: what each is today, as edits.

Loading makes these edits in memory, `validate --fix` in the file: so what is used is exactly what would be written.
Each rule looks at a tree and gives Findings with edits; a file in the current form gives none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dbxwizard.parameters.edit import as_json, insert, remove, replace
from dbxwizard.parameters.nodes import Member, Node, Object, objects, text_of
from dbxwizard.parameters.old_common import in_list, old, provider, renamed, secured
from dbxwizard.parameters.old_jobs import old_jobs
from dbxwizard.parameters.problems import Edit, Finding

# The accelerator's shell steps read these; what they say is found out or known today.
GONE = (
    "TemplateParamFilePath",
    "TemplateFilePath",
    "AZURE_DATABRICKS_APP_ID",
    "MANAGEMENT_RESOURCE_ENDPOINT",
    "dbxSPNAppID",
)
_WHEEL_KEYS = {
    "setup_py_file_path": "project",
    "wheel_cluster": "clusters",
    "cluster": "clusters",
    "upload_to_cluster?": "upload",
    "upload_to_cluster": "upload",
}
_PLACEHOLDER = re.compile(r"\s*(<[^<>]*>)?\s*")


def old_forms(text: str, root: Node | None) -> Iterator[Finding]:
    """All old forms in a tree."""
    if not isinstance(root, Object):
        return
    rules = _Rules(text, root)
    yield from rules.gone_keys()
    yield from rules.resource_group()
    yield from rules.role_assignments()
    yield from rules.wheels()
    yield from rules.git()
    yield from rules.clusters()
    yield from old_jobs(text, root)


@dataclass(frozen=True, slots=True)
class _Rules:
    text: str
    root: Object

    def gone_keys(self) -> Iterator[Finding]:
        indexes = [index for index, member in enumerate(self.root.members) if member.name in GONE]
        # All with the same edits: whether the comma before them stays depends on all that go.
        edits = remove(self.text, self.root, indexes)
        for member in (self.root.members[index] for index in indexes):
            yield old(member.key_start, f'"{member.name}" is not needed any more: take it out', *edits)

    def resource_group(self) -> Iterator[Finding]:
        member = self.root.member("ResourceGroupName")
        name = text_of(member.value) if member else None
        if not member or name is None:
            return
        message = f'"ResourceGroupName" at the top: write "Resources": {{"ResourceGroup": {as_json(name)}}}'
        resources = self.root.member("Resources")
        if resources is None:
            source = self.text[member.value.start : member.value.end]
            edits = [
                Edit(member.key_start, member.key_end, '"Resources"'),
                Edit(member.value.start, member.value.end, f'{{"ResourceGroup": {source}}}'),
            ]
            yield old(member.key_start, message, *edits)
        elif isinstance(resources.value, Object) and resources.value.get("ResourceGroup") is None:
            edits = insert(self.text, resources.value, f'"ResourceGroup": {as_json(name)}')
            edits += remove(self.text, self.root, [self.root.members.index(member)])
            yield old(member.key_start, message, *edits)
        elif isinstance(resources.value, Object) and text_of(resources.value.get("ResourceGroup")) == name:
            edits = remove(self.text, self.root, [self.root.members.index(member)])
            yield old(member.key_start, '"ResourceGroupName" again: take it out', *edits)

    def role_assignments(self) -> Iterator[Finding]:
        for one in objects(self.root.get("RBAC_Assignments")):
            yield from renamed(one, "roleBeneficiaryObjID", "principal")
            role = one.member("role")
            if role and one.get("roles") is None:
                edits = [Edit(role.key_start, role.key_end, '"roles"'), *in_list(role.value)]
                yield old(role.key_start, '"role": write "roles", with a list', *edits)
            roles = one.member("roles")
            if roles and text_of(roles.value) is not None:
                yield old(roles.value.start, '"roles" with a single text: write a list', *in_list(roles.value))

    def wheels(self) -> Iterator[Finding]:
        for one in objects(self.root.get("WheelFiles")):
            for member in one.members:
                name = _WHEEL_KEYS.get(member.name.casefold())
                if name and one.get(name) is None:
                    yield self.wheel_key(member, name)
            clusters = one.member("clusters")
            if clusters and text_of(clusters.value) is not None:
                yield old(clusters.value.start, '"clusters" with a single text: write a list', *in_list(clusters.value))

    def wheel_key(self, member: Member, name: str) -> Finding:
        edits = [Edit(member.key_start, member.key_end, as_json(name))]
        path = text_of(member.value)
        if name == "project" and path is not None:
            edits += _folder(member.value, path)
        if name == "clusters":
            edits += in_list(member.value)
        return old(member.key_start, f'"{member.name}": write "{name}"', *edits)

    def git(self) -> Iterator[Finding]:
        for one in objects(self.root.get("Git_Configuration")):
            yield from provider(one, "git_provider")
            member = one.member("personal_access_token")
            value = text_of(member.value) if member else None
            if member and value is not None and _PLACEHOLDER.fullmatch(value):
                edits = remove(self.text, one, [one.members.index(member)])
                yield old(member.key_start, '"personal_access_token" never stands in a file: take it out', *edits)
        for one in objects(self.root.get("Repo_Configuration")):
            yield from provider(one, "provider")

    def clusters(self) -> Iterator[Finding]:
        for one in objects(self.root.get("Clusters")):
            yield from secured(self.text, one)


def _folder(node: Node, path: str) -> list[Edit]:
    """The folder of a setup.py."""
    folder = path.replace("\\", "/").removesuffix("setup.py").rstrip("/") or "."
    return [replace(node, folder)]
