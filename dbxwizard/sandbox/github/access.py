"""GitHub's tokens and what they allow: scopes of classic tokens, permissions of the others, and the user's own role.

Who may do what: docs.github.com/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens and
docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dbxwizard.sandbox.github import errors
from dbxwizard.sandbox.http import ApiError, Call
from dbxwizard.sandbox.store import Document, Store

Kind = Literal["classic", "fine-grained", "job"]
_ROLES = ("none", "read", "triage", "write", "maintain", "admin")
# The permissions of teams, by their older names: docs.github.com/rest/teams/teams
_GIVEN_TO_TEAMS = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
# What a job's token can never hold (github.com/actions/runner/issues/1008), whatever its workflow asks for.
_NOT_FOR_JOBS = frozenset({"administration", "environments", "secrets", "variables"})
# Rights that a classic token needs the whole scope `repo` for, public repository or not.
_SETTINGS = frozenset({"administration", "environments", "secrets", "variables"})
# What shows an organisation's people: docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
OF_MEMBERS = "members:read"
SCOPES_OF_MEMBERS = ("read:org", "write:org", "admin:org")
# docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent
_NO_USER_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required)."
)
# Whom a job's token speaks for: api.github.com/users/github-actions[bot].
BOT: Document = {
    "login": "github-actions[bot]",
    "id": 41898282,
    "type": "Bot",
    "name": "github-actions[bot]",
    "plan": "free",
    "createdAt": 1_532_985_600.0,  # 2018-07-30T21:20:00Z
}
_EXCEEDED = "API rate limit exceeded for user ID {}."


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a token. `permissions`: name to `read` or `write`; `repositories`: full names, None for all."""

    login: str
    account_id: int
    kind: Kind
    token_hash: str
    scopes: tuple[str, ...] = ()
    permissions: Mapping[str, str] | None = None
    repositories: tuple[str, ...] | None = None
    expires_at: float | None = None

    def covers(self, repository: Document) -> bool:
        """Whether the token was made for this repository."""
        return self.repositories is None or full_name(repository).lower() in self.repositories

    def holds(self, repository: Document, permission: str, level: str) -> bool:
        """Whether a fine-grained or a job's token carries the permission; what is public it may read everywhere."""
        if level == "read" and permission not in _SETTINGS and not (self.covers(repository) and repository["private"]):
            return True
        if not self.covers(repository) or (self.kind == "job" and permission in _NOT_FOR_JOBS):
            return False
        return permission == "metadata" or (self.permissions or {}).get(permission) in (level, "write")


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def add_token(
    store: Store,
    token: str,
    login: str,
    *,
    kind: Kind = "classic",
    scopes: Sequence[str] = (),
    permissions: Mapping[str, str] | None = None,
    repositories: Sequence[str] | None = None,
    expires_at: float | None = None,
) -> None:
    """Lets `token` speak for `login`; only its hash is kept. Called inside a transaction."""
    body = {
        "login": login,
        "kind": kind,
        "scopes": list(scopes),
        "permissions": dict(permissions or {}),
        "repositories": None if repositories is None else [name.lower() for name in repositories],
        "expiresAt": expires_at,
    }
    store.put("_github.token", token_hash(token), body)


def authenticate(call: Call) -> Principal:
    """The holder of the request's token; raises ApiError 401 as GitHub words it, 403 for a nameless program."""
    if not call.request.headers.get("user-agent"):
        raise ApiError(403, "Forbidden", _NO_USER_AGENT)
    token = _token(call.request.headers.get("authorization", ""))
    if token is None:
        raise ApiError(401, "Unauthorized", "Requires authentication")
    hashed = token_hash(token)
    body = call.store.get("_github.token", hashed)
    if body is None or (body["expiresAt"] is not None and body["expiresAt"] <= call.now):
        raise ApiError(401, "Unauthorized", "Bad credentials")
    return Principal(
        login=body["login"],
        account_id=account(call.store, body["login"])["id"],
        kind=body["kind"],
        token_hash=hashed,
        scopes=tuple(body["scopes"]),
        permissions=body["permissions"],
        repositories=None if body["repositories"] is None else tuple(body["repositories"]),
        expires_at=body["expiresAt"],
    )


def _token(header: str) -> str | None:
    """The token that a header carries: itself, or as the password of basic authentication. None: there is no header."""
    kind, _, given = header.partition(" ")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return (given.strip() if kind.lower() in ("bearer", "token") else "") if given else None


def account(store: Store, login: str) -> Document:
    """A user or an organisation; ApiError 404 when there is none."""
    found = BOT if login == BOT["login"] else store.get("github.account", login.lower())
    if found is None:
        raise errors.not_found()
    return found


def caller(call: Call) -> Document:
    """The account in whose name the caller writes: a job writes as GitHub's bot."""
    return BOT if call.principal.kind == "job" else account(call.store, call.principal.login)


def email(account: Document) -> str:
    return account.get("email") or f"{account['id']}+{account['login']}@users.noreply.github.com"


def role(store: Store, repository: Document, login: str) -> str:
    """What a user may do in a repository: as its owner, as the organisation's owner, as a collaborator, by a team."""
    owner = account(store, repository["owner"])
    if owner["login"] == login or owner.get("members", {}).get(login) == "admin":
        return "admin"
    given = [str(repository["collaborators"].get(login, "none")), "none" if repository["private"] else "read"]
    name = full_name(repository).lower()
    teams = [team for team in store.all("github.team") if login in team["members"] and name in team["repositories"]]
    return max([*given, *(_GIVEN_TO_TEAMS[team["repositories"][name]] for team in teams)], key=_ROLES.index)


def required_role(permission: str, level: str) -> str:
    if permission == "administration":
        return "admin"
    if permission in ("issues", "pull_requests"):
        return "read"  # whoever sees it may ask and propose; what is others' the routes look after
    return "write" if level == "write" or permission in _SETTINGS else "read"


def required_scopes(repository: Document, permission: str, level: str) -> tuple[str, ...]:
    """The scopes of which a classic token needs one; none for reading what is public."""
    if permission == "workflows":
        return ("workflow",)
    if repository["private"] or permission in _SETTINGS:
        return ("repo",)
    return ("public_repo", "repo") if level == "write" else ()


def full_name(repository: Document) -> str:
    return f"{repository['owner']}/{repository['name']}"


def find_repository(store: Store, owner: str, name: str) -> Document | None:
    return store.get("github.repository", f"{owner}/{name}".lower())


def repository_by_id(store: Store, number: int) -> Document | None:
    return next((body for body in store.all("github.repository") if body["id"] == number), None)


def network(store: Store, repository: Document) -> list[Document]:
    """The repositories that a branch of this one may be proposed to: itself, and what it is a fork of."""
    parent = repository_by_id(store, repository["parent"]) if repository.get("parent") else None
    return [repository, *([parent] if parent else [])]


def authorize(call: Call) -> None:
    """Raises ApiError where the token, or its user, lacks the route's right on the repository in its path."""
    if "repo" not in call.params:
        return
    repository = find_repository(call.store, call.params["owner"], call.params["repo"])
    if repository is None or not sees(call.store, call.principal, repository):
        raise errors.not_found()
    permission, _, level = call.route.action.partition(":")
    if not any(may(call, repository, one, level) for one in permission.split("|")):
        require(call, repository, permission, level)


def may(call: Call, repository: Document, permission: str, level: str) -> bool:
    """Whether the caller holds `permission` at `level` on the repository."""
    who: Principal = call.principal
    own = _ROLES.index(role(call.store, repository, who.login))
    has_role = who.kind == "job" or own >= _ROLES.index(required_role(permission, level))
    if who.kind == "classic":
        scopes = required_scopes(repository, permission, level)
        return has_role and (not scopes or bool(set(scopes) & set(who.scopes)))
    return has_role and who.holds(repository, permission, level)


def require(call: Call, repository: Document, permission: str, level: str) -> None:
    """Raises ApiError unless the caller holds `permission` at `level` on the repository."""
    who: Principal = call.principal
    if may(call, repository, permission, level):
        return
    if who.kind == "classic":
        # GitHub hides what a classic token may not do, but for settings that need an administrator.
        if permission == "administration":
            raise ApiError(403, "Forbidden", "Must have admin rights to Repository.")
        raise errors.not_found()
    holder = "integration" if who.kind == "job" else "personal access token"
    raise ApiError(403, "Forbidden", f"Resource not accessible by {holder}")


def require_own(call: Call, repository: Document, author: str) -> None:
    """Raises ApiError unless the caller wrote it, or may write to the repository."""
    own = _ROLES.index(role(call.store, repository, call.principal.login))
    if caller(call)["login"] != author and call.principal.kind != "job" and own < _ROLES.index("write"):
        raise ApiError(403, "Forbidden", "Must have admin rights to Repository.")


def require_token(call: Call, repository: Document, permission: str, level: str) -> None:
    """As `require`, but of the token alone: whoever holds it may do this in any role."""
    who: Principal = call.principal
    if who.kind != "classic" and not who.holds(repository, permission, level):
        holder = "integration" if who.kind == "job" else "personal access token"
        raise ApiError(403, "Forbidden", f"Resource not accessible by {holder}")
    if who.kind == "classic" and not set(required_scopes(repository, permission, level)) & set(who.scopes):
        raise errors.not_found()


def sees(store: Store, who: Principal, repository: Document) -> bool:
    """Public repositories are seen by all; private ones by their people, where the token covers them."""
    if not repository["private"]:
        return True
    if not who.covers(repository):
        return False
    if who.kind == "classic" and "repo" not in who.scopes:
        return False
    return who.kind == "job" or role(store, repository, who.login) != "none"


def count_request(used: dict[tuple[str, int], int], call: Call, limit: int) -> None:
    """Counts the call against its user's hour; raises ApiError 403 when none is left."""
    key = _hour(call)
    if used.get(key, 0) >= limit:
        raise ApiError(403, "RateLimited", _EXCEEDED.format(call.principal.account_id))
    used[key] = used.get(key, 0) + 1


def uncount_request(used: dict[tuple[str, int], int], call: Call) -> None:
    """Takes back what `count_request` counted: docs.github.com/rest/using-the-rest-api, conditional requests."""
    key = _hour(call)
    used[key] = max(0, used.get(key, 0) - 1)


def _hour(call: Call) -> tuple[str, int]:
    return call.principal.login, int(call.now // 3600)


def token_headers(call: Call) -> dict[str, str]:
    """What GitHub says of the caller's token: its scopes or permissions, those that would do, and its end."""
    who: Principal = call.principal
    headers: dict[str, str] = {}
    if who.expires_at is not None:
        headers["GitHub-Authentication-Token-Expiration"] = _expiry(who.expires_at)
    permission, _, level = call.route.action.partition(":")
    if who.kind != "classic":
        accepted = "; ".join(f"{one}={level}" for one in permission.split("|"))
        return {**headers, "X-Accepted-GitHub-Permissions": accepted} if level else headers
    headers["X-OAuth-Scopes"] = ", ".join(who.scopes)
    headers["X-Accepted-OAuth-Scopes"] = ", ".join(_accepted_scopes(call))
    return headers


def _accepted_scopes(call: Call) -> tuple[str, ...]:
    permission, _, level = call.route.action.partition(":")
    if "repo" not in call.params:
        return SCOPES_OF_MEMBERS if call.route.action == OF_MEMBERS else ()
    repository = find_repository(call.store, call.params["owner"], call.params["repo"])
    return required_scopes(repository, permission, level) if repository else ("repo",)


def _expiry(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
