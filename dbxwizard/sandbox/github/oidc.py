"""The issuer of GitHub Actions' OpenID Connect tokens, and the address at which a job asks for one.

Source: docs.github.com/actions/reference/security/oidc.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import asdict, dataclass

from dbxwizard.sandbox import tokens
from dbxwizard.sandbox.github import access, subjects
from dbxwizard.sandbox.github.runs.logs import log
from dbxwizard.sandbox.http import ApiError, Call, Hosts, Request, Response, Service
from dbxwizard.sandbox.store import Document, Store

LIFETIME = 300  # seconds, as in the example of the page named above
_BACKDATED = 600  # seconds by which nbf lies before iat, there too


@dataclass(frozen=True, slots=True)
class Job:
    """What GitHub knows of the job that asks. `called`: the workflow that the job stands in, where another one was
    started; `may_ask`: its workflow has the permission `id-token: write`."""

    repository: str
    environment: str = ""
    ref: str = "refs/heads/main"
    sha: str = "0" * 40
    event: str = "workflow_dispatch"
    workflow: str = ".github/workflows/deploy.yml"
    called: str = ""
    run_id: int = 1
    run_number: int = 1
    run_attempt: int = 1
    actor: str = "ada"
    may_ask: bool = True


def job_token_request(store: Store, hosts: Hosts, job: Job) -> tuple[str, str]:
    """ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN of `job`. Called inside a transaction."""
    token = secrets.token_urlsafe(32)
    store.put("_job", _digest(token), asdict(job))
    return f"{hosts.url('oidc')}/token?api-version=2.0", token


def job_document(token: str) -> tuple[str, str]:
    """Kind and key of what a request token opens; without it, it opens nothing any more."""
    return "_job", _digest(token)


class OidcService(Service):
    """token.actions.githubusercontent.com, and the address at which a job asks for its token."""

    name = "oidc"

    def __init__(self) -> None:
        super().__init__()
        self.route("GET", "/.well-known/openid-configuration", public=True)(_configuration)
        self.route("GET", "/.well-known/jwks", public=True)(_keys)
        self.route("GET", "/logs/{ticket}", public=True)(log)
        self.route("GET", "/token", query=("audience", "api-version"), action="id-token: write")(_token)

    def authenticate(self, call: Call) -> Job:
        token = tokens.bearer(call.request.headers.get("authorization", ""))
        found = call.store.get("_job", _digest(token)) if token else None
        if found is None:
            raise ApiError(401, "Unauthorized", "The request token is missing, unknown, or its job has ended.")
        return Job(**found)

    def authorize(self, call: Call) -> None:
        job: Job = call.principal
        if not job.may_ask:
            raise ApiError(403, "Forbidden", "The workflow lacks the permission id-token: write.")

    def no_route(self, request: Request) -> ApiError:
        return ApiError(404, "NotFound", "Not Found")

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        return Response(error.status, {"message": error.message})


def _configuration(call: Call) -> Response:
    issuer = call.url("oidc")
    claims = "sub aud exp iat iss jti nbf ref environment repository repository_id repository_owner run_id event_name"
    return Response(
        200,
        {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/.well-known/jwks",
            "subject_types_supported": ["public", "pairwise"],
            "response_types_supported": ["id_token"],
            "claims_supported": claims.split(),
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
        },
    )


def _keys(call: Call) -> Response:
    return Response(200, tokens.public_keys(call.store, "oidc"))


def _token(call: Call) -> Response:
    job: Job = call.principal
    repository = call.store.get("github.repository", job.repository.lower())
    if repository is None:
        raise ApiError(404, "NotFound", "The repository of the job does not exist any more.")
    owner = access.account(call.store, repository["owner"])
    claims = _job_claims(call.store, job, repository, owner)
    now = int(call.now)
    claims |= {
        "iss": call.url("oidc"),
        "aud": call.query.get("audience") or f"https://github.com/{owner['login']}",
        "sub": subjects.subject(call.store, repository, _context(job), claims),
        "jti": str(uuid.uuid4()),
        "iat": now,
        "nbf": now - _BACKDATED,
        "exp": now + LIFETIME,
    }
    value = tokens.sign(call.store, "oidc", claims)
    return Response(200, {"count": len(value), "value": value})


def _context(job: Job) -> str:
    if job.environment:
        return f"environment:{job.environment}"
    return "pull_request" if job.event == "pull_request" else f"ref:{job.ref}"


def _job_claims(store: Store, job: Job, repository: Document, owner: Document) -> Document:
    name = access.full_name(repository)
    workflow_ref = f"{name}/{job.workflow}@{job.ref}"
    claims: Document = {
        "repository": name,
        "repository_id": str(repository["id"]),
        "repository_owner": owner["login"],
        "repository_owner_id": str(owner["id"]),
        "repository_visibility": "private" if repository["private"] else "public",
        "ref": job.ref,
        "ref_type": "tag" if job.ref.startswith("refs/tags/") else "branch",
        "ref_protected": "false",
        "head_ref": "",
        "base_ref": "",
        "sha": job.sha,
        "event_name": job.event,
        "actor": job.actor,
        "actor_id": str(access.account(store, job.actor)["id"]),
        "run_id": str(job.run_id),
        "run_number": str(job.run_number),
        "run_attempt": str(job.run_attempt),
        "runner_environment": "github-hosted",
        "workflow": job.workflow,
        "workflow_ref": workflow_ref,
        "workflow_sha": job.sha,
        "job_workflow_ref": f"{name}/{job.called or job.workflow}@{job.ref}",
        "job_workflow_sha": job.sha,
    }
    return claims | ({"environment": job.environment} if job.environment else {})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
