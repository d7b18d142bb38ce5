"""Users, organisations, repositories, and the customisation of the OIDC subject."""

from __future__ import annotations

import re
from typing import Any

from dbxwizard.sandbox.github import access, errors, subjects, views
from dbxwizard.sandbox.github.objects import GitObjects, utc
from dbxwizard.sandbox.github.paging import page
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

_CLAIM_KEY = re.compile(r"[A-Za-z0-9_]+")
_REPOSITORY_BODY = {"name?": str, "description?": str, "private?": bool, "visibility?": str, "default_branch?": str}
_SUBJECT_BODY = {"use_default": bool, "include_claim_keys?": [str], "use_immutable_subject?": bool}


def register(service: Service) -> None:
    service.route("GET", "/")(_root)
    service.route("GET", "/user")(_user)
    service.route("GET", "/user/repos")(_own_repositories)
    service.route("GET", "/users/{login}")(_account)
    service.route("GET", "/orgs/{login}")(_organization)
    service.route("GET", "/orgs/{login}/repos")(_organization_repositories)
    service.route("GET", "/repos/{owner}/{repo}", action="metadata:read")(_repository)
    service.route("PATCH", "/repos/{owner}/{repo}", action="administration:write", body=_REPOSITORY_BODY)(_edit)
    subject = "/repos/{owner}/{repo}/actions/oidc/customization/sub"
    service.route("GET", subject, action="actions:read")(_subject)
    service.route("PUT", subject, action="actions:write", body=_SUBJECT_BODY)(_customize_subject)


def repository(call: Call) -> Document:
    """The repository in the path; `authorize` has seen to it that there is one."""
    found = access.find_repository(call.store, call.params["owner"], call.params["repo"])
    if found is None:
        raise errors.not_found()
    return found


def git(call: Call) -> tuple[Document, GitObjects]:
    """The repository in the path and its git objects."""
    found = repository(call)
    return found, GitObjects(call.store, found["id"])


def save(call: Call, body: Document) -> None:
    call.store.put("github.repository", access.full_name(body).lower(), body)


def _root(call: Call) -> Response:
    """The start of the API; the GitHub CLI reads the token's scopes off its headers."""
    url = views.base(call)
    names = {"current_user": "user", "repository": "repos/{owner}/{repo}", "user": "users/{user}"}
    return Response(200, {f"{name}_url": f"{url}/{path}" for name, path in names.items()})


def _user(call: Call) -> Response:
    body = access.account(call.store, call.principal.login)
    return Response(200, _person(call, body))


def _account(call: Call) -> Response:
    return Response(200, _person(call, access.account(call.store, call.params["login"])))


def _person(call: Call, body: Document) -> dict[str, Any]:
    unsaid = dict.fromkeys(("company", "bio", "blog", "location", "hireable", "twitter_username"))
    return {**views.account(call, body), **_counters(call, body), **unsaid, "email": body.get("email")}


def _counters(call: Call, body: Document) -> dict[str, Any]:
    """What users and organisations both show of themselves."""
    owned = [each for each in call.store.all("github.repository") if each["owner"] == body["login"]]
    return {
        "name": body["name"],
        "public_repos": sum(not each["private"] for each in owned),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": utc(body["createdAt"]),
        "updated_at": utc(body["createdAt"]),
    }


def _organization(call: Call) -> Response:
    body = access.account(call.store, call.params["login"])
    if body["type"] != "Organization":
        raise errors.not_found()
    url = f"{views.base(call)}/orgs/{body['login']}"
    shown = {**views.account(call, body), **_counters(call, body), "description": None, "archived_at": None, "url": url}
    shown |= {f"{name}_url": f"{url}/{name}" for name in ("hooks", "issues")}
    shown |= {f"{name}_url": f"{url}/{name}{{/member}}" for name in ("members", "public_members")}
    shown |= {"has_organization_projects": False, "has_repository_projects": False}
    # Its plan is shown to those who may administer it, by a token with that right.
    if body["members"].get(call.principal.login) == "admin" and "admin:org" in call.principal.scopes:
        shown["plan"] = {"name": body["plan"], "space": 976562499, "private_repos": 999999}
    return Response(200, shown)


def _visible(call: Call) -> list[Document]:
    def seen(body: Document) -> bool:
        return access.sees(call.store, call.principal, body)

    return [body for body in call.store.all("github.repository") if seen(body)]


def _own_repositories(call: Call) -> Response:
    def own(body: Document) -> bool:
        login = call.principal.login
        return login in body["collaborators"] or access.role(call.store, body, login) == "admin"

    return page(call, [views.repository(call, body) for body in _visible(call) if own(body)])


def _organization_repositories(call: Call) -> Response:
    owner = access.account(call.store, call.params["login"])["login"]
    return page(call, [views.repository(call, body) for body in _visible(call) if body["owner"] == owner])


def _repository(call: Call) -> Response:
    return Response(200, views.repository(call, repository(call)))


def _edit(call: Call) -> Response:
    """Description, visibility and default branch; renaming is refused here, because nothing else would follow."""
    body, objects = git(call)
    if call.body.get("name", body["name"]) != body["name"]:
        raise ApiError(403, "Forbidden", "Renaming a repository is not part of the sandbox.")
    branch = call.body.get("default_branch") or body["defaultBranch"]
    if branch != body["defaultBranch"] and objects.ref(f"refs/heads/{branch}") is None:
        message = f"The branch {branch} was not found. Please push that ref first or create it via the Git Data API."
        raise _invalid("default_branch", message)
    private = call.body.get("private", body["private"])
    if call.body.get("visibility"):
        if call.body["visibility"] not in ("public", "private"):
            raise _invalid("visibility", "visibility is public or private here.")
        private = call.body["visibility"] != "public"
    body |= {"description": call.body.get("description", body["description"]), "private": private}
    save(call, {**body, "defaultBranch": branch, "updatedAt": call.now})
    return Response(200, views.repository(call, repository(call)))


def _invalid(field: str, message: str) -> ApiError:
    return errors.validation_failed({"resource": "Repository", "field": field, "code": "invalid", "message": message})


def _subject(call: Call) -> Response:
    """`use_immutable_subject` says what was opted in to; the prefix says what is in force
    (github.com/Azure/azure-dev/issues/9382 shows a new repository's answer)."""
    body = repository(call)
    oidc = body["oidc"]
    shown = {name: oidc[name] for name in ("use_default", "use_immutable_subject")}
    if not oidc["use_default"]:
        shown["include_claim_keys"] = oidc["include_claim_keys"]
    return Response(200, {**shown, "sub_claim_prefix": subjects.prefix(call.store, body)})


def _customize_subject(call: Call) -> Response:
    body, asked = repository(call), call.body
    keys = asked.get("include_claim_keys") or []
    if not all(_CLAIM_KEY.fullmatch(key) for key in keys) or len(set(keys)) < len(keys):
        raise errors.unprocessable("Claim keys are unique and of alphanumeric characters and underscores.")
    immutable = asked.get("use_immutable_subject", body["oidc"]["use_immutable_subject"])
    kept = [] if asked["use_default"] else keys
    oidc = {"use_default": asked["use_default"], "use_immutable_subject": immutable, "include_claim_keys": kept}
    save(call, {**body, "oidc": oidc})
    return Response(201, {})
