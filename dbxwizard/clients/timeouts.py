"""How long one request may take, whatever the SDK's own default (azure-core's are five minutes)."""

from __future__ import annotations

CONNECT = 10  # seconds until the connection stands
ANSWER = 60  # seconds without a byte; Resource Manager itself gives up after 60


class _Testing:
    seconds: int | None = None


def set_testing(seconds: int | None) -> None:
    """Replaces all of them in this process, so that a test can see a timeout; None: the real ones again."""
    _Testing.seconds = seconds


def request_timeout(answer: int = ANSWER) -> tuple[int, int]:
    """Seconds to connect and to answer, as requests takes them."""
    limit = _Testing.seconds
    return (CONNECT, answer) if limit is None else (limit, limit)
