"""The service principal's Git credential, and the Git folders below /Repos/<client id>/ that it works in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from dbxwizard.core.errors import Forbidden, NotYet, OperationError
from dbxwizard.core.plan import Change, Inputs, Progress, Reason
from dbxwizard.core.requests import Request
from dbxwizard.core.secret import Secret
from dbxwizard.parameters.model import GitConfiguration, GitFolder
from dbxwizard.steps.databricks.requests import hand_over, make_folder, to_workspace
from dbxwizard.steps.databricks.shared_workspace import Json, SharedWorkspace, WorkspaceStep
from dbxwizard.steps.git_ref import GitRef, ResolveCommit

_GIT_REFUSED = "Git provider credentials"  # the words of a refusal for want of a Git credential
_FINGERPRINT = 12  # hex digits; tokens are random, so these tell nothing of one


class GitCredentialStep(WorkspaceStep[Json]):
    """A token can't be read back, so the credential's name holds a fingerprint of it. A service principal has one
    credential for each provider: it is updated where there is one."""

    def __init__(
        self, workspace: SharedWorkspace, configuration: GitConfiguration, token: Secret, *, needs: Sequence[str] = ()
    ) -> None:
        provider = configuration.provider
        super().__init__(
            workspace,
            f"git-credential/{provider}",
            f"Git credential {provider}",
            resource=f"Git credential for {provider} in {workspace.environment}",
            needs=needs,
        )
        self._provider, self._username, self._token = provider, configuration.username, token
        digest = hashlib.sha256(token.reveal().encode()).hexdigest()
        self._name = f"dbxwizard {digest[:_FINGERPRINT]}"

    def _principal_id(self, inputs: Inputs) -> str:
        """ "" where we are the service principal ourselves."""
        if inputs.get(self.workspace.ready, "_acts_as_service_principal"):
            return ""
        return str(inputs.get(self.workspace.ready, "_service_principal_id"))

    async def read(self, inputs: Inputs) -> Json | None:
        client = await self.workspace.client(inputs)
        found = await client.git_credentials(self._principal_id(inputs))
        same = [one for one in found if one["git_provider"].lower() == self._provider.lower()]
        return same[0] if same else None

    def diff(self, state: Json | None, inputs: Inputs) -> Change:
        if state is None:
            return Change.create(git_provider=self._provider, git_username=self._username)
        reasons = []
        if state.get("git_username", "") != self._username:
            reasons.append(Reason("git_username", state.get("git_username"), self._username))
        if state.get("name") != self._name:
            reasons.append(Reason("personal_access_token", "another token", "the token given"))
        return Change.update(reasons)

    async def apply(
        self, state: Json | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        client, principal_id = await self.workspace.client(inputs), self._principal_id(inputs)
        given = (self._provider, self._username, self._token, self._name, principal_id)
        if state is None:
            await client.create_git_credential(*given)
        else:
            await client.update_git_credential(state["credential_id"], *given)
        return {}

    def writes(self, state: Json | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        path = "/api/2.0/git-credentials"
        if state is None:
            return (to_workspace("POST", path, f"makes the {self.title}"),)
        return (to_workspace("PATCH", f"{path}/{state['credential_id']}", f"changes the {self.title}"),)


@dataclass(frozen=True, slots=True)
class FolderState:
    """`wanted`: the commit that the ref names on the Git server now, None where nobody could say."""

    repo: Json | None
    wanted: str | None
    managed: bool = False  # by the service principal


class GitFolderStep(WorkspaceStep[FolderState]):
    """`ref` is what is deployed; a folder with a branch of its own stays on that branch."""

    def __init__(
        self,
        workspace: SharedWorkspace,
        folder: GitFolder,
        service_principal: str,
        ref: GitRef,
        resolve: ResolveCommit,
        *,
        needs: Sequence[str] = (),
    ) -> None:
        super().__init__(
            workspace,
            f"git-folders/{folder.path}",
            f"Git folder {folder.path}",
            resource=f"Git folder {folder.path} in {workspace.environment}",
            needs=needs,
        )
        self._folder, self._resolve, self._service_principal = folder, resolve, service_principal
        self._home = f"/Repos/{service_principal}"
        self._path = f"{self._home}/{folder.path.strip('/')}"
        self._ref = GitRef("branch", folder.branch) if folder.branch else ref

    async def read(self, inputs: Inputs) -> FolderState:
        listed = await self.workspace.repos(inputs, self._home)
        repo = next((one for one in listed if one["path"] == self._path), None)
        managed = repo is not None and await self._is_managed(inputs, repo)
        return FolderState(repo, await self._resolve(self._folder.url, self._ref), managed)

    async def _is_managed(self, inputs: Inputs, repo: Json) -> bool:
        return await self.workspace.is_managed(inputs, "repos", repo["id"], self._service_principal)

    def diff(self, state: FolderState | None, inputs: Inputs) -> Change:
        assert state is not None  # noqa: S101  read gives one always
        if self._ref.kind == "commit":
            raise OperationError(
                "git-folder-commit",
                f"a Git folder can be set to a branch or a tag, not to the {self._ref}",
                resource=self.resource,
                fix="Deploy a branch or a tag, BRANCH@COMMIT, or give the folder a branch in Repo_Configuration.",
            )
        if state.repo is None:
            return Change.create(url=self._folder.url, path=self._path, ref=str(self._ref))
        if _plain(state.repo.get("url", "")) != _plain(self._folder.url):
            raise OperationError(
                "git-folder-taken",
                f"{self._path} holds {state.repo.get('url')}",
                resource=self.resource,
                fix="Delete that Git folder or choose another path in Repo_Configuration.",
            )
        manager = [] if state.managed else [Reason("manager", None, self._service_principal)]
        return Change.update([*self._differences(state, state.repo), *manager])

    def _differences(self, state: FolderState, repo: Json) -> list[Reason]:
        reasons = []
        if self._ref.kind == "branch" and repo.get("branch") != self._ref.name:
            reasons.append(Reason("branch", repo.get("branch"), self._ref.name))
        if self._ref.kind == "tag" and repo.get("branch"):
            reasons.append(Reason("tag", None, self._ref.name))
        head = repo.get("head_commit_id")
        if state.wanted is not None and head != state.wanted:
            reasons.append(Reason("head_commit_id", head, state.wanted))
        if state.wanted is None and self._ref.kind == "tag" and not reasons:
            reasons.append(Reason("tag", head, f"{self._ref.name} (its commit is not known here)"))
        return reasons

    async def apply(
        self, state: FolderState | None, change: Change, inputs: Inputs, progress: Progress
    ) -> Mapping[str, object]:
        assert state is not None  # noqa: S101  read gives one always
        try:
            repo = await self._set(state, inputs)
            if not state.managed:
                await self.workspace.hand_over(inputs, "repos", repo["id"], self._service_principal)
        except NotYet as refused:
            if inputs.get(self.workspace.ready, "_acts_as_service_principal") or _GIT_REFUSED not in refused.message:
                raise
            raise Forbidden(
                "git-credential-of-person",
                refused.message,
                resource=self.resource,
                fix="Databricks clones a private repository with the Git credential of whoever asks: add one to your "
                "user settings in the workspace, or deploy from GitHub Actions, where the service principal acts.",
                status=refused.status,
            ) from refused
        finally:
            self.workspace.changed("repos")
        return {"repo_id": str(repo["id"]), "path": self._path}

    def writes(self, state: FolderState | None, change: Change, inputs: Inputs) -> tuple[Request, ...]:
        """A new folder is at the newest commit of the default branch, and belongs to whoever made it."""
        repo, path = state.repo if state else None, "/api/2.0/repos"
        if state is None or repo is None:
            return (
                make_folder(self._home),
                to_workspace("POST", path, f"clones {self._folder.url}"),
                to_workspace("PATCH", f"{path}/{{repo_id}}", f"sets it to the {self._ref}", optional=True),
                hand_over("repos", "{repo_id}", optional=True),
            )
        update = to_workspace("PATCH", f"{path}/{repo['id']}", f"sets it to the {self._ref}")
        differs = bool(self._differences(state, repo))
        return (*([update] if differs else []), *([] if state.managed else [hand_over("repos", str(repo["id"]))]))

    async def _set(self, state: FolderState, inputs: Inputs) -> Json:
        client, repo = await self.workspace.client(inputs), state.repo
        if repo is None:
            await client.make_folder(self._path.rsplit("/", 1)[0])
            repo = await client.create_repo(self._folder.url, self._folder.provider, self._path)
        if self._differences(state, repo):
            named = {self._ref.kind: self._ref.name}
            await client.set_repo(repo["id"], **named)
        return repo

    def outputs(self, state: FolderState, inputs: Inputs) -> Mapping[str, object]:
        return {"repo_id": str(state.repo["id"]), "path": self._path} if state.repo else {}


def _plain(url: str) -> str:
    """An address without what makes no difference: case, user, `.git`, a slash at the end."""
    parts = urlsplit(url.lower())
    return f"{parts.hostname}{parts.path.rstrip('/').removesuffix('.git')}"
