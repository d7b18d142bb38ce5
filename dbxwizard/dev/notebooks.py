"""Which files are notebooks of Databricks, and what they are called in a workspace.

docs.databricks.com/notebooks/notebook-export-import: a source file whose first line says so; a workspace shows
notebooks without the ending of their file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

_LANGUAGES = {".py": "PYTHON", ".sql": "SQL", ".scala": "SCALA", ".r": "R"}
_COMMENTS = {"PYTHON": "#", "SQL": "--", "SCALA": "//", "R": "#"}
_FIRST_LINE = "Databricks notebook source"


@dataclass(frozen=True, slots=True)
class Form:
    """How an object of a workspace is imported and exported: `name` of the format, its language for SOURCE."""

    name: str
    language: str = ""

    @property
    def is_notebook(self) -> bool:
        return self.name in ("SOURCE", "JUPYTER")


FILE = Form("RAW")


def form_of(path: str, content: bytes) -> Form:
    """The form of a local file."""
    ending = PurePosixPath(path).suffix.lower()
    if ending == ".ipynb":
        return Form("JUPYTER")
    language = _LANGUAGES.get(ending, "")
    first = content.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].rstrip().decode("utf-8", "replace")
    if language and first == f"{_COMMENTS[language]} {_FIRST_LINE}":
        return Form("SOURCE", language)
    return FILE


def remote_name(path: str, form: Form) -> str:
    """What a local file is called in the workspace."""
    return str(PurePosixPath(path).with_suffix("")) if form.is_notebook else path


def local_name(path: str, language: str) -> str:
    """What a notebook of the workspace is called as a source file."""
    ending = next((one for one, known in _LANGUAGES.items() if known == language), ".py")
    return path if path.lower().endswith(ending) else f"{path}{ending}"
