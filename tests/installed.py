"""The program that is tested on the path of jobs, in place of the installation that the workflows begin with."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

_INSTALLING = re.compile(r" +- name: Set up Python\n(?: {8}.*\n)+ +- name: Install dbxwizard\n(?: {8}.*\n)+")


def put_program_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def without_installation(workflow: str) -> str:
    return _INSTALLING.sub("", workflow)
