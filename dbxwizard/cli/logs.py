"""What libraries and we log: nothing of it on stderr; with --log-file warnings, without secrets; of a terminal program
also what it did and each request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dbxwizard.core.secret import hide

_LOG = logging.getLogger(__name__)


class _Hiding(logging.Formatter):
    """Azure's libraries log whole answers of failed sign-ins."""

    def format(self, record: logging.LogRecord) -> str:
        return hide(super().format(record))


@contextmanager
def collected(log_file: str, *, detailed: bool = False) -> Iterator[None]:
    """While it lasts, what libraries log, warn of or raise in threads of their own goes to `log_file` ("": nowhere).

    `detailed`: our own information too. Without any handler Python itself would print warnings to stderr.
    """
    handler = logging.FileHandler(log_file, encoding="utf-8", delay=True) if log_file else logging.NullHandler()
    handler.setFormatter(_Hiding("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root, ours, before = logging.getLogger(), logging.getLogger("dbxwizard"), threading.excepthook
    ours.setLevel(logging.INFO if detailed else logging.WARNING)
    handler.setLevel(logging.INFO if detailed else logging.WARNING)
    root.addHandler(handler)
    logging.captureWarnings(True)
    threading.excepthook = _note
    try:
        yield
    finally:
        threading.excepthook = before
        logging.captureWarnings(False)
        root.removeHandler(handler)
        ours.setLevel(logging.NOTSET)
        handler.close()


def _note(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None:
        _LOG.warning("a thread failed", exc_info=failed.exc_value)
