"""PAT_GITHUB, asked of the person on the screen: one question, however many plans wait for its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dbxwizard.core.errors import UsageError
from dbxwizard.core.secret import Secret


class AskedToken:
    """`show` puts the question for a repository (OWNER/NAME) on the screen, which answers it by `give`."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._asked: asyncio.Future[Secret | None] | None = None
        self.value: Secret | None = None

    async def ask(self, repository: str) -> Secret | None:
        """None where the person gives none."""
        if self.value is not None:  # given while this plan was on its way here
            return self.value
        if self._asked is None or self._asked.done():
            self._asked = asyncio.get_running_loop().create_future()
            self._show(repository)
        return await asyncio.shield(self._asked)  # who gives up waiting takes the answer from nobody else

    def give(self, token: str) -> None:
        self.value = Secret(token) if token else None
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(self.value)

    @contextmanager
    def forgotten_if_refused(self) -> Iterator[None]:
        """So that the next plan asks again."""
        try:
            yield
        except UsageError as error:
            if error.code == "git-token-refused":
                self.value = None
            raise
