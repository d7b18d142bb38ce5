"""Packages for a developer's environment that need no index: under the names of the real ones, as small as can be."""

from __future__ import annotations

import zipfile
from pathlib import Path

# Builds the framework for an editable installation: a .pth file that leads to its sources, as hatchling's does.
_BACKEND = """
import pathlib, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "dbkframework-0.2.0-py3-none-any.whl"
    info = "dbkframework-0.2.0.dist-info"
    files = {
        "dbkframework.pth": str(pathlib.Path("src").resolve()),
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: dbkframework\\nVersion: 0.2.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, text)
    return name
"""


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """Writes a wheel with these modules."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as made:
        for path, text in content.items():
            made.writestr(path, text)


def fill(folder: Path, runtime: str) -> Path:
    folder.mkdir(parents=True)
    wheel(folder, "databricks-connect", f"{runtime}.0", {"databricks/connect/__init__.py": ""})
    wheel(folder, "hatchling", "1.27.0", {"hatchling/__init__.py": "", "hatchling/build.py": _BACKEND})
    wheel(folder, "pyspark", "3.5.0", {"pyspark/__init__.py": ""})
    return folder
