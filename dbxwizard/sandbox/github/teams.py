"""Teams of an organisation: shown to its members, and given rights on repositories.

docs.github.com/rest/teams/teams#get-a-team-by-name. A fine-grained token needs the organisation's permission "Members"
(read). Which classic scopes would do is not published for this page: `read:org` is, in the page about scopes, what
reads teams. They are seeded; making and changing them is not part of the sandbox.
"""

from __future__ import annotations

from typing import Any

from dbxwizard.sandbox.github import access, errors, views
from dbxwizard.sandbox.github.objects import utc
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document, Store


def register(service: Service) -> None:
    service.route("GET", "/orgs/{login}/teams/{slug}", action=access.OF_MEMBERS)(_get)


def by_id(store: Store, number: int) -> Document | None:
    return next((team for team in store.all("github.team") if team["id"] == number), None)


def has_access(team: Document, repository: Document) -> bool:
    """Whether the team was given the repository; that everybody may read it is not enough."""
    return access.full_name(repository).lower() in team["repositories"]


def shown(call: Call, team: Document) -> dict[str, Any]:
    """The form that stands where something names a team."""
    organisation = access.account(call.store, team["organisation"])
    url = f"{views.base(call)}/organizations/{organisation['id']}/team/{team['id']}"
    return {
        "id": team["id"],
        "node_id": views.node_id("Team", team["id"]),
        "name": team["name"],
        "slug": team["slug"],
        "description": None,
        "privacy": team["privacy"],
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "url": url,
        "html_url": f"{call.url('github')}/orgs/{organisation['login']}/teams/{team['slug']}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "parent": None,
    }


def _get(call: Call) -> Response:
    organisation = access.account(call.store, call.params["login"])
    who: access.Principal = call.principal
    if who.kind != "classic" and (who.permissions or {}).get("members") not in ("read", "write"):
        holder = "integration" if who.kind == "job" else "personal access token"
        raise ApiError(403, "Forbidden", f"Resource not accessible by {holder}")
    if who.kind == "classic" and not set(access.SCOPES_OF_MEMBERS) & set(who.scopes):
        raise errors.not_found()
    found = call.store.get("github.team", f"{organisation['login']}/{call.params['slug']}".lower())
    if found is None or not _is_visible(found, organisation, who.login):
        raise errors.not_found()
    counts = {"members_count": len(found["members"]), "repos_count": len(found["repositories"])}
    dates = {"created_at": utc(found["createdAt"]), "updated_at": utc(found["createdAt"])}
    return Response(200, {**shown(call, found), **counts, **dates, "organization": views.account(call, organisation)})


def _is_visible(team: Document, organisation: Document, login: str) -> bool:
    """Members of the organisation see its teams; a secret one its own members and the owners."""
    membership = organisation.get("members", {}).get(login)
    return login in team["members"] or membership == "admin" or (membership and team["privacy"] == "closed")
