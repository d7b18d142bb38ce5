"""The Workspace API: folders, files and notebooks, by path. A path may begin with /Workspace, which means the same."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from dbxwizard.sandbox.databricks import acls, errors, notebooks
from dbxwizard.sandbox.databricks.state import WorkspaceState, milliseconds, numeric_id, required
from dbxwizard.sandbox.http import ApiError, Call, Response, Service
from dbxwizard.sandbox.store import Document

VERSIONS = ("2.0",)
MAX_BYTES = 10 * 1024 * 1024  # of one import (docs.databricks.com/api/azure/workspace/workspace/import)
_FORMATS = frozenset({"AUTO", "SOURCE", "RAW", "HTML", "JUPYTER", "DBC", "R_MARKDOWN"})
_IMPORT = {
    "path": str,
    "content?": (str, bytes),
    "format?": _FORMATS,
    "language?": str,
    "overwrite?": (bool, str),
}
_KINDS = {"DIRECTORY": "directories", "REPO": "repos", "NOTEBOOK": "notebooks", "FILE": "files"}


def register(service: Service) -> None:
    prefix = "/api/{version}/workspace"
    service.route("POST", f"{prefix}/mkdirs", api_versions=VERSIONS, body={"path": str})(_mkdirs)
    service.route("POST", f"{prefix}/import", api_versions=VERSIONS, body=_IMPORT)(_import)
    service.route("POST", f"{prefix}/delete", api_versions=VERSIONS, body={"path": str, "recursive?": bool})(_delete)
    service.route("GET", f"{prefix}/get-status", api_versions=VERSIONS, query=("path",))(_status)
    service.route("GET", f"{prefix}/list", api_versions=VERSIONS, query=("path", "notebooks_modified_after"))(_list)
    query = ("path", "format", "direct_download")
    service.route("GET", f"{prefix}/export", api_versions=VERSIONS, query=query)(_export)
    service.route(
        "POST", "/api/{version}/workspace-files/import-file/{path...}", api_versions=VERSIONS, query=("overwrite",)
    )(_import_file)


def normal(path: str) -> str:
    """The path without /Workspace and without a slash at its end."""
    if not path.startswith("/"):
        raise errors.invalid(f"Path ({path}) doesn't start with '/'")
    path = path.removeprefix("/Workspace") if path.startswith("/Workspace/") or path == "/Workspace" else path
    return path.rstrip("/") or "/"


def parent(path: str) -> str:
    return path.rsplit("/", 1)[0] or "/"


def require(call: Call, path: str, level: str) -> WorkspaceState:
    """Raises ApiError unless the caller holds `level` on the object at `path`, or on the nearest folder above it."""
    state = WorkspaceState.of(call)
    while (body := state.get("object", path)) is None and path != "/":
        path = parent(path)
    if body is None or not body["path"].startswith("/"):
        raise errors.not_found(f"Path ({path}) doesn't exist.")
    acls.require_on(call, _KINDS[body["object_type"]], body["object_id"], level)
    return state


def existing(state: WorkspaceState, path: str) -> Document:
    found = state.get("object", path)
    if found is None:
        raise errors.not_found(f"Path ({path}) doesn't exist.")
    return found


def add(call: Call, state: WorkspaceState, path: str, kind: str, **more: Any) -> Document:
    number = numeric_id(call, "object", f"{state.workspace_id}{path}")
    body: Document = {"object_id": number, "path": path, "object_type": kind, **more}
    state.put("object", path, body)
    return body


def _mkdirs(call: Call) -> Response:
    path = normal(call.body["path"])
    state = require(call, path, "CAN_EDIT")
    _refuse_in_repos(state, path, deepest=2)
    missing = []
    while (found := state.get("object", path)) is None:
        missing.append(path)
        path = parent(path)
    if found["object_type"] not in ("DIRECTORY", "REPO"):
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"{path} already exists and it is not a folder")
    for one in reversed(missing):
        add(call, state, one, "DIRECTORY")
    return Response(200, {})


def _refuse_in_repos(state: WorkspaceState, path: str, *, deepest: int) -> None:
    """Below /Repos there are folders, in these there are Git folders, and nothing else."""
    parts = path.strip("/").split("/")
    if parts[0] == "Repos" and len(parts) > deepest and state.get("object", "/" + "/".join(parts[:3])) is None:
        raise ApiError(400, "DIRECTORY_PROTECTED", "Top-level folder can only contain repos")


def _import(call: Call) -> Response:
    path, content = normal(call.body["path"]), _content(call.body.get("content", ""))
    overwrite = call.body.get("overwrite") in (True, "true")
    form = call.body.get("format", "SOURCE").upper()
    language = call.body.get("language") or notebooks.LANGUAGES.get("." + path.rsplit(".", 1)[-1].lower(), "")
    if form == "AUTO":
        form, path, language = _recognised(path, content)
    if form == "JUPYTER":
        content, language = notebooks.from_jupyter(content)
    elif form not in ("SOURCE", "RAW"):
        raise errors.invalid(f"The sandbox does not import the format {form}.")
    if form == "SOURCE" and not language:
        raise errors.invalid("Missing required field: language")
    kind = "FILE" if form == "RAW" else "NOTEBOOK"
    _write(call, path, content, overwrite=overwrite, kind=kind, language=language)
    return Response(200, {})


def _recognised(path: str, content: bytes) -> tuple[str, str, str]:
    """What AUTO makes of it: its format, its path, which a notebook has without the ending, and its language."""
    if path.endswith(".ipynb"):
        return "JUPYTER", path.removesuffix(".ipynb"), ""
    if language := notebooks.language_of(path, content):
        return "SOURCE", path.rsplit(".", 1)[0], language
    return "RAW", path, ""


def _content(given: str | bytes) -> bytes:
    try:
        content = given if isinstance(given, bytes) else base64.b64decode(given, validate=True)
    except binascii.Error as error:
        raise errors.invalid("content is not base64.") from error
    if len(content) > MAX_BYTES:
        raise ApiError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", f"File size exceeded limit of {MAX_BYTES} bytes.")
    return content


def _import_file(call: Call) -> Response:
    overwrite = call.query.get("overwrite") == "true"
    _write(call, normal("/" + call.params["path"]), call.request.body, overwrite=overwrite, kind="FILE", language="")
    return Response(200, {})


def _write(call: Call, path: str, content: bytes, *, overwrite: bool, kind: str, language: str) -> None:
    state = require(call, path, "CAN_EDIT")
    _refuse_in_repos(state, path, deepest=1)
    above = state.get("object", parent(path))
    if above is None or above["object_type"] not in ("DIRECTORY", "REPO"):
        raise errors.not_found(f"The parent folder ({parent(path)}) does not exist.")
    there = state.get("object", path)
    if there and (not overwrite or there["object_type"] != kind):  # github.com/databricks/cli/issues/2751
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Path ({path}) already exists.")
    body = there or {"object_id": numeric_id(call, "object", f"{state.workspace_id}{path}"), "path": path}
    text = base64.b64encode(content).decode()
    now = milliseconds(call.now)
    about: Document = {"language": language}
    if kind == "FILE":
        about = {"size": len(content), "created_at": body.get("created_at", now), "modified_at": now}
    state.put("object", path, {**body, "object_type": kind, "content": text, **about})


def _shown(body: Document) -> Document:
    shown = {key: value for key, value in body.items() if key != "content"}
    return {**shown, "object_id": int(body["object_id"]), "resource_id": body["object_id"]}


def _status(call: Call) -> Response:
    path = normal(required(call, "path"))
    return Response(200, _shown(existing(require(call, path, "CAN_READ"), path)))


def _list(call: Call) -> Response:
    path = normal(required(call, "path"))
    state = require(call, path, "CAN_READ")
    if existing(state, path)["object_type"] not in ("DIRECTORY", "REPO"):
        return Response(200, {"objects": [_shown(existing(state, path))]})
    below = path.rstrip("/") + "/"
    found = [body for key, body in state.find("object", below) if key != "/" and "/" not in key[len(below) :]]
    return Response(200, {"objects": [_shown(body) for body in found]} if found else {})


def _export(call: Call) -> Response:
    path = normal(required(call, "path"))
    body = existing(require(call, path, "CAN_READ"), path)
    if "content" not in body:
        raise ApiError(400, "BAD_REQUEST", "The sandbox exports files and notebooks alone.")
    content, ending = _exported(body, call.query.get("format", "SOURCE"))
    if len(content) > MAX_BYTES:
        raise ApiError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", f"File size exceeded limit of {MAX_BYTES} bytes.")
    if call.query.get("direct_download") == "true":
        return Response(200, content, {"Content-Type": "application/octet-stream"})
    return Response(200, {"content": base64.b64encode(content).decode(), "file_type": ending})


def _exported(body: Document, form: str) -> tuple[bytes, str]:
    """The content in that format, and the ending of its file."""
    if form not in _FORMATS:
        raise errors.invalid(f"Invalid value for format: {form}")
    content, is_notebook = base64.b64decode(body["content"]), body["object_type"] == "NOTEBOOK"
    if is_notebook and form == "JUPYTER":
        return notebooks.to_jupyter(content), "ipynb"
    if form not in ("AUTO", "SOURCE", *(() if is_notebook else ("RAW",))):
        raise errors.invalid(f"The sandbox does not export {body['object_type']} in the format {form}.")
    endings = {language: ending[1:] for ending, language in notebooks.LANGUAGES.items()}
    return content, endings[body["language"]] if is_notebook else body["path"].rsplit(".", 1)[-1]


def _delete(call: Call) -> Response:
    path = normal(call.body["path"])
    state = require(call, path, "CAN_MANAGE")
    body = existing(state, path)
    inside = [key for key, _ in state.find("object", path + "/")]
    if path in ("/", "/Shared", "/Users", "/Repos"):
        raise ApiError(400, "DIRECTORY_PROTECTED", f"Folder {path} is protected")
    if inside and not call.body.get("recursive"):
        raise ApiError(400, "DIRECTORY_NOT_EMPTY", f"Folder ({path}) is not empty")
    for key in (*inside, path):
        remove(state, existing(state, key))
    return Response(200, {}) if body else Response(404)


def remove(state: WorkspaceState, body: Document) -> None:
    state.delete("object", body["path"])
    acls.remove(state, _KINDS[body["object_type"]], body["object_id"])
    if body["object_type"] == "REPO":
        state.delete("repo", body["object_id"])
