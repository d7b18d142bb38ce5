"""Processes that do what they are told: one JSON object a line, in and out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).absolute().parents[2]


class Remote:
    """A module of this folder, run as a process; its `serve` answers the calls."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.matrix.{module}", *arguments],
            cwd=_ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith(("DBXWIZARD_", "COVERAGE"))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, name: str, **values: Any) -> Any:
        """What the process answers. Raises RuntimeError for what went wrong in it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": name, **values}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the process has ended"}
        if "error" in answer:
            raise RuntimeError(f"{name}: {answer['error']}")
        return answer["answer"]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def serve(calls: Mapping[str, Callable[..., Any]]) -> None:
    """Answers the calls on standard input until its end."""
    for line in sys.stdin:
        message = json.loads(line)
        try:
            answer = {"answer": calls[message.pop("call")](**message)}
        except Exception as error:  # told to the test, which fails by it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
