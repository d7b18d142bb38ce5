"""What all clients are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self


class Client(ABC):
    """An asynchronous context manager, closed on any way out."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    @abstractmethod
    async def close(self) -> None:
        """Ends its connections; nothing can be asked after that."""
