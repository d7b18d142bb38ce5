"""What is installed beside each runtime, and the image of the dev container that has the same."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dbxwizard.core.errors import UsageError
from dbxwizard.dev.editor_files import dockerfile_text
from dbxwizard.dev.lock import lock_of
from dbxwizard.dev.pythons import demanded
from dbxwizard.parameters.catalog import runtime_version, runtimes

LOCKED = ("15.4", "16.4", "17.3", "18")
SUPPORTED = [one for one, about in runtimes().items() if about["python"] in ("3.11", "3.12")]


@pytest.mark.parametrize("runtime", SUPPORTED)
def test_each_runtime_gets_its_databricks_connect_and_never_pyspark(runtime: str, tmp_path: Path) -> None:
    lock = lock_of(tmp_path, runtime)
    names = re.findall(r"^([A-Za-z0-9][\w.-]*)", lock.text, re.MULTILINE)
    assert re.search(rf"^databricks-connect=={re.escape(runtime)}\.", lock.text, re.MULTILINE)
    assert {"azure-monitor-opentelemetry", "mlflow-skinny", "scikit-learn", "pytest", "hatchling"} <= set(names)
    assert "pyspark" not in names
    assert (runtime in LOCKED) == ("--hash=sha256:" in lock.text)


@pytest.mark.parametrize(("runtime", "version"), [("15.4", "1.3"), ("16.4", "1.4"), ("17.3", "1.6"), ("18", "1.6")])
def test_models_that_travel_are_of_the_scikit_learn_that_the_cluster_has(
    runtime: str, version: str, tmp_path: Path
) -> None:
    """Another one can't read them there: 1.9 sends a LogisticRegression without multi_class."""
    assert re.search(rf"^scikit-learn=={re.escape(version)}\.", lock_of(tmp_path, runtime).text, re.MULTILINE)


def test_long_term_support_is_locked() -> None:
    assert [one for one in SUPPORTED if runtimes()[one].get("lts")] == list(LOCKED)


@pytest.mark.parametrize(
    ("runtime", "python"), [("15.4.x-scala2.12", "3.11"), ("17.3.x-scala2.13", "3.12"), ("18.x-scala2.13", "3.12")]
)
def test_the_python_of_a_runtime(runtime: str, python: str) -> None:
    assert demanded(runtime_version(runtime)) == python


def test_a_lock_of_ones_own_has_some_minor_version_of_a_runtime_that_has_none(tmp_path: Path) -> None:
    (tmp_path / ".devcontainer").mkdir()
    (tmp_path / ".devcontainer" / "requirements.txt").write_text("databricks-connect==18.3.*\n", "utf-8")
    assert not lock_of(tmp_path, "18").ours
    with pytest.raises(UsageError, match=r"Databricks Runtime 18\.0"):
        lock_of(tmp_path, "18.0")


def test_a_lock_that_git_checked_out_with_other_line_ends_is_the_same(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, "17.3")
    change = lock.change("17.3")
    assert change
    change.write()
    path = change.document.path
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    again = lock_of(tmp_path, "17.3")
    assert again.change("17.3") is None
    assert again.digest == lock.digest
    assert lock_of(tmp_path, "16.4").change("16.4")


@pytest.mark.skipif(
    not shutil.which("hadolint"), reason="hadolint is not on the path; make test-dev-container fetches it"
)
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(["hadolint", "-"], input=dockerfile_text(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
