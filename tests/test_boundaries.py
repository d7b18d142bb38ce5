"""What a new process loads: quick commands stay quick, the core stays alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("textual", "rich", "azure", "msal", "databricks", "github", "nacl", "aiohttp", "requests")

_LOADED = """
import json, sys
{code}
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})), file=sys.stderr)
"""


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED.format(code=code)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import dbxwizard.core.engine, dbxwizard.core.journal, dbxwizard.core.advice",
        "from dbxwizard.parameters import load_all",
        "from dbxwizard.arm_template import expand",
        "from dbxwizard.cli.main import run; run(['completion', 'bash'])",
        "from dbxwizard.cli.main import run; run(['validate'])",
        "from dbxwizard.cli.main import run\ntry: run(['--help'])\nexcept SystemExit: pass",
    ],
)
def test_no_sdk_and_no_terminal_framework_is_loaded(code: str) -> None:
    assert loaded_by(code).isdisjoint(HEAVY)


def ours_loaded_by(*modules: str) -> list[str]:
    """The modules of dbxwizard that a new process has once it has imported these."""
    code = (
        f"import {', '.join(modules)}, sys, json;"
        "print(json.dumps([name for name in sys.modules if name.startswith('dbxwizard')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(done.stdout)
    assert set(modules) <= set(loaded)
    return loaded


def below(loaded: list[str], *modules: str) -> list[str]:
    """Of the loaded ones these and what is in them."""
    return [name for name in loaded if any(f"{name}.".startswith(f"{one}.") for one in modules)]


def test_the_sandbox_loads_neither_steps_nor_clients() -> None:
    assert not below(ours_loaded_by("dbxwizard.sandbox.session"), "dbxwizard.steps", "dbxwizard.clients")


def test_what_the_program_is_answered_loads_no_steps_to_be_unpickled() -> None:
    console = ("board", "last_deployment", "log", "resources")
    wizard = ("choices", "environment_files", "welcome", "application_views", "custom_role_views", "github_views")
    answers = (
        "pick_lists",
        *(f"console.{name}" for name in console),
        *(f"wizard.{name}" for name in (*wizard, "summary_views")),
    )
    loaded = ours_loaded_by(*(f"dbxwizard.backend.{name}" for name in answers))
    assert not below(loaded, "dbxwizard.steps", "dbxwizard.clients", "dbxwizard.arm_template")


def test_the_first_frame_waits_for_nothing_that_it_does_not_need() -> None:
    """An empty Textual application is what it is measured against (docs/speed.md)."""
    loaded = ours_loaded_by(
        "dbxwizard.cli.main", "dbxwizard.cli.checks", "dbxwizard.cli.commands.open", "dbxwizard.app"
    )
    assert below(loaded, "dbxwizard.screens.opening")
    late = ("dbxwizard.parameters", "dbxwizard.core.events", "dbxwizard.core.plan", "dbxwizard.core.result")
    assert not below(loaded, *late, "dbxwizard.backend.views", "dbxwizard.cli.report", "dbxwizard.screens.environments")
