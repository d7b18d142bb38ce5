"""framework/ is a package of its own: its tests pass alone, and its wheel is all that a job needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FRAMEWORK = Path(__file__).resolve().parents[2] / "framework"


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass() -> None:
    assert " passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=FRAMEWORK)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with what is installed here: no network, no environment of its own."""
    out = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(FRAMEWORK), cwd=out)
    [built] = out.glob("dbkframework-*-py3-none-any.whl")
    return built


def test_the_example_runs_on_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    example = tmp_path / "remote_analysis.py"
    example.write_bytes((FRAMEWORK / "examples" / "remote_analysis.py").read_bytes())
    printed = run(str(example), cwd=tmp_path, PYTHONPATH=str(wheel), APPLICATIONINSIGHTS_CONNECTION_STRING="")
    assert f"dbkframework {wheel.name.split('-')[1]}, log to console" in printed
    assert "nearest centroid: 27 of 30 right" in printed
