"""A file at an address that needs no token, piece by piece: it may be larger than memory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from dbxwizard.clients.cloud import Cloud
from dbxwizard.clients.errors import translated
from dbxwizard.clients.timeouts import request_timeout
from dbxwizard.clients.transport import require_success, session

_PIECE = 64 * 1024  # bytes


def pieces(cloud: Cloud, address: str, resource: str) -> Generator[bytes]:
    """Blocks while it reads. Raises the core's errors about `resource`."""
    with translated(resource), session(cloud.ca_bundle, direct=cloud.is_sandbox) as made:
        # `verify` is said once more: a session's own gives way to REQUESTS_CA_BUNDLE.
        answer = made.get(address, stream=True, timeout=request_timeout(), verify=made.verify)
        with closing(answer):
            require_success(answer, resource)
            yield from answer.iter_content(_PIECE)
