"""Key Vault as its own client asks it: HTTPS on 127.0.0.1, a challenge first, then a token."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import pytest

from dbkframework.engine import SettingNotFoundError, get_secret

identity = pytest.importorskip("azure.identity", reason="the extra secrets is not installed")
vault_secrets = pytest.importorskip("azure.keyvault.secrets", reason="the extra secrets is not installed")
trustme = pytest.importorskip("trustme", reason="trustme is not installed")
TOKEN = "token-of-the-test"


class Vault(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            challenge = 'Bearer authorization="https://login.invalid/tenant", resource="https://vault.azure.net"'
            self.answer(401, {"error": {"code": "Unauthorized"}}, challenge)
        elif path.rstrip("/") == "/secrets/partner-api-key":
            self.answer(
                200, {"value": "value in the vault", "id": f"https://{self.headers['Host']}/secrets/partner-api-key/1"}
            )
        else:
            self.answer(
                404, {"error": {"code": "SecretNotFound", "message": "A secret was not found in this key vault"}}
            )

    def answer(self, status: int, body: Any, challenge: str = "") -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (the library's name)
        """Nothing on standard error."""


class Credential:
    """Of somebody who is signed in."""

    def get_token(self, *scopes: str, **options: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken(TOKEN, int(time.time()) + 3600)

    def __enter__(self) -> Credential:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing is open."""


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vault)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    client = partial(vault_secrets.SecretClient, connection_verify=str(bundle), verify_challenge_resource=False)
    monkeypatch.setattr("azure.keyvault.secrets.SecretClient", client)
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", Credential)
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_secret_of_the_vault(vault: str) -> None:
    assert get_secret("partner_api_key", vault=vault).reveal() == "value in the vault"


def test_a_secret_that_the_vault_has_not(vault: str) -> None:
    with pytest.raises(SettingNotFoundError, match=r"Key Vault https://127.0.0.1:\d+: ResourceNotFoundError"):
        get_secret("another", vault=vault)
