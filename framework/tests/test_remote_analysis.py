"""The example, run as the job runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FRAMEWORK = Path(__file__).resolve().parents[1]


def run(tmp_path: Path, prepare: str = "") -> subprocess.CompletedProcess[str]:
    """`prepare` is Python that runs in the process before the example."""
    (tmp_path / "sitecustomize.py").write_text(prepare)
    path = os.pathsep.join([str(tmp_path), str(FRAMEWORK / "src")])
    environment = {key: value for key, value in os.environ.items() if key != "APPLICATIONINSIGHTS_CONNECTION_STRING"}
    return subprocess.run(
        [sys.executable, str(FRAMEWORK / "examples" / "remote_analysis.py")],
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": path},
        check=False,
    )


def test_it_checks_validates_and_succeeds(tmp_path: Path) -> None:
    done = run(tmp_path, "from dbkframework import engine\nengine.has_spark = lambda: False\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("check holds: ") == 7
    assert "no Spark here" in done.stdout
    assert [f"fold {number}: " in done.stdout for number in range(1, 6)] == [True] * 5
    assert "nearest centroid: 27 of 30 right" in done.stdout


def test_bad_data_fails_before_anything_is_learned(tmp_path: Path) -> None:
    prepare = "from dbkframework import samples\nrows = samples.load_iris()[:29]\nsamples.load_iris = lambda: rows\n"
    done = run(tmp_path, prepare)
    assert (done.returncode, done.stderr) == (1, "")
    assert "ERROR check fails: at least 30 rows, 29 rows" in done.stdout
    assert "fold" not in done.stdout


def test_a_bad_classifier_fails(tmp_path: Path) -> None:
    prepare = "from dbkframework import engine, models\nengine.has_spark = lambda: False\n"
    prepare += "models.NearestCentroid.predict = lambda self, point: 'setosa'\n"
    done = run(tmp_path, prepare)
    assert done.returncode == 1
    assert "ERROR nearest centroid: 10 of 30 right" in done.stdout
