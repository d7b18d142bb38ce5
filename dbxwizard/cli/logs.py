"""What libraries log: nothing of it on stderr; with --log-file their warnings, without secrets."""

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
def collected(log_file: str) -> Iterator[None]:
    """While it lasts, what libraries log, warn of or raise in threads of their own goes to `log_file` ("": nowhere).

    Without any handler Python itself would print warnings to stderr.
    """
    handler = logging.FileHandler(log_file, encoding="utf-8", delay=True) if log_file else logging.NullHandler()
    handler.setFormatter(_Hiding("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(logging.WARNING)
    root, before = logging.getLogger(), threading.excepthook
    root.addHandler(handler)
    logging.captureWarnings(True)
    threading.excepthook = _note
    try:
        yield
    finally:
        threading.excepthook = before
        logging.captureWarnings(False)
        root.removeHandler(handler)
        handler.close()


def _note(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None:
        _LOG.warning("a thread failed", exc_info=failed.exc_value)
