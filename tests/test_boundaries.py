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


def test_the_sandbox_loads_neither_steps_nor_clients() -> None:
    code = (
        "import dbxwizard.sandbox.session, sys;"
        "sys.stderr.write(repr([name for name in sys.modules if 'dbxwizard' in name]) + chr(10))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "dbxwizard.sandbox.session" in done.stderr
    assert "dbxwizard.steps" not in done.stderr
    assert "dbxwizard.clients" not in done.stderr


def test_what_the_program_is_answered_loads_no_steps_to_be_unpickled() -> None:
    plain = ("board", "choices", "environment_files", "last_deployment", "log", "pick_lists", "resources", "welcome")
    answers = (*plain, "application_views", "custom_role_views", "github_views", "summary_views")
    code = (
        f"import {', '.join(f'dbxwizard.backend.{name}' for name in answers)}, sys;"
        "sys.stderr.write(repr([name for name in sys.modules if 'dbxwizard' in name]) + chr(10))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "dbxwizard.backend.welcome" in done.stderr
    for heavy in ("dbxwizard.steps", "dbxwizard.clients", "dbxwizard.arm_template"):
        assert heavy not in done.stderr


def test_the_first_frame_waits_for_nothing_that_it_does_not_need() -> None:
    """An empty Textual application is what it is measured against (docs/speed.md)."""
    code = (
        "import dbxwizard.app, dbxwizard.screens.opening, sys;"
        "sys.stderr.write(repr([name for name in sys.modules if 'dbxwizard' in name]) + chr(10))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "dbxwizard.screens.opening" in done.stderr
    for late in ("dbxwizard.parameters.loading", "dbxwizard.core.planner", "dbxwizard.screens.environments"):
        assert late not in done.stderr
