"""Secrets in the log of GitHub Actions: it hears of each before anything could print it."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext

from dbxwizard.core.secret import observed


def masked(form: str) -> AbstractContextManager[None]:
    """While it lasts, GitHub Actions hears of each secret that is made; nobody else does."""
    in_actions = form == "github" and os.environ.get("GITHUB_ACTIONS") == "true"
    return observed(_mask) if in_actions else nullcontext()


def _mask(value: str) -> None:
    for line in filter(None, value.splitlines()):
        print(f"::add-mask::{line.replace('%', '%25')}", flush=True)
