"""Raw HTTPS to the hosts of a sandbox, as a stranger would send it: no SDK in between."""

from __future__ import annotations

import json
import sqlite3
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from dbxwizard.sandbox.entra.directory import AZURE_CLI
from dbxwizard.sandbox.ports import LOOPBACK, Ports
from dbxwizard.sandbox.store import Document, Store, is_internal
from dbxwizard.sandbox.tokens import TENANT_ID

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection to each host, kept open; reading the state is for what no route shows."""

    def __init__(self, state: Path, *, timeout: float = 10.0) -> None:
        self.store = Store(state)
        self._ports = Ports(self.store)
        self._trust = ssl.create_default_context(cafile=str(state.parent / "ca.pem"))
        self._timeout = timeout
        self._connections: dict[str, HTTPSConnection] = {}

    def send(
        self,
        method: str,
        host: str,
        path: str,
        *,
        token: str = "",
        json_body: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises what http.client raises when the answer is none; the connection is opened anew after that."""
        more = {"User-Agent": "wire", **({"Authorization": f"Bearer {token}"} if token else {})}
        if json_body is not None:
            body, more["Content-Type"] = json.dumps(json_body).encode(), JSON
        connection = self._connection(host)
        try:
            connection.request(method, path, body, {**more, **(headers or {})})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        except (OSError, HTTPException):
            self._connections.pop(host).close()
            raise

    def form(self, path: str, **fields: str) -> Answer:
        """A form to the sign-in host."""
        return self.send("POST", "login", path, body=urlencode(fields).encode(), headers={"Content-Type": FORM})

    def person_token(self, name: str, resource: str) -> str:
        """An access token in a person's name, by the device code flow."""
        base = f"/{TENANT_ID}/oauth2/v2.0"
        scope = f"{resource.rstrip('/')}/.default"
        asked = self.form(f"{base}/devicecode", client_id=AZURE_CLI, scope=scope).json
        self.form(f"{base}/deviceauth/approve", user_code=asked["user_code"], upn=name)
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        given = self.form(
            f"{base}/token", grant_type=grant, client_id=AZURE_CLI, device_code=asked["device_code"], scope=scope
        )
        return str(given.json["access_token"])

    def application_token(self, client_id: str, secret: str, resource: str) -> str:
        given = self.form(
            f"/{TENANT_ID}/oauth2/v2.0/token",
            grant_type="client_credentials",
            client_id=client_id,
            client_secret=secret,
            scope=f"{resource.rstrip('/')}/.default",
        )
        return str(given.json["access_token"])

    def documents(self) -> dict[tuple[str, str], Document]:
        """Everything that is the user's state."""
        with closing(sqlite3.connect(self.store.path)) as reading:
            kinds = [kind for (kind,) in reading.execute("SELECT DISTINCT kind FROM documents")]
        mine = [kind for kind in kinds if not is_internal(kind)]
        return {(kind, key): body for kind in mine for key, body in self.store.find(kind)}

    def put(self, kind: str, key: str, body: Document) -> None:
        with self.store.transaction():
            self.store.put(kind, key, body)

    def close(self) -> None:
        for connection in self._connections.values():
            with suppress(OSError):
                connection.close()
        self.store.close()

    def _connection(self, host: str) -> HTTPSConnection:
        if host not in self._connections:
            port = self._ports.known()[host]
            self._connections[host] = HTTPSConnection(LOOPBACK, port, timeout=self._timeout, context=self._trust)
        return self._connections[host]
