"""framework/ is a package of its own: its tests pass alone, and its wheel is all that a job needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dbxwizard.parameters import load_all

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORK = ROOT / "framework"
# One by one they take some 40 s of a processor each, many times that where others want it too.
_PATIENCE = pytest.mark.timeout(1800)


# Of a Spark that lives for a minute the compiler that makes code quick takes more time than it saves: half of it all.
_SHORT_LIVED = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **_SHORT_LIVED, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python_of(version: str) -> Path:
    """Of the environment that has all extras; without it the test is skipped."""
    python = ROOT / ".venv-framework" / version / "bin" / "python"
    if not python.exists():
        pytest.skip(f"there is no environment of Python {version} here: make framework-venvs")
    return python


def has_spark(python: Path) -> bool:
    return "yes" in run(
        python, "-c", "from importlib.util import find_spec\nprint('yes' if find_spec('pyspark') else '')", cwd=ROOT
    )


@_PATIENCE
@pytest.mark.parametrize("version", ["3.11", "3.12"])
def test_its_own_tests_pass_with_all_extras(version: str) -> None:
    python = python_of(version)
    told = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=FRAMEWORK)
    assert " passed" in told
    skipped = [line for line in told.splitlines() if line.startswith("SKIPPED")]
    assert skipped == [] or not has_spark(python), skipped


def test_its_own_tests_pass_without_any_extra() -> None:
    told = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=FRAMEWORK)
    assert " passed" in told
    assert "the extra telemetry is not installed" in told


@_PATIENCE
def test_its_types_hold_with_all_extras(tmp_path: Path) -> None:
    assert "Success" in run(python_of("3.11"), "-m", "mypy", "--cache-dir", tmp_path, cwd=FRAMEWORK)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with what is installed here: no network, no environment of its own."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, FRAMEWORK, cwd=out)
    [built] = out.glob("dbkframework-*-py3-none-any.whl")
    return built


@pytest.fixture(scope="module")
def empty(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    [packages] = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return folder / "bin" / "python"


def test_the_wheel_needs_nothing_and_holds_its_types_and_data(empty: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"dbkframework/py.typed", "dbkframework/iris.csv", "dbkframework/testing.py"} <= names
    code = "import importlib.metadata, sys\nfrom dbkframework import engine, models, samples, steps, telemetry\n"
    code += "print([one for one in importlib.metadata.requires('dbkframework') or [] if 'extra' not in one])\n"
    code += "print(sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))\n"
    assert run(empty, "-I", "-c", code, cwd=ROOT) == "[]\n['__main__', 'dbkframework']\n"


def test_the_example_runs_on_the_wheel_alone(empty: Path, tmp_path: Path) -> None:
    example = tmp_path / "remote_analysis.py"
    example.write_bytes((FRAMEWORK / "examples" / "remote_analysis.py").read_bytes())
    printed = run(
        empty, example, "--output", tmp_path, cwd=tmp_path, APPLICATIONINSIGHTS_CONNECTION_STRING="", APPI_IK=""
    )
    assert "best: nearest centroid, registered as nothing" in printed


def test_clusters_get_the_telemetry_that_is_tested() -> None:
    lock = (FRAMEWORK / "requirements-dev.lock").read_text("utf-8")
    libraries = [
        library
        for file in load_all(ROOT).files
        if file.draft is not None
        for cluster in file.draft.clusters
        for library in cluster.libraries
    ]
    packages = {json.dumps(library["pypi"]) for library in libraries}
    [package] = [json.loads(one)["package"] for one in packages]
    assert len(libraries) == 4
    assert f"\n{package} \\" in lock


def test_no_extra_is_a_dependency_of_the_program() -> None:
    ours = (ROOT / "requirements-dev.lock").read_text("utf-8")
    for name in ("azure-monitor-opentelemetry", "scikit-learn", "mlflow-skinny", "pyspark", "pandas", "joblib"):
        assert f"\n{name}==" not in ours
