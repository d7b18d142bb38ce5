"""The example in the ways in which it is run: a script, a notebook's cells, an editor's cells."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import TOLD_BY_A_MACHINE

FRAMEWORK = Path(__file__).resolve().parents[1]
EXAMPLE = FRAMEWORK / "examples" / "remote_analysis.py"
EXTRAS = ("sklearn", "joblib", "matplotlib", "mlflow", "pandas")


def run(folder: Path, *arguments: str, prepare: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`prepare` is Python that runs in the process before the example."""
    (folder / "sitecustomize.py").write_text(prepare)
    environment = {name: value for name, value in os.environ.items() if name not in TOLD_BY_A_MACHINE}
    environment |= {"PYTHONPATH": os.pathsep.join([str(folder), str(FRAMEWORK / "src")]), **variables}
    command = [sys.executable, str(EXAMPLE), "--output", str(folder), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


WITHOUT_EXTRAS = "from dbkframework.engine import place\nimport sys\n" + "\n".join(
    f"sys.modules[{name!r}] = None" for name in (*EXTRAS, "pyspark", "databricks.connect")
)


def test_without_any_extra_it_uses_what_is_there(tmp_path: Path) -> None:
    done = run(tmp_path, "--folds", "3", prepare=WITHOUT_EXTRAS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("passed  ") == 16
    assert re.search(r"^nearest centroid +0\.[89]\d\d +0\.\d{3} +3 +0$", done.stdout, re.MULTILINE)
    assert re.search(r"^majority class +0\.33\d", done.stdout, re.MULTILINE)
    assert done.stdout.endswith("best: nearest centroid, registered as nothing: no registry is configured\n")
    assert "no plot: matplotlib is not installed" in done.stderr
    assert done.stderr.count(", fold ") == 6


def test_with_all_extras_it_draws_and_registers_the_best(tmp_path: Path) -> None:
    missing = [name for name in EXTRAS if find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    done = run(
        tmp_path, "--job_run_id", "42", "--task=train",
        MLFLOW_TRACKING_URI=(tmp_path / "mlruns").as_uri(), DBK_COMMIT="abc",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^[a-z ]+0\.\d{3} +0\.\d{3} +5 +0$", done.stdout, re.MULTILINE)) == 5
    assert done.stderr.count(", fold ") == 25
    assert "remote_analysis: job_run 42, task train, commit abc" in done.stderr
    assert re.search(r"^best: [a-z ]+, registered as models:/iris/1$", done.stdout, re.MULTILINE)
    assert (tmp_path / "remote_analysis.png").read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.glob("mlruns/**/remote_analysis.png"))


def test_bad_data_fail_before_anything_is_learned(tmp_path: Path) -> None:
    prepare = f"{WITHOUT_EXTRAS}\nfrom dbkframework import samples\nrows = samples.load_iris()[:29]\n"
    done = run(tmp_path, prepare=f"{prepare}samples.load_iris = lambda: rows\n")
    assert done.returncode == 1
    assert "FAILED  at least 150 rows" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("dbkframework.steps.checks.ChecksFailedError: ")
    assert "fold" not in done.stderr


def test_models_that_are_not_good_enough_fail(tmp_path: Path) -> None:
    prepare = f"{WITHOUT_EXTRAS}\nfrom dbkframework import models\nmodels.NearestCentroid.fit = lambda self, *_: self\n"
    done = run(tmp_path, prepare=prepare)
    assert done.returncode == 1
    assert "nearest centroid, fold 1 failed: ValueError: fit comes before predict" in done.stderr
    assert done.stderr.endswith("ModelsFailedError: majority class is right for 34% only\n")


def test_a_notebook_and_an_editor_see_the_same_cells() -> None:
    """Databricks divides at COMMAND lines that stand alone between empty lines, editors at %% lines."""
    first, _, text = EXAMPLE.read_text("utf-8").partition("\n")
    assert first == "# Databricks notebook source"
    notebook = [cell.strip() for cell in text.split("\n# COMMAND ----------\n")]
    parts = re.split(r"^# %%", text, flags=re.MULTILINE)[1:]
    editor = [f"# %%{part}".replace("# COMMAND ----------", "").strip() for part in parts]
    assert notebook == editor
    assert len(notebook) == 7
    for cell in notebook:
        compile(cell, "cell", "exec")
    assert "MAGIC" not in text
