"""The steps of deploy: everything that one environment file describes, all that CI can see and do."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbxwizard.core.errors import Forbidden, NotYet, OperationError, UsageError
from dbxwizard.core.plan import Inputs, Scope, Step
from dbxwizard.core.secret import Secret
from dbxwizard.parameters.model import Access, Environment, Permission, ScopeAcl, SecretScope
from dbxwizard.steps.azure.expected import load_template
from dbxwizard.steps.azure.infrastructure import BY, FROM, Around, InfrastructureStep
from dbxwizard.steps.azure.resource_reader import ResourceReader
from dbxwizard.steps.azure.role_assignments import AssignmentReader
from dbxwizard.steps.connection import Connection
from dbxwizard.steps.databricks.access import AccessStep
from dbxwizard.steps.databricks.access import Principal as WorkspacePrincipal
from dbxwizard.steps.databricks.access_token import AccessTokenStep
from dbxwizard.steps.databricks.clusters import ClusterStep
from dbxwizard.steps.databricks.git_folders import GitCredentialStep, GitFolderStep
from dbxwizard.steps.databricks.jobs import JobStep, Repository
from dbxwizard.steps.databricks.members import MemberStep, member_step
from dbxwizard.steps.databricks.run_as import RunAsStep
from dbxwizard.steps.databricks.secret_scopes import SecretScopeStep
from dbxwizard.steps.databricks.shared_workspace import SharedWorkspace
from dbxwizard.steps.databricks.wheel_build import WheelBuilds
from dbxwizard.steps.databricks.wheels import WheelStep
from dbxwizard.steps.databricks.workspace import Workspace
from dbxwizard.steps.environment_roles import environment_role_steps
from dbxwizard.steps.git_changes import unchanged
from dbxwizard.steps.git_ref import GitRef
from dbxwizard.steps.identity.principals import Directory, Principals, repository_of
from dbxwizard.steps.pending import Refused
from dbxwizard.steps.readings import Readings

if TYPE_CHECKING:
    from dbxwizard.clients.keyvault import VaultClient

TOKEN_SECRET = "dbkstoken"  # noqa: S105  the accelerator's name of the secret that holds the access token
_LONGEST_TAG = 256
_WORKSPACE_KIND = {"User": "Users", "Group": "Groups", "ServicePrincipal": "ServicePrincipals"}


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """`ref`: what jobs and Git folders are set to. `repository`: OWNER/NAME, "" means the one that the files name.

    `since`: the commit that was deployed before; Azure's resources are left alone where their inputs are as they were.
    """

    ref: GitRef
    repository: str = ""
    since: str = ""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


async def deploy_steps(
    options: DeployOptions, environments: Iterable[Environment], connection: Connection
) -> tuple[Step[Any], ...]:
    """The steps of all environments, side by side. Raises OperationError for a principal that nobody knows.

    Where the actor may not look up who the principals are, an environment's resources stand beside a step that says so.
    """
    chosen = tuple(environments)
    shared = _Shared(connection, [one.subscription_id for one in chosen])
    made = [
        _Deployment(options, one, Principals(connection, one, options.repository, shared.directory), shared)
        for one in chosen
    ]
    return tuple(step for steps in await asyncio.gather(*(one.allowed_steps() for one in made)) for step in steps)


class _Shared:
    """What the environments ask and make together."""

    def __init__(self, connection: Connection, subscriptions: Sequence[str]) -> None:
        self.connection = connection
        self.directory, self.builds = Directory(connection), WheelBuilds()
        self.account, self.commits = Readings(), Readings()
        self.resources = {one: ResourceReader(connection.arm(one)) for one in dict.fromkeys(subscriptions)}
        self.assignments = {
            one: AssignmentReader(connection.authorization(one), found) for one, found in self.resources.items()
        }


class _Deployment:
    """One environment's steps on their way."""

    def __init__(
        self, options: DeployOptions, environment: Environment, principals: Principals, shared: _Shared
    ) -> None:
        self._options, self._environment, self._connection = options, environment, shared.connection
        self._principals, self._shared = principals, shared
        only_reads = shared.connection.only_reads
        self._workspace = SharedWorkspace(environment.name, shared.connection.workspace, only_reads=only_reads)
        self._client_id = ""

    async def allowed_steps(self) -> list[Step[Any]]:
        try:
            return await self.steps()
        except (Forbidden, NotYet) as refused:
            name = self._environment.name
            step_id, title = f"{name.lower()}/principals", "what the service principals and people have"
            rest = Refused(step_id, title, refused, scope=Scope.DEPLOY, environment=name)
            return [self._infrastructure(), rest]

    async def steps(self) -> list[Step[Any]]:
        environment, connection = self._environment, self._connection
        service_principal = await self._principals.resolve("databricks-spn")
        self._client_id = service_principal.name
        reader = self._shared.assignments[environment.subscription_id]
        roles = await environment_role_steps(environment, connection, self._principals, reader)
        # A person enters the workspace by rights of their own; the service principal by the roles of the file.
        entry = [] if connection.signed_in.kind == "user" else [role.id for role in roles]
        wheels, folders, members = self._wheels(), self._folders(), await self._members()
        return [
            self._infrastructure(),
            *roles,
            Workspace(self._workspace, self._client_id, service_principal.display_name, needs=entry),
            *self._clusters(),
            *self._credentials(),
            *folders,
            *wheels,
            *self._jobs([step.id for step in (*wheels, *folders)]),
            *self._token(),
            *members,
            *await self._scopes([role.id for role in roles]),
            *await self._access([folder.id for folder in folders], [member.id for member in members]),
        ]

    def _infrastructure(self) -> InfrastructureStep:
        environment, reader = self._environment, self._shared.resources[self._environment.subscription_id]
        return InfrastructureStep(
            environment,
            load_template(environment.root),
            self._connection.arm(environment.subscription_id),
            self._connection.signed_in.tenant_id,
            reader=reader,
            unchanged_since=self._options.since if self._is_unchanged() else "",
            around=Around(
                tags=_signature(self._connection.signed_in.label, self._options.environ),
                meanwhile=self._prepare_workspace,
                afterwards=reader.assignments_changed,
            ),
        )

    def _is_unchanged(self) -> bool:
        root, since = self._environment.root, self._options.since
        return bool(since) and unchanged(root, since, (self._environment.file, root / "bicep"))

    def _prepare_workspace(self, new: bool) -> None:
        """Loads what the steps in the workspace need, and builds the wheels for one that is being made."""
        self._connection.warm_up()
        for wheel in self._environment.wheels if new else ():
            self._shared.builds.begin(self._environment.root / wheel.project)

    def _clusters(self) -> list[Step[Any]]:
        return [ClusterStep(self._workspace, cluster, self._client_id) for cluster in self._environment.clusters]

    def _credentials(self) -> list[Step[Any]]:
        """Public repositories need none; the token is asked for by setup and reaches us by the environment."""
        token = self._options.environ.get("PAT_GITHUB", "")
        if not token:
            return []
        return [GitCredentialStep(self._workspace, one, Secret(token)) for one in self._environment.git]

    def _folders(self) -> list[Step[Any]]:
        needs = [step.id for step in self._credentials()]
        return [
            GitFolderStep(
                self._workspace, folder, self._client_id, self._options.ref, self._resolve_commit, needs=needs
            )
            for folder in self._environment.git_folders
        ]

    async def _resolve_commit(self, url: str, ref: GitRef) -> str | None:
        """The commit of a branch, where our token can tell."""
        repository = repository_of(self._environment)
        if ref.kind == "commit":
            return ref.name
        ours = url.rstrip("/").endswith(repository)
        if ours and ref.at:
            return ref.at
        if ref.kind != "branch" or not self._connection.has_github or not ours:
            return None
        return await self._shared.commits.once(f"{repository} {ref.name}", lambda: self._head(repository, ref.name))

    async def _head(self, repository: str, branch: str) -> str | None:
        github = await self._connection.github_loaded(repository)
        head = await github.head(branch)
        default = "" if head else (await github.repository()).default_branch
        if default and await github.head(default):  # else it is empty still
            raise UsageError(
                "branch-unknown",
                f"{repository} has no branch {branch}",
                resource="--ref",
                fix=f"Push it, or deploy another: --ref {default}",
            )
        return head.commit if head else None

    def _wheels(self) -> list[Step[Any]]:
        root = self._environment.root
        return [
            WheelStep(
                self._workspace,
                wheel.project,
                root / wheel.project,
                wheel.clusters if wheel.upload else (),
                builds=self._shared.builds,
            )
            for wheel in self._environment.wheels
        ]

    def _jobs(self, needs: Sequence[str]) -> list[Step[Any]]:
        if not self._environment.jobs:
            return []
        folders = self._environment.git_folders
        if not folders:
            raise UsageError(
                "repository-missing",
                "jobs come from a repository, and Repo_Configuration names none",
                resource=str(self._environment.file),
                fix="Name the repository in Repo_Configuration; setup writes it.",
            )
        repository = Repository(folders[0].url, folders[0].provider, self._options.ref.pinned)
        right = RunAsStep(self._workspace, self._client_id, account=self._shared.account)
        needs = (*needs, right.id)
        jobs = [
            JobStep(self._workspace, job, self._client_id, repository, needs=needs) for job in self._environment.jobs
        ]
        return [right, *jobs]

    def _token(self) -> list[Step[Any]]:
        """Only where a secret scope still takes it from the vault."""
        sources = {source for scope in self._environment.secret_scopes for source in scope.secrets.values()}
        if f"key-vault:{TOKEN_SECRET}" not in sources:
            return []
        return [AccessTokenStep(self._workspace, self._vault, secret_name=TOKEN_SECRET)]

    async def _vault(self, uri: str) -> VaultClient:
        return self._connection.vault(uri)

    async def _members(self) -> list[Step[Any]]:
        """Those whom secret scopes name."""
        named = {await self._named(acl): acl for scope in self._environment.secret_scopes for acl in scope.acls}
        entries = {access.principal: access for access in self._environment.access}
        made: list[Step[Any]] = []
        for name, acl in named.items():
            access = entries.get(acl.principal, Access(acl.principal, principal_name=name))
            found = await self._principals.resolve(access.principal, access.principal_type, name)
            if name != self._client_id:
                kind = _WORKSPACE_KIND[found.kind or _kind_of(name)]
                principal = WorkspacePrincipal(kind, name, found.object_id)  # type: ignore[arg-type]  # one of the three
                made.append(MemberStep(self._workspace, principal, access.entitlements))
        return made

    async def _scopes(self, roles: Sequence[str]) -> list[Step[Any]]:
        return [
            SecretScopeStep(
                self._workspace,
                scope.name,
                scope.secrets,
                self._client_id,
                self._value,
                acls={await self._named(acl): acl.permission for acl in scope.acls},
                needs=await self._scope_needs(scope, roles),
            )
            for scope in self._environment.secret_scopes
        ]

    async def _scope_needs(self, scope: SecretScope, roles: Sequence[str]) -> list[str]:
        """Who is named in it has to be in the workspace; values of the vault need the roles and the token in it."""
        names = [await self._named(acl) for acl in scope.acls]
        members = [member_step(self._workspace, name) for name in names if name != self._client_id]
        if not any(source.startswith("key-vault:") for source in scope.secrets.values()):
            return members
        return [*members, *[step.id for step in self._token()], *roles]

    async def _named(self, acl: ScopeAcl) -> str:
        found = await self._principals.resolve(acl.principal, name=acl.principal_name)
        return found.name or acl.principal

    async def _value(self, source: str, inputs: Inputs) -> Secret | None:
        """The value that a source of a secret scope names; None where this way of signing in has none."""
        infrastructure = self._workspace.infrastructure
        kind, _, name = source.partition(":")
        if kind == "key-vault":
            stored = await self._connection.vault(str(inputs.get(infrastructure, "vault_uri"))).get_secret(name)
            return stored.value if stored else None
        if source == "application-insights.connection-string":
            found = inputs.get(infrastructure, "_application_insights_connection_string")
            return found if isinstance(found, Secret) else None
        known = {
            "databricks-spn.client-id": self._client_id,
            "databricks-spn.client-secret": self._options.environ.get("ARM_CLIENT_SECRET", ""),
            "tenant-id": self._connection.signed_in.tenant_id,
            "environment": self._options.environ.get(name, ""),
        }
        value = known.get(kind, known.get(source, ""))
        return Secret(value) if value else None

    async def _access(self, folders: Sequence[str], members: Sequence[str]) -> list[Step[Any]]:
        made: list[Step[Any]] = []
        for access in self._environment.access:
            principal = await self._workspace_principal(access)
            member = member_step(self._workspace, principal.name)
            needs = [*folders, *([member] if member in members else [])]
            made.append(AccessStep(self._workspace, self._absolute(access), principal, needs=needs))
        return [*made, *await self._sight(folders)]

    async def _sight(self, folders: Sequence[str]) -> list[Step[Any]]:
        """What whoever plans has to see, each at the lowest level that there is. Never a secret scope: who may look at
        one reads its secrets."""
        found = await self._principals.planning()
        if found is None:
            return []
        environment = self._environment
        access = Access(
            found.name,
            ("workspace-access",),
            clusters=tuple(Permission(one.name, "CAN_ATTACH_TO") for one in environment.clusters),
            jobs=tuple(Permission(one.name, "CAN_VIEW") for one in environment.jobs),
            folders=tuple(Permission(one.path, "CAN_READ") for one in environment.git_folders),
        )
        principal = WorkspacePrincipal("ServicePrincipals", found.name, found.object_id)
        return [AccessStep(self._workspace, self._absolute(access), principal, needs=folders, who="plan-spn")]

    def _absolute(self, access: Access) -> Access:
        """Folders without a leading slash are those of Repo_Configuration, below /Repos/<client id>/."""
        home = f"/Repos/{self._client_id}"
        folders = tuple(
            one if one.name.startswith("/") else replace(one, name=f"{home}/{one.name}") for one in access.folders
        )
        return replace(access, folders=folders)

    async def _workspace_principal(self, access: Access) -> WorkspacePrincipal:
        found = await self._principals.resolve(access.principal, access.principal_type, access.principal_name)
        if not found.kind or not found.name:
            raise OperationError(
                "principal-name-missing",
                f"Databricks knows people by name, and the file has only the id {access.principal}",
                resource=str(self._environment.file),
                fix="Write PrincipalType and PrincipalName beside it, or user:NAME and run `dbxwizard setup`.",
            )
        return WorkspacePrincipal(_WORKSPACE_KIND[found.kind], found.name, found.object_id)  # type: ignore[arg-type]


def _kind_of(name: str) -> str:
    """What somebody is whom a file names without saying it: people sign in with an address."""
    return "User" if "@" in name else "Group"


def _signature(who: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Tags that say who deploys and where: in Actions who started the run, and its address, else the machine's name.

    docs.github.com/actions/reference/workflows-and-actions/variables; learn.microsoft.com/azure/azure-resource-manager/
    management/tag-resources: 256 characters at most.
    """
    run, server, repository, person = (
        environ.get(f"GITHUB_{name}", "") for name in ("RUN_ID", "SERVER_URL", "REPOSITORY", "ACTOR")
    )
    where = f"{server}/{repository}/actions/runs/{run}" if run else platform.node()
    by = f"{person}, as {who}" if run and person else who
    return {BY: by[:_LONGEST_TAG], FROM: where[:_LONGEST_TAG]}


_MAIN = GitRef("branch", "main")


def checked_out(root: Path, environ: Mapping[str, str]) -> GitRef:
    """The ref that is checked out: by GitHub Actions, or in the git repository at or above `root`; else main.

    In Actions the branch or tag that the run was started on, as a person would have it; a pull request's merge commit,
    which is on neither, by its id.
    """
    named = environ.get("GITHUB_REF", "")
    if named.startswith(("refs/heads/", "refs/tags/")):
        return GitRef.parse(named)
    if environ.get("GITHUB_SHA"):
        return GitRef("commit", environ["GITHUB_SHA"])
    for folder in (root.resolve(), *root.resolve().parents):
        if (folder / ".git").exists():
            return _head_of(folder / ".git")
    return _MAIN


def _head_of(git: Path) -> GitRef:
    """Of a worktree too. A new repository's branch has no commit yet: nothing that is deployed can be on it."""
    shared = git
    if git.is_file():
        git = git.parent / git.read_text("utf-8", errors="replace").partition("gitdir: ")[2].strip()
        shared = git.parent.parent
    head = git / "HEAD"
    named = head.read_text("utf-8", errors="replace").strip().removeprefix("ref: ") if head.is_file() else ""
    is_new = not (shared / "packed-refs").exists() and not any((shared / "refs" / "heads").glob("*"))
    return GitRef.parse(named) if named and not (is_new and named.startswith("refs/")) else _MAIN
