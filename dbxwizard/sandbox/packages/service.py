"""A simple index with one project, dbxwizard in the version that runs: peps.python.org/pep-0503 and pep-0691.

A wheel that was listed once is listed as long as the state lives, so what a repository names by its hash is there.
"""

from __future__ import annotations

import hashlib
import re
from html import escape
from pathlib import Path

from dbxwizard.sandbox.http import ApiError, Call, Request, Response, Service
from dbxwizard.sandbox.packages.wheel import NoWheelError, running_wheel

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = "application/vnd.pypi.simple.v1+html"
_PROJECT = "dbxwizard"
_SHA = re.compile(r"[0-9a-f]{64}")
_WHEEL = re.compile(r"dbxwizard-[\w.+-]+\.whl")


class PackageService(Service):
    """The index and its files; nobody has to sign in."""

    name = "packages"

    def __init__(self) -> None:
        super().__init__()
        self.route("GET", "/simple/", public=True)(_projects)
        self.route("GET", "/simple/{project}/", public=True)(_project)
        self.route("GET", "/files/{sha}/{name}", public=True)(_file)

    def no_route(self, request: Request) -> ApiError:
        return ApiError(404, "NotFound", "Not Found")

    def render(self, request: Request, error: ApiError, now: float) -> Response:
        return Response(error.status, f"{error.message}\n", {"Content-Type": "text/plain; charset=utf-8"})


def folder(state: Path) -> Path:
    """Where the wheels of a state lie."""
    return state.with_name(f"{state.name}.packages")


def _is_json(call: Call) -> bool:
    return _JSON in call.request.headers.get("accept", "")


def _page(title: str, links: list[tuple[str, str]]) -> Response:
    lines = "".join(f'<a href="{escape(link)}">{escape(name)}</a><br/>\n' for name, link in links)
    meta = '<meta name="pypi:repository-version" content="1.0">'
    text = f"<!DOCTYPE html><html><head>{meta}<title>{escape(title)}</title></head><body>\n{lines}</body></html>"
    return Response(200, text, {"Content-Type": f"{_HTML}; charset=utf-8"})


def _projects(call: Call) -> Response:
    if _is_json(call):
        body = {"meta": {"api-version": "1.0"}, "projects": [{"name": _PROJECT}]}
        return Response(200, body, {"Content-Type": _JSON})
    return _page("Simple index", [(_PROJECT, f"/simple/{_PROJECT}/")])


def _project(call: Call) -> Response:
    if call.params["project"] != _PROJECT:
        raise ApiError(404, "NotFound", "Not Found")
    urls = {sha: (name, f"{call.url('packages')}/files/{sha}/{name}") for name, sha in _kept(call)}
    if _is_json(call):
        files = [
            {"filename": name, "url": url, "hashes": {"sha256": sha}, "requires-python": ">=3.11"}
            for sha, (name, url) in urls.items()
        ]
        body = {"meta": {"api-version": "1.0"}, "name": _PROJECT, "files": files}
        return Response(200, body, {"Content-Type": _JSON})
    return _page(f"Links for {_PROJECT}", [(name, f"{url}#sha256={sha}") for sha, (name, url) in urls.items()])


def _kept(call: Call) -> list[tuple[str, str]]:
    """Name and SHA-256 of each wheel: that of the running version first, which lies beside the state from now on."""
    try:
        name, content = running_wheel()
    except NoWheelError as error:
        raise ApiError(503, "NoWheel", f"No wheel can be made of this dbxwizard: {error}") from error
    sha = hashlib.sha256(content).hexdigest()
    path = folder(call.store.path) / sha / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    others = sorted(one for one in folder(call.store.path).glob("*/*.whl") if one != path)
    return [(name, sha), *((one.name, one.parent.name) for one in others)]


def _file(call: Call) -> Response:
    sha, name = call.params["sha"], call.params["name"]
    path = folder(call.store.path) / sha / name
    if not (_SHA.fullmatch(sha) and _WHEEL.fullmatch(name) and path.is_file()):
        raise ApiError(404, "NotFound", "Not Found")
    return Response(200, path.read_bytes(), {"Content-Type": "application/octet-stream"})
