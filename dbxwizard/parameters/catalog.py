"""What the clouds offer, as far as a list can know it: data/*.json, read when first asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"
_NEVER = "9999"


@cache
def _data(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_DATA / name).read_bytes())
    return content


@cache
def regions() -> frozenset[str]:
    """Programmatic names of the regions that have Azure Databricks."""
    return frozenset(_data("regions.json")["regions"])


@cache
def node_types() -> frozenset[str]:
    """VM sizes that Azure Databricks takes."""
    series = _data("node_types.json")["series"]
    return frozenset(pattern.format(size) for pattern, sizes in series.items() for size in sizes)


def runtimes() -> dict[str, dict[str, Any]]:
    """Version → {"scala": [versions], "python": "3.12", "end_of_support": "YYYY-MM-DD", "lts": true if it is one}.

    Without end_of_support where it is not told yet.
    """
    known: dict[str, dict[str, Any]] = _data("runtimes.json")["runtimes"]
    return known


def runtime_version(key: str) -> str:
    """17.3 of 17.3.x-cpu-ml-scala2.13; 18 of 18.x-scala2.13."""
    return key.partition(".x")[0]


def support_ended(version: str) -> bool:
    """Of a runtime; False for one that is not known."""
    return bool(runtimes().get(version, {}).get("end_of_support", _NEVER) < time.strftime("%Y-%m-%d"))


def recommended_runtime() -> str:
    return str(_data("runtimes.json")["recommended"])


@cache
def standard_roles() -> frozenset[str]:
    """Azure roles that the deployer may always give."""
    return frozenset(_data("roles.json")["standard"])


@cache
def other_roles() -> tuple[str, ...]:
    """Azure roles that environments often need beside the standard ones; the deployer may give them after setup."""
    return tuple(_data("roles.json")["others"])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "x"?` for the nearest known word, "" where none is near."""
    if len(word) > 100:
        return ""
    import difflib  # 6 ms, and seldom needed

    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f'did you mean "{by_folded[near[0]]}"?' if near else ""
