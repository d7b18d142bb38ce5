"""The sandbox as a cloud, and its state for what happens behind its back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dbxwizard.sandbox.github.oidc import Job, job_token_request
from dbxwizard.sandbox.graph.service import GraphService
from dbxwizard.sandbox.ports import Ports
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.time import Clock
from tests.reaching import requests_to


@dataclass(frozen=True, slots=True)
class World:
    """The sandbox's state, reached without its services."""

    store: Store

    @contextmanager
    def changing(self) -> Iterator[Store]:
        with self.store.transaction():
            yield self.store

    def clock(self) -> Clock:
        return Clock(self.store)

    def advance(self, seconds: float) -> None:
        with self.changing():
            self.clock().advance(seconds)

    def latency(self, profile: str) -> None:
        """Things take their time from now on, and the clock moves by `advance` alone."""
        with self.changing() as store:
            store.put("_setting", "latency", {"profile": profile})
            self.clock().freeze(self.clock().now())

    def change(self, kind: str, key: str, **fields: Any) -> None:
        with self.changing() as store:
            store.put(kind, key, (store.get(kind, key) or {}) | fields)

    def setting(self, **fields: Any) -> None:
        self.change("_setting", "entra", **fields)

    def application(self, name: str) -> Document:
        return next(one for one in self.store.all("directory.application") if one["displayName"] == name)

    def job(self, **about: Any) -> dict[str, str]:
        """The environment variables of a GitHub Actions job."""
        with self.changing() as store:
            url, token = job_token_request(store, Ports(store), Job(**{"repository": "contoso/databricks"} | about))
        return {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token}

    def show(self) -> dict[str, Any]:
        return GraphService().show(self.store)

    def writes(self) -> list[str]:
        return requests_to(self.store, writes=True)

    def seen(self, host: str) -> list[str]:
        return requests_to(self.store, host)


MakeApplication = Callable[..., Document]
