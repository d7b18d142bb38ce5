"""Records as lines of text."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from dbkframework.redaction import clean
from dbkframework.telemetry.core import Span, properties


class Console:
    """Log records, and where nothing else takes them spans and metrics too. `stream`: standard error as it is then."""

    name = "console"

    def __init__(self, stream: TextIO | None = None, *, everything: bool = True) -> None:
        self._stream, self._everything = stream, everything

    def log(self, record: logging.LogRecord) -> None:
        text = f"{record.getMessage()}{_pairs(properties(record))}"
        self._write(record.levelname, f"{text}\n{record.exc_text}" if record.exc_text else text)

    @contextmanager
    def span(self, span: Span) -> Iterator[None]:
        yield
        if not self._everything:
            return
        failed = f" and failed: {type(span.error).__name__}: {clean(str(span.error))}" if span.error else ""
        self._write("SPAN", f"{span.name} took {span.seconds or 0:.3f} s{failed}{_pairs(span.attributes)}")

    def metric(self, name: str, value: float, attributes: Mapping[str, Any]) -> None:
        if self._everything:
            self._write("METRIC", f"{name} {value:g}{_pairs(attributes)}")

    def flush(self, seconds: float) -> bool:
        (self._stream or sys.stderr).flush()
        return True

    def _write(self, kind: str, text: str) -> None:
        moment = time.strftime("%H:%M:%S")
        print(f"{moment} {kind:<7} {text}", file=self._stream or sys.stderr)


def _pairs(attributes: Mapping[str, Any]) -> str:
    """What belongs to this record alone: the correlation is said once, when telemetry starts."""
    shown = [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in attributes.items()
        if not name.startswith(("dbk.", "exception."))
    ]
    return f"  [{' '.join(shown)}]" if shown else ""
