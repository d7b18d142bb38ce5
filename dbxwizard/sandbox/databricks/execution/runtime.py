"""The Python of a cluster's runtime, with the packages that the runtime brings, made once on a machine.

Versions: learn.microsoft.com/azure/databricks/release-notes/runtime (15.4 LTS: Python 3.11; 16.4 and 17.3 LTS: 3.12).
The packages are those that data science code uses most: what is made of them, models and frames, travels between a
developer's machine and the cluster, so it has to be of the same versions here and there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dbxwizard.sandbox.pythons import candidates

# By the runtime's first number; those of 17 install on Python 3.11 too.
_PACKAGES = {
    # Its joblib 1.2 is too old for the framework.
    "15": (
        "databricks-sdk~=0.49",
        "joblib~=1.4.2",
        "matplotlib~=3.7.2",
        "mlflow-skinny~=2.11",
        "numpy~=1.23.5",
        "pandas~=1.5.3",
        "pyarrow~=14.0.1",
        "scikit-learn~=1.3.0",
        "scipy~=1.11.1",
    ),
    # Its pandas 1.5.3 does not install on Python 3.12 elsewhere.
    "16": (
        "databricks-sdk~=0.49",
        "joblib~=1.4.2",
        "matplotlib~=3.8.4",
        "mlflow-skinny~=2.19.0",
        "numpy~=1.26.4",
        "pandas~=2.3.3",
        "pyarrow~=15.0.2",
        "scikit-learn~=1.4.2",
        "scipy~=1.13.1",
    ),
    "17": (
        "databricks-sdk~=0.49",
        "joblib~=1.4.2",
        "matplotlib~=3.10.0",
        "mlflow-skinny~=3.0.1",
        "numpy~=2.1.3",
        "pandas~=2.2.3",
        "pyarrow~=19.0.1",
        "scikit-learn~=1.6.1",
    ),
}
_PYTHON = {"15": (3, 11), "16": (3, 12), "17": (3, 12)}  # by the same
_OLDEST = (3, 11)
_SHOWN = 2000  # characters of what pip said


class RuntimeMissingError(Exception):
    """The machine can't give what the cluster's runtime has: the words for the person."""


def _is_bare() -> bool:
    """DBXWIZARD_SANDBOX_RUNTIME=bare: Python and the wheels, for those who need no packages and no network."""
    return _chosen() == "bare"


def installs() -> bool:
    """Whether packages are installed for clusters: not into a runtime that is bare, or somebody's own."""
    return not _chosen()


def own_environments() -> Path | None:
    """DBXWIZARD_SANDBOX_RUNTIME=FOLDER: FOLDER/3.12 and so on are environments that have what a cluster has."""
    return Path(_chosen()) if _chosen() and not _is_bare() else None


def _chosen() -> str:
    return os.environ.get("DBXWIZARD_SANDBOX_RUNTIME", "")


def python_for(spark_version: str) -> tuple[Path, str]:
    """An interpreter for the runtime, and what is to be said where it is not the runtime's own version."""
    wanted = _PYTHON.get(spark_version.partition(".")[0], (3, 12))
    version = f"{wanted[0]}.{wanted[1]}"
    name = f"{spark_version.partition('.x')[0]} has Python {version}"
    for candidate in candidates((f"python{version}", "python3"), version=version):
        if _version(candidate) == wanted:
            return candidate, ""
    own = sys.version_info[:2]
    if own < _OLDEST:
        raise RuntimeMissingError(f"Databricks Runtime {name}, which this machine lacks.")
    return Path(sys.executable), f"Databricks Runtime {name}; the sandbox runs this with {own[0]}.{own[1]}."


def packages_of(spark_version: str, python: Path) -> tuple[str, ...]:
    """As pip wants them. Where the runtime is not known, or its Python is not here, those of 17.3 LTS."""
    number = spark_version.partition(".")[0]
    return _PACKAGES[number if number in _PYTHON and _version(python) == _PYTHON[number] else "17"]


def _version(python: Path) -> tuple[int, int] | None:
    """None for what only says how to get a Python."""
    code = "import sys; print(*sys.version_info[:2])"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    parts = said.stdout.split()
    return (int(parts[0]), int(parts[1])) if said.returncode == 0 and len(parts) == 2 else None


def with_packages(python: Path, packages: Sequence[str]) -> Path:
    """That interpreter in an environment with `packages`; made on first use, which takes a minute and the network.

    Raises RuntimeMissingError.
    """
    if _is_bare():
        return python
    if own := own_environments():
        version = _version(python) or (0, 0)
        return _existing(own / f"{version[0]}.{version[1]}" / "bin" / "python")
    about = (str(python.resolve()), *packages)
    folder = _made_once("runtime", about, lambda made: _make_runtime(python, made, packages))
    return folder / "bin" / "python"


def _existing(python: Path) -> Path:
    if not python.exists():
        raise RuntimeMissingError(f"DBXWIZARD_SANDBOX_RUNTIME is set, and there is no {python}.")
    return python


def _make_runtime(python: Path, folder: Path, packages: Sequence[str]) -> None:
    _run([str(python), "-m", "venv", str(folder)])
    _install(folder / "bin" / "python", packages)


def link_libraries(python: Path, packages: Sequence[str], link: Path) -> None:
    """Makes `link` a folder for the search path with these packages, which are installed once for each set of them.

    Raises RuntimeMissingError.
    """
    wanted = sorted(set(packages))
    about = (str(python.resolve()), str(python), *wanted)
    made = _made_once("libraries", about, lambda folder: _install(python, wanted, "--target", str(folder)))
    link.unlink(missing_ok=True)
    link.symlink_to(made)


def _made_once(name: str, about: Sequence[str], make: Callable[[Path], None]) -> Path:
    """The folder of what `about` describes; `make` fills it where nobody has."""
    key = hashlib.sha256("\n".join(about).encode()).hexdigest()[:12]
    folder = _cache() / f"{name}-{key}"
    with _alone(folder.with_suffix(".lock")):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            (folder / "complete").touch()
    return folder


def _install(python: Path, packages: Sequence[str], *options: str) -> None:
    """Raises RuntimeMissingError with pip's words."""
    quiet = ("--disable-pip-version-check", "--quiet", "--no-input", "--prefer-binary")
    _run([str(python), "-m", "pip", "install", *quiet, *options, *packages])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-_SHOWN:]
        raise RuntimeMissingError(f"The sandbox could not install what the cluster has: {said}")


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(home) / "dbxwizard" / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Among all sandboxes of this machine."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
