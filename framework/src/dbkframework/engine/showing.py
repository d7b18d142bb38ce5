"""Shows a figure or table where there is a place for it."""

from __future__ import annotations

import sys
from typing import Any


def show(value: Any) -> None:
    """Displays `value` in a notebook or an interactive window; elsewhere, as in a script, nothing happens."""
    ipython = sys.modules.get("IPython")
    if ipython and ipython.get_ipython():
        from IPython.display import display

        display(value)
