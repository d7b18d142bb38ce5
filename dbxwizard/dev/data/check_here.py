"""What `dbxwizard dev check` asks the Python of the project's virtual environment, as a file in a process of its own.

The first argument says what is checked. Each finding is a line of JSON on standard output: `check`, `ok`, `found` and
what else it has; whatever else code prints goes to standard error. dbxwizard is not installed there.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import io
import json
import os
import sys
from collections.abc import Callable
from typing import Any

_FINDINGS = os.fdopen(os.dup(1), "w", encoding="utf-8")
_PACKAGES = ("databricks-connect", "pyspark", "pyspark-client", "pyspark-connect", "dbkframework")
_PATIENCE = 20.0  # seconds in which telemetry has to be away


def tell(check: str, ok: bool, found: str, **more: Any) -> None:
    print(json.dumps({"check": check, "ok": ok, "found": found, **more}), file=_FINDINGS, flush=True)


def said(error: BaseException) -> str:
    """The first line of an error that has any words; gRPC's and Spark's go on for pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    details = next((line.split("=", 1)[1].strip(' "') for line in lines if line.startswith("details =")), "")
    return f"{type(error).__name__}: {details or (lines[0] if lines else 'no words')}"


def versions() -> None:
    found = {one: version for one in _PACKAGES if (version := _version(one))}
    tell("versions", True, "", python=".".join(map(str, sys.version_info[:3])), packages=found)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def framework() -> None:
    try:
        module = importlib.import_module("dbkframework")
    except Exception as error:
        tell("framework here", False, said(error))
        return
    tell(
        "framework here", True, f"dbkframework {_version('dbkframework')} from {os.path.dirname(module.__file__ or '')}"
    )


def telemetry() -> None:
    """Sends a record with the mark that is the second argument, with the framework as the project's code does."""
    try:
        from dbkframework import telemetry as framework_s

        said_there = io.StringIO()
        started = framework_s.start("dbxwizard dev check", stream=said_there)
        framework_s.get_logger("check").info("dbxwizard dev check %s", sys.argv[2])
        sent = started.flush(_PATIENCE)
        parts = (line.partition("WARNING") for line in said_there.getvalue().splitlines())
        warnings = [words.strip() for _, is_warning, words in parts if is_warning]
        if warnings or len(started.destinations) < 2:
            tell("telemetry", False, warnings[0] if warnings else "it goes to the console alone")
            return
    except Exception as error:
        tell("telemetry", False, said(error))
        return
    tell("telemetry", sent, "sent" if sent else f"it could not be sent within {_PATIENCE:.0f} s")


def sign_in() -> None:
    try:
        from databricks.sdk import WorkspaceClient

        client = WorkspaceClient()
        name = client.current_user.me().user_name
    except Exception as error:
        tell("sign-in", False, said(error))
        return
    tell("sign-in", True, f"{name} ({client.config.auth_type})")


def spark() -> None:
    """SQL, a data frame, and the framework as code on the cluster imports it; the first that fails is the last."""
    session: Any = None

    def select() -> str:
        nonlocal session
        from databricks.connect import DatabricksSession

        session = DatabricksSession.builder.getOrCreate()
        return f"answered {session.sql('SELECT 1 AS one').collect()[0]['one']}, Spark {session.version}"

    def frame() -> str:
        rows = session.createDataFrame([(1, "a"), (2, "b"), (3, "b")], "n int, s string").groupBy("s").count().collect()
        return f"{sum(row['count'] for row in rows)} rows in {len(rows)} groups"

    for name, check in (("SELECT 1", select), ("data frame", frame)):
        try:
            tell(name, True, check())
        except Exception as error:
            tell(name, False, said(error))
            return
    _framework_there(session)


def _framework_there(session: Any) -> None:
    try:
        from pyspark.sql.functions import udf

        def imported(_: Any) -> str:
            try:
                import importlib.metadata

                import dbkframework  # noqa: F401

                return "+" + importlib.metadata.version("dbkframework")
            except Exception as error:
                return f"{type(error).__name__}: {error}"

        found = str(session.range(1).select(udf(imported, "string")("id")).collect()[0][0])
    except Exception as error:
        tell("framework there", False, said(error))
        return
    is_there = found.startswith("+")
    tell("framework there", is_there, f"dbkframework {found[1:]}" if is_there else found)


_STAGES: dict[str, tuple[Callable[[], None], ...]] = {
    "here": (versions, framework),
    "telemetry": (telemetry,),
    "sign-in": (sign_in,),
    "spark": (spark,),
}


if __name__ == "__main__":
    sys.stdout = sys.stderr
    for stage in _STAGES[sys.argv[1]]:
        stage()
    _FINDINGS.flush()
    os._exit(0)  # what libraries have left running may take its time, and is of no interest
