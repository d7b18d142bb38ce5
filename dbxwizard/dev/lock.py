"""What is installed beside a runtime: the lock from which the virtual environment and the dev container are built.

`data/requirements-X.Y.txt` is made by `make lock`, for the releases with long term support: versions and hashes for all
systems.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.errors import UsageError
from dbxwizard.dev.changes import FileChange, existing, exists
from dbxwizard.parameters.document import Document

NAME = ".devcontainer/requirements.txt"
_DATA = Path(__file__).parent / "data"
_OURS = "# Written by dbxwizard dev setup"
_CONNECT = re.compile(r"^databricks-connect(?:\[[\w,-]+\])?\s*(?P<rule>[=~<>!][^\s;\\#]*)", re.MULTILINE)
# As the extras of framework/pyproject.toml that code on a cluster's runtime may use.
_FRAMEWORK = (
    "azure-identity>=1.15",
    "azure-keyvault-secrets>=4.8",
    "azure-monitor-opentelemetry>=1.6.4,<2",
    "joblib>=1.3",
    "matplotlib>=3.7",
    "mlflow-skinny>=2.11,<4",
    "pandas>=1.5,<3",
    "scikit-learn>=1.3",
)


@dataclass(frozen=True, slots=True)
class Lock:
    """`text`: requirements as pip reads them. `ours`: not the project's own."""

    document: Document
    text: str
    ours: bool

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.replace("\r\n", "\n").encode()).hexdigest()

    def change(self, runtime: str) -> FileChange | None:
        if self.text == self.document.text:
            return None
        why = f"what is installed beside Databricks Runtime {runtime}"
        return FileChange(self.document, NAME, self.text, yours=False, why=why)


def lock_of(root: Path, runtime: str) -> Lock:
    """The project's own lock where it has one, else that of the runtime.

    Raises UsageError for a lock of its own that holds another databricks-connect, or pyspark.
    """
    document = existing(root / NAME)
    if exists(document) and document.text.strip() and not document.text.startswith(_OURS):
        _require_fitting(document, runtime)
        return Lock(document, document.text, ours=False)
    ours = shipped(runtime)
    same = document.text.replace("\r\n", "\n") == ours  # git may have checked it out with other line ends
    return Lock(document, document.text if same else ours, ours=True)


def shipped(runtime: str) -> str:
    """That of the program, else what is known of the runtime, without versions."""
    locked = _DATA / f"requirements-{runtime}.txt"
    heading = (
        f"{_OURS} for Databricks Runtime {runtime}, and again when that changes.\n"
        "# Without this first line it is yours: virtual environment and dev container are then built from it as is.\n"
    )
    if locked.is_file():
        return heading + locked.read_text("utf-8")
    tools = [line for line in (_DATA / "tools.in").read_text("utf-8").splitlines() if not line.startswith("#")]
    return heading + "\n".join([f"databricks-connect=={runtime}.*", *_FRAMEWORK, *tools]) + "\n"


def _require_fitting(document: Document, runtime: str) -> None:
    found = _CONNECT.search(document.text)
    if re.search(r"^pyspark\b", document.text, re.MULTILINE):
        message, fix = "pyspark and databricks-connect can't be in one environment", "take pyspark out"
    elif not found or not f"{found['rule'].lstrip('=~')}.".startswith(f"{runtime}."):
        has = f"databricks-connect{found['rule']}" if found else "no databricks-connect"
        message = f"it has {has}, and the cluster has Databricks Runtime {runtime}"
        fix = f"put databricks-connect=={runtime}.* there, or take the file away: dev setup writes it"
    else:
        return
    raise UsageError("lock-mismatch", message, resource=NAME, fix=fix)
