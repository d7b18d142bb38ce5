"""The workflows of each set of choices, as files and as what YAML reads."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbxwizard.backend.workflows.files import Choices, rendered

ALL_CHOICES = tuple(Choices(*one) for one in product(("federated", "secret"), (True, False), (False, True)))
INSTALL = ("dbxwizard==0.1.0 --hash=sha256:" + "0" * 64,)


def named(choices: Choices) -> str:
    environments = "environments" if choices.environments else "repository"
    return f"{choices.auth}-{environments}{'-server' if choices.server else ''}"


def parsed(choices: Choices) -> Mapping[str, Any]:
    """Each workflow by its file's name."""
    files = rendered(choices, INSTALL)
    return {Path(path).name: yaml.safe_load(text) for path, text in files.items() if path.endswith(".yml")}


@pytest.fixture(params=ALL_CHOICES, ids=named)
def choices(request: pytest.FixtureRequest) -> Choices:
    made: Choices = request.param
    return made


@pytest.fixture
def workflows(choices: Choices) -> Mapping[str, Any]:
    return parsed(choices)
