"""The lists of the services, asked of the backend."""

from __future__ import annotations

from collections.abc import Sequence

from dbxwizard.backend.client import Backend
from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.editing.choices import Choice


class BackendLists:
    """A LiveLists. What goes wrong only means that the bundled list stays."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def fetch(self, kind: str, environment: str) -> Sequence[Choice] | None:
        try:
            found = await self._backend.ask.pick_list(kind=kind, environment=environment)
        except OperationError:
            return None
        return found.choices if found.live else None
