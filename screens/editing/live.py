"""The lists of the services, asked of the backend."""

from __future__ import annotations

from dbxwizard.backend.client import Backend
from dbxwizard.core.errors import OperationError
from dbxwizard.parameters.editing.choices import LiveList


class BackendLists:
    """A LiveLists. What goes wrong only means that the bundled list stays."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def fetch(self, kind: str, environment: str, text: str = "") -> LiveList | None:
        try:
            found = await self._backend.ask.pick_list(kind=kind, environment=environment, text=text)
        except OperationError:
            return None
        return found.as_live
