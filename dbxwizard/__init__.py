"""Bring Azure Databricks under CI/CD from one terminal program."""

from pathlib import Path

__version__ = "0.1.0"

# A checkout without symlinks (Windows) finds screens beside the package.
if not (Path(__file__).parent / "screens" / "__init__.py").is_file():
    __path__.append(str(Path(__file__).parent.parent))
