"""git over HTTPS: git-scm.com/docs/http-protocol, as git's own server speaks it; pushes are in `receiving`.

The token is the password of basic authentication (docs.github.com/get-started/git-basics/about-remote-repositories).
A public repository is read without one.
"""

from __future__ import annotations

from dbxwizard.sandbox.github import access, bare, receiving
from dbxwizard.sandbox.github.pkt import FLUSH, pkt
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

UPLOAD, RECEIVE = "git-upload-pack", "git-receive-pack"
_SIGN_IN = {"WWW-Authenticate": 'Basic realm="GitHub"'}


def register(service: Service) -> None:
    refs, upload, receive = (f"/{{owner}}/{{repo}}/{name}" for name in ("info/refs", UPLOAD, RECEIVE))
    service.route("GET", refs, query=("service",), action="contents:read")(_refs)
    service.route("POST", upload, action="contents:read")(_upload)
    service.route("POST", receive, action="contents:write")(_receive)


def is_git(path: str) -> bool:
    return path.endswith(("/info/refs", f"/{UPLOAD}", f"/{RECEIVE}"))


def authenticate(call: Call) -> access.Principal | None:
    """Who calls; None for somebody who reads without a token. Raises ApiError 401, which makes git ask for one."""
    if not call.request.headers.get("authorization"):
        repository = _repository(call)
        if _level(call) == "read" and repository is not None and not repository["private"]:
            return None
        raise ApiError(401, "Unauthorized", "Authentication failed", headers=_SIGN_IN)
    try:
        return access.authenticate(call)
    except ApiError as error:
        words = "Invalid username or token. Password authentication is not supported for Git operations."
        raise ApiError(error.status, error.code, words, headers=_SIGN_IN) from error


def authorize(call: Call) -> None:
    """Raises ApiError for somebody who may not read, or not write."""
    if call.principal is None:
        return
    repository = _repository(call)
    if repository is None or not access.sees(call.store, call.principal, repository):
        raise ApiError(404, "NotFound", "Repository not found.")
    if not access.may(call, repository, "contents", _level(call)):
        who = f"{access.full_name(repository)}.git denied to {access.caller(call)['login']}."
        raise ApiError(403, "Forbidden", f"Permission to {who}")


def _repository(call: Call) -> Document | None:
    return access.find_repository(call.store, call.params["owner"], call.params["repo"].removesuffix(".git"))


def _level(call: Call) -> str:
    return "write" if RECEIVE in (call.query.get("service"), call.request.path.rpartition("/")[2]) else "read"


def _entered(call: Call) -> Document:
    """The repository; who calls has been seen to."""
    found = _repository(call)
    if found is None:
        raise ApiError(404, "NotFound", "Repository not found.")
    return found


def _answer(content: bytes, kind: str) -> Response:
    return Response(200, content, {"Content-Type": f"application/x-{kind}", "Cache-Control": "no-cache"})


def _refs(call: Call) -> Response:
    """What there is: the refs, or in version 2 of the protocol what the server can do."""
    asked = call.query.get("service", "")
    if asked not in (UPLOAD, RECEIVE):
        raise ApiError(403, "Forbidden", "Please upgrade your git client.")
    repository = _entered(call)
    place = bare.synced(call.store, repository)
    if asked == RECEIVE:
        content = receiving.advertised(call.store, repository)
    else:
        content = _upload_pack(call, place.as_posix(), "--http-backend-info-refs")
    is_newer = asked == UPLOAD and "version=2" in _protocol(call)
    head = b"" if is_newer else pkt(f"# service={asked}\n") + FLUSH
    return _answer(head + content, f"{asked}-advertisement")


def _protocol(call: Call) -> str:
    return call.request.headers.get("git-protocol", "")


def _upload_pack(call: Call, place: str, *words: str) -> bytes:
    said = {"GIT_PROTOCOL": _protocol(call)} if _protocol(call) else {}
    folder = bare.folder(call.store.path)
    ended = bare.git(folder, "upload-pack", "--stateless-rpc", *words, place, given=call.request.body, **said)
    return ended.stdout


def _upload(call: Call) -> Response:
    repository = _entered(call)
    place = bare.synced(call.store, repository)
    return _answer(_upload_pack(call, place.as_posix()), f"{UPLOAD}-result")


def _receive(call: Call) -> Response:
    repository = _entered(call)
    return _answer(receiving.receive(call, repository), f"{RECEIVE}-result")
