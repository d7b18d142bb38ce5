"""Notebooks as the Workspace API takes and gives them: source text, or Jupyter's JSON; kept as source text.

docs.databricks.com/notebooks/notebook-export-import: the first line and the line between two cells of a source file.
nbformat.readthedocs.io/en/latest/format_description.html: Jupyter's cells.
"""

from __future__ import annotations

import json
import re
from typing import Any

from dbxwizard.sandbox.databricks import errors

LANGUAGES = {".py": "PYTHON", ".sql": "SQL", ".scala": "SCALA", ".r": "R"}
COMMENTS = {"PYTHON": "#", "SQL": "--", "SCALA": "//", "R": "#"}
_HEADER = "Databricks notebook source"
_COMMAND = re.compile(r"^# COMMAND -+\s*$", re.MULTILINE)


def language_of(path: str, content: bytes) -> str:
    """The language of what AUTO takes for a notebook, by the ending of its path and its first line; else ""."""
    language = LANGUAGES.get("." + path.rsplit(".", 1)[-1].lower(), "")
    first = content.split(b"\n", 1)[0].rstrip()
    return language if language and first == f"{COMMENTS[language]} {_HEADER}".encode() else ""


def from_jupyter(content: bytes) -> tuple[bytes, str]:
    """The notebook as source text, and its language. Raises ApiError for what is no notebook."""
    try:
        model = json.loads(content)
        cells = [_source_of(cell) for cell in model["cells"]]
        language = str(model.get("metadata", {}).get("language_info", {}).get("name", "python")).upper()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise errors.invalid("The notebook is not a valid Jupyter notebook.") from error
    return f"# {_HEADER}\n".encode() + "\n# COMMAND ----------\n\n".join(cells).encode(), language


def _source_of(cell: dict[str, Any]) -> str:
    given = cell["source"]
    text = given if isinstance(given, str) else "".join(given)
    if cell["cell_type"] == "markdown":
        text = "\n".join(f"# MAGIC {line}".rstrip() for line in ("%md", *text.splitlines()))
    return text.rstrip("\n") + "\n"


def to_jupyter(content: bytes) -> bytes:
    """Source text as a Jupyter notebook without outputs."""
    text = content.decode("utf-8", "replace").removeprefix(f"# {_HEADER}").lstrip("\n")
    cells = [_cell_of(part.strip("\n")) for part in _COMMAND.split(text)]
    language = {"language_info": {"name": "python"}}
    model = {"cells": cells, "metadata": language, "nbformat": 4, "nbformat_minor": 0}
    return json.dumps(model, indent=1).encode()


def _cell_of(text: str) -> dict[str, Any]:
    if text.startswith("# MAGIC %md"):
        lines = [line.removeprefix("# MAGIC").removeprefix(" ") for line in text.splitlines()[1:]]
        return {"cell_type": "markdown", "metadata": {}, "source": "\n".join(lines).splitlines(keepends=True)}
    code = {"execution_count": 0, "outputs": [], "source": text.splitlines(keepends=True)}
    return {"cell_type": "code", "metadata": {}, **code}
