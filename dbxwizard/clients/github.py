"""GitHub: one repository, its environments with their variables and secrets, its files and pull requests."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from github.PublicKey import encrypt

from dbxwizard.clients.client import Client
from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.github_account import token_info
from dbxwizard.clients.github_connection import GitHubConnection, required
from dbxwizard.clients.github_issues import GitHubIssues
from dbxwizard.clients.github_repository import RepositoryPart
from dbxwizard.clients.github_rules import GitHubRules
from dbxwizard.clients.github_runs import GitHubRuns
from dbxwizard.clients.github_types import (
    Head,
    NewFile,
    PullRequest,
    RefPattern,
    Repository,
    Reviewer,
    TokenInfo,
    TreeFile,
    Variable,
)
from dbxwizard.core.errors import Forbidden, NotFound, OperationError
from dbxwizard.core.secret import Secret

_WORKFLOWS = ".github/workflows/"
FILE = "100644"  # the mode of a plain file


class GitHubClient(RepositoryPart, Client):
    """The repository `OWNER/NAME`, with its `issues`, `rules` and workflow `runs`. Raises as RepositoryPart does."""

    def __init__(self, cloud: Cloud, token: Secret, repository: str) -> None:
        super().__init__(GitHubConnection(cloud, token), repository)
        self.is_local = cloud.is_sandbox
        self.issues = GitHubIssues(self._connection, repository)
        self.rules = GitHubRules(self._connection, repository)
        self.runs = GitHubRuns(self._connection, repository)
        self._subject_parts: tuple[Repository, Mapping[str, Any]] | None = None

    async def close(self) -> None:
        await self._connection.close()

    # The token and the repository.

    async def token_info(self) -> TokenInfo:
        return await token_info(self._connection)

    async def repository(self) -> Repository:
        """NotFound also where the token may not see it: GitHub does not tell the two apart."""
        try:
            data = await self._get("")
        except NotFound as error:
            code, words = "github-repository-not-found", f"GitHub shows no repository {self.name} to this token"
            raise NotFound(code, words, resource=error.resource, status=error.status) from error
        owner = required(data, "owner")
        return Repository(
            id=required(data, "id"),
            full_name=required(data, "full_name"),
            owner_id=required(owner, "id"),
            owner_type=required(owner, "type"),
            private=required(data, "private"),
            default_branch=required(data, "default_branch"),
            html_url=required(data, "html_url"),
            clone_url=required(data, "clone_url"),
            may_administer=bool(data.get("permissions", {}).get("admin")),
        )

    async def plan(self) -> str:
        """The owner's plan (`free`, `pro`, `team`, `enterprise` …); "" where the token may not see it."""
        owner = self.name.split("/")[0]
        repository = await self.repository()
        path = f"/orgs/{quote(owner)}" if repository.owner_type == "Organization" else "/user"
        answer = await self._connection.call("GET", path, resource=f"GitHub account {owner}")
        is_owner = answer.data.get("login", "").lower() == owner.lower()
        return str((answer.data.get("plan") or {}).get("name", "")) if is_owner else ""

    async def subject(self, environment: str = "", *, branch: str = "") -> str:
        """The OIDC subject that a job in `environment` presents, or a job on `branch` that is in none.

        The prefix that GitHub names is authoritative: it has the ids of owner and repository where they are in force
        (docs.github.com/actions/reference/security/oidc). Raises OperationError `oidc-subject-unknown` where the
        subject was customised with what only a workflow can tell. What GitHub says of it is read once.
        """
        if self._subject_parts is None:
            self._subject_parts = await self.repository(), await self._customized_subject()
        return subject_of(*self._subject_parts, environment, branch)

    async def _customized_subject(self) -> Mapping[str, Any]:
        path = "/actions/oidc/customization/sub"
        # 404: nothing was customised, or this GitHub Enterprise Server is too old for it.
        return await self._get_or_none(path) or {}

    # Environments.

    async def environment(self, name: str) -> dict[str, Any] | None:
        """The environment as GitHub shows it; None when there is none."""
        found: dict[str, Any] | None = await self._get_or_none(_environment(name))
        return found

    async def put_environment(self, name: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Replaces the whole environment; what GitHub made of it."""
        made: dict[str, Any] = await self._write("PUT", _environment(name), dict(body), f"GitHub environment {name}")
        return made

    async def deployment_refs(self, environment: str) -> dict[RefPattern, int]:
        """The branches and tags that may deploy to an environment with custom policies, and each policy's id."""
        path = _environment(environment) + "/deployment-branch-policies"
        found = await self._items(path, field="branch_policies")
        return {RefPattern(each.get("type", "branch"), required(each, "name")): required(each, "id") for each in found}

    async def admit(self, environment: str, refs: RefPattern) -> None:
        path = _environment(environment) + "/deployment-branch-policies"
        await self._write("POST", path, {"name": refs.name, "type": refs.type}, f"GitHub environment {environment}")

    async def admit_no_longer(self, environment: str, policy_id: int) -> None:
        path = f"{_environment(environment)}/deployment-branch-policies/{policy_id}"
        await self._write("DELETE", path, None, f"GitHub environment {environment}")

    async def reviewer(self, name: str) -> Reviewer | None:
        """The user of a login, or the team ORG/SLUG; None where there is none that this token may see."""
        organisation, slash, slug = name.partition("/")
        path = f"/orgs/{quote(organisation)}/teams/{quote(slug)}" if slash else f"/users/{quote(name)}"
        try:
            answer = await self._connection.call("GET", path, resource=f"GitHub {'team' if slash else 'user'} {name}")
        except NotFound:
            return None
        return Reviewer("Team" if slash else "User", required(answer.data, "id"), name)

    # Variables and secrets, of an environment or ("") of the repository.

    async def variables(self, environment: str = "") -> dict[str, Variable]:
        found = await self._items(_holder(environment) + "/variables", field="variables", query={"per_page": 30})
        return {
            required(each, "name"): Variable(required(each, "value"), required(each, "updated_at")) for each in found
        }

    async def create_variable(self, environment: str, name: str, value: str) -> None:
        body = {"name": name, "value": value}
        await self._write("POST", _holder(environment) + "/variables", body, f"GitHub variable {name}")

    async def update_variable(self, environment: str, name: str, value: str) -> None:
        path = f"{_holder(environment)}/variables/{name}"
        await self._write("PATCH", path, {"value": value}, f"GitHub variable {name}")

    async def secrets(self, environment: str = "") -> dict[str, str]:
        """The secrets' names, and when each was last written, as GitHub writes a time."""
        found = await self._items(_holder(environment) + "/secrets", field="secrets")
        return {required(each, "name"): required(each, "updated_at") for each in found}

    async def public_key_id(self, environment: str = "") -> str:
        """The id of the key that secrets are sealed with. NotFound: there is no such environment."""
        return str(required(await self._get(_holder(environment) + "/secrets/public-key"), "key_id"))

    async def put_secrets(self, environment: str, values: Mapping[str, Secret]) -> None:
        """Seals each value for GitHub alone and sends it."""
        root = _holder(environment) + "/secrets"
        key = await self._get(root + "/public-key")
        for name, value in values.items():
            body = {"key_id": required(key, "key_id"), "encrypted_value": encrypt(required(key, "key"), value.reveal())}
            await self._write("PUT", f"{root}/{name}", body, f"GitHub secret {name}")

    # Files.

    async def head(self, branch: str) -> Head | None:
        """The newest commit of a branch; None when there is no such branch."""
        data = await self._get_or_none(f"/branches/{quote(branch, safe='')}")
        if data is None:
            return None
        commit = required(data, "commit")
        inner, parents = required(commit, "commit"), required(commit, "parents")
        return Head(
            commit=required(commit, "sha"),
            tree=required(required(inner, "tree"), "sha"),
            message=required(inner, "message"),
            parents=tuple(required(parent, "sha") for parent in parents),
        )

    async def is_empty(self) -> bool:
        """Whether no branch has a commit."""
        answer = await self._connection.call(
            "GET", self._root + "/branches", resource=self._resource, query={"per_page": 1}
        )
        return not answer.data

    async def files(self, tree: str, wanted: Iterable[str]) -> dict[str, TreeFile]:
        """Those of the paths `wanted` that a tree has."""
        data = await self._get(f"/git/trees/{tree}", {"recursive": "1"})
        if required(data, "truncated"):  # more than 100,000 entries or 7 MB
            return await self._walk(tree, set(wanted))
        found = {each["path"]: each for each in required(data, "tree")}
        return {path: TreeFile(found[path]["mode"], found[path]["sha"]) for path in wanted if path in found}

    async def _walk(self, tree: str, wanted: set[str], under: str = "") -> dict[str, TreeFile]:
        """As `files`, folder by folder, for a tree that is too large for one answer."""
        found: dict[str, TreeFile] = {}
        for each in required(await self._get(f"/git/trees/{tree}"), "tree"):
            path = under + each["path"]
            if each["type"] == "tree" and any(name.startswith(f"{path}/") for name in wanted):
                found |= await self._walk(each["sha"], wanted, f"{path}/")
            elif path in wanted:
                found[path] = TreeFile(each["mode"], each["sha"])
        return found

    async def write_file(self, branch: str, file: NewFile, message: str) -> None:
        """Commits one new file; the only way into a repository that has no commit yet."""
        body = {"message": message, "content": base64.b64encode(file.content).decode(), "branch": branch}
        await self._write_files("PUT", f"/contents/{quote(file.path)}", body, [file])

    async def write_tree(self, files: Sequence[NewFile], base: str, gone: Sequence[str] = ()) -> str:
        """The SHA of the tree that has `files` over what the tree `base` has, and none of the paths `gone`."""
        items: list[dict[str, str | None]] = [
            {"path": file.path, "mode": file.mode, "type": "blob", **await self._content(file)} for file in files
        ]
        items += [{"path": path, "mode": FILE, "type": "blob", "sha": None} for path in gone]
        data = await self._write_files("POST", "/git/trees", {"base_tree": base, "tree": items}, files)
        return str(required(data, "sha"))

    async def _content(self, file: NewFile) -> dict[str, str]:
        """Text goes along with the tree; only what is no text needs a request of its own."""
        try:
            return {"content": file.content.decode("utf-8")}
        except UnicodeDecodeError:
            body = {"content": base64.b64encode(file.content).decode(), "encoding": "base64"}
            return {"sha": required(await self._write("POST", "/git/blobs", body), "sha")}

    async def _write_files(self, verb: str, path: str, body: object, files: Sequence[NewFile]) -> Any:
        try:
            return await self._write(verb, path, body)
        except (NotFound, Forbidden) as error:
            if not any(file.path.startswith(_WORKFLOWS) for file in files):
                raise
            # GitHub says 404 to a classic token and 403 to a fine-grained one (github.com/github/docs/pull/4770).
            raise Forbidden(
                "github-workflow-scope",
                f"GitHub refused to write workflow files: {error.message}",
                resource=self._resource,
                fix="The token needs the scope `workflow` (`gh auth refresh --scopes workflow`), "
                "a fine-grained one the permission Workflows: read and write.",
                status=error.status,
                action="scope workflow",
                scope=self._resource,
            ) from error

    async def write_commit(self, message: str, tree: str, parents: Sequence[str]) -> str:
        data = await self._write("POST", "/git/commits", {"message": message, "tree": tree, "parents": list(parents)})
        return str(required(data, "sha"))

    async def create_branch(self, branch: str, commit: str) -> None:
        await self._write("POST", "/git/refs", {"ref": f"refs/heads/{branch}", "sha": commit})

    async def move_branch(self, branch: str, commit: str, *, force: bool = False) -> None:
        """Points a branch at a commit; without `force` only forward."""
        await self._write("PATCH", f"/git/refs/heads/{quote(branch)}", {"sha": commit, "force": force})

    async def open_pull_request(self, head: str, base: str) -> PullRequest | None:
        query = {"state": "open", "head": f"{self.name.split('/')[0]}:{head}", "base": base}
        found = await self._items("/pulls", query=query)
        return _pull_request(found[0]) if found else None

    async def create_pull_request(self, head: str, base: str, title: str, body: str) -> PullRequest:
        asked = {"head": head, "base": base, "title": title, "body": body}
        return _pull_request(await self._write("POST", "/pulls", asked))


def subject_of(repository: Repository, customized: Mapping[str, Any], environment: str, branch: str = "") -> str:
    """The subject for a job in `environment`, or on `branch` and in none; `customized` is what the repository says."""
    prefix = str(customized.get("sub_claim_prefix") or f"repo:{repository.full_name}").rstrip(":")
    context = f"ref:refs/heads/{branch}" if branch else f"environment:{environment.replace(':', '%3A')}"
    if customized.get("use_default", True):
        return f"{prefix}:{context}"
    known = {
        "repo": prefix,
        "context": context,
        "ref" if branch else "environment": context,
        "repository": f"repository:{repository.full_name}",
        "repository_id": f"repository_id:{repository.id}",
        "repository_owner": f"repository_owner:{repository.owner}",
        "repository_owner_id": f"repository_owner_id:{repository.owner_id}",
        "repository_visibility": f"repository_visibility:{'private' if repository.private else 'public'}",
    }
    keys = customized.get("include_claim_keys") or []
    unknown = [key for key in keys if key not in known]
    if unknown or not keys:
        raise OperationError(
            "oidc-subject-unknown",
            f"the OIDC subject has claims that only a workflow can tell: {', '.join(unknown) or 'none is named'}",
            resource=f"GitHub repository {repository.full_name}",
            fix="Customise it with claims that are known beforehand, such as repo, context and repository_id.",
        )
    return ":".join(known[key] for key in keys)


def _environment(name: str) -> str:
    return f"/environments/{quote(name, safe='')}"


def _holder(environment: str) -> str:
    return _environment(environment) if environment else "/actions"


def _pull_request(data: Any) -> PullRequest:
    return PullRequest(required(data, "number"), required(data, "html_url"))
