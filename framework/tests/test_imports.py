"""What importing the framework loads: nothing but Python's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[1] / "src"
HEAVY = (
    "azure",
    "databricks",
    "IPython",
    "joblib",
    "matplotlib",
    "mlflow",
    "numpy",
    "opentelemetry",
    "pandas",
    "pyspark",
    "sklearn",
)
CODE = """
import sys
import dbkframework.{module}
print(sorted({{name.partition(".")[0] for name in sys.modules}} - set(sys.stdlib_module_names)))
"""


@pytest.mark.parametrize("module", ["engine", "models", "samples", "steps", "telemetry"])
def test_a_module_loads_no_other_package(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", CODE.format(module=module)],
        env={**os.environ, "PYTHONPATH": str(SOURCES)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "['__main__', 'dbkframework']\n"


def test_with_all_extras_there_nothing_heavy_is_loaded_either() -> None:
    code = "import sys\nfrom dbkframework import engine, models, samples, steps, telemetry\n"
    code += "from dbkframework.samples import iris_measures\n"
    code += "points, labels = iris_measures()\n"
    code += "models.cross_validate({'m': models.MajorityClass()}, points, labels, on='here')\n"
    code += f"print(sorted({{name.partition('.')[0] for name in sys.modules}} & set({HEAVY!r})))\n"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
