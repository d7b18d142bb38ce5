"""Begins a task in its process: a script, a notebook or an entry point of a wheel, as the driver of a cluster would.

Started as a file, in another Python than the sandbox's. The environment variable DBXWIZARD_TASK says what to run; what
came of it is written to the file that it names. Where a run's output comes from:
docs.databricks.com/api/azure/workspace/jobs/getrunoutput.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import re
import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

_COMMAND = re.compile(r"^# COMMAND -+\s*$", re.MULTILINE)
_HEADER = "# Databricks notebook source"


def main() -> None:
    task: dict[str, Any] = json.loads(os.environ.pop("DBXWIZARD_TASK"))
    import dbruntime  # beside this file, which is where Python looks first

    dbruntime.begin(task)
    sys.path[:1] = [task["folder"], str(Path(__file__).parent)]
    runs: dict[str, Callable[[dict[str, Any]], None]] = {"script": _script, "notebook": _notebook, "wheel": _wheel}
    result = {
        **_outcome(lambda: runs[task["kind"]](task), prints=task["kind"] != "notebook"),
        "cells": task.get("cells", []),
    }
    sys.stdout.flush()
    sys.stderr.flush()
    Path(task["result"]).write_text(json.dumps(result), "utf-8")


def _outcome(run: Callable[[], None], *, prints: bool) -> dict[str, Any]:
    """`error` and `error_trace` of what failed, `notebook` of one that was left by dbutils.notebook.exit.

    `prints`: errors go to the output too; those of a notebook have a place of their own on its page.
    """
    import dbruntime

    try:
        run()
    except dbruntime.NotebookExit as left:
        return {"notebook": str(left)}
    except SystemExit as left:
        return {} if left.code in (None, 0) else {"error": f"SystemExit: {left.code}", "error_trace": _trace(left)}
    except BaseException as error:  # whatever the user's code raises
        if prints:
            print(_trace(error), end="", file=sys.stderr)
        return {"error": f"{type(error).__name__}: {error}", "error_trace": _trace(error)}
    return {}


def _trace(error: BaseException) -> str:
    """From the user's code on."""
    frame = error.__traceback__
    while frame and frame.tb_next and frame.tb_frame.f_code.co_filename in (__file__, "<frozen runpy>"):
        frame = frame.tb_next
    return "".join(traceback.format_exception(error.with_traceback(frame)))


def _script(task: dict[str, Any]) -> None:
    path = Path(task["path"])
    sys.argv = [str(path), *task["parameters"]]
    sys.path.insert(0, str(path.parent))
    runpy.run_path(str(path), run_name="__main__")


def _wheel(task: dict[str, Any]) -> None:
    """The entry point of that name in the package's metadata, else a function of the package."""
    sys.argv = [task["package"], *task["parameters"]]
    points = importlib.metadata.distribution(task["package"]).entry_points
    found = next((point for point in points if point.name == task["entry_point"]), None)
    if found is not None:
        found.load()()
        return
    module = importlib.import_module(task["package"].replace("-", "_"))
    getattr(module, task["entry_point"])()


def _notebook(task: dict[str, Any]) -> None:
    """Cell after cell in one namespace. Magic commands other than comments and %run of nothing are not played."""
    import dbruntime

    path = Path(task["path"])
    text = path.read_text("utf-8")
    cells = _cells_of_jupyter(text) if path.suffix == ".ipynb" else _COMMAND.split(text.removeprefix(_HEADER))
    sys.path.insert(0, str(path.parent))
    sys.argv = ["db_ipykernel_launcher.py"]  # a notebook is no script
    namespace: dict[str, Any] = {"__name__": "__main__", "dbutils": dbruntime.DBUTILS}
    task["cells"] = cells
    for number, cell in enumerate(cells, 1):
        print(f"\x1e{number}", flush=True)  # execution/page.py tells by this which cell printed what
        if magic := re.search(r"^(?:# MAGIC )?%(\w+)", cell, re.MULTILINE):
            if magic.group(1) == "md":
                continue
            raise NotImplementedError(f"the sandbox does not run %{magic.group(1)} in a notebook")
        exec(compile(cell, f"<command {number}>", "exec"), namespace)  # noqa: S102 - the user's own notebook


def _cells_of_jupyter(text: str) -> list[str]:
    cells = json.loads(text)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


if __name__ == "__main__":
    main()
