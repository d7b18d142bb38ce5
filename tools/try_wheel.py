"""Builds sdist and wheel, installs the wheel into a new environment, and uses it as its user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
UV = Path(sys.executable).with_name("uv")
CARRIED = (
    "dbxwizard/_data/environments/Development.json",
    "dbxwizard/_data/environments/schema.json",
    "dbxwizard/_data/bicep/main.json",
    "dbxwizard/_data/framework/pyproject.toml",
    "dbxwizard/_data/workflows/deploy.yml",
    "dbxwizard/_data/workflows/parts/install.yml",
    "dbxwizard/_data/workflows/requirements.txt",
    "dbxwizard/screens/__init__.py",
    "dbxwizard/sandbox/latency.json",
    "dbxwizard/web/data/page.html",
)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="dbxwizard-wheel-") as name:
        folder = Path(name)
        _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(ROOT))
        wheel = next((folder / "dist").glob("*.whl"))
        _look_inside(wheel, next((folder / "dist").glob("*.tar.gz")))
        program = _install(folder / "venv", wheel)
        _use(program, folder / "project", folder / "state")
    print(f"wheel: {wheel.name} built, installed and used")


def _look_inside(wheel: Path, sdist: Path) -> None:
    """The wheel carries what `init` writes; the sdist has the screens and no build leftovers."""
    with zipfile.ZipFile(wheel) as archive:
        missing = set(CARRIED) - set(archive.namelist())
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    if missing or not any(name.endswith("/screens/__init__.py") for name in names):
        sys.exit(f"wheel: missing {sorted(missing) or 'screens in the sdist'}")


def _install(venv: Path, wheel: Path) -> Path:
    """The program of a new environment that has the wheel and what it depends on, as the lock has it."""
    _run(str(UV), "venv", "--quiet", "--python", sys.executable, str(venv))
    constraints = venv / "constraints.txt"
    exported = subprocess.run(  # noqa: S603
        [str(UV), "pip", "freeze", "--exclude-editable"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    constraints.write_text(exported.stdout)
    python = venv / "bin" / "python"
    _run(str(UV), "pip", "install", "--quiet", "--python", str(python), "-c", str(constraints), str(wheel))
    return venv / "bin" / "dbxwizard"


def _use(program: Path, project: Path, state: Path) -> None:
    """init writes the files, validate finds just the placeholders, the sandbox starts."""
    project.mkdir()
    # As a person: a pipeline would be told that `me` is still to be resolved, too.
    clean = {name: value for name, value in os.environ.items() if name not in ("CI", "GITHUB_ACTIONS")}
    environ = {**clean, "DBXWIZARD_STATE_DIR": str(state)}
    _run(str(program), "--version")
    _run(str(program), "init", "--root", str(project))
    checked = subprocess.run(  # noqa: S603
        [str(program), "validate", "--root", str(project), "--output", "json"],
        check=False,
        capture_output=True,
        env=environ,
    )
    codes = {error["code"] for error in json.loads(checked.stdout)["errors"]}
    if checked.returncode != 2 or codes != {"placeholder"}:
        sys.exit(f"wheel: validate of the shipped files ended with {checked.returncode}: {sorted(codes)}")
    shown = subprocess.run([str(program), "sandbox", "show"], check=True, capture_output=True, env=environ)  # noqa: S603
    if not json.loads(shown.stdout)["subscriptions"]:
        sys.exit("wheel: the sandbox has no subscription")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


if __name__ == "__main__":
    main()
