"""A port for each host that the sandbox plays, kept in the state so that addresses survive a restart."""

from __future__ import annotations

import socket

from dbxwizard.sandbox.store import Store

LOOPBACK = "127.0.0.1"


class Ports:
    """The hosts of one state file (`login`, `arm`, `vault:kv-1` …) and the sockets that this process holds for them.

    `moved`: the hosts whose stored port somebody else had taken.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.sockets: dict[str, socket.socket] = {}
        self.moved: list[str] = []

    def url(self, host: str) -> str:
        """`https://127.0.0.1:PORT`; KeyError when no such host is open."""
        port = self._store.get("_port", host)
        if port is None:
            raise KeyError(host)
        return f"https://{LOOPBACK}:{port['port']}"

    def open(self, host: str) -> str:
        """Opens the host on its stored port, or on a free one, and returns its url."""
        stored = self._store.get("_port", host)
        if host not in self.sockets:
            self.sockets[host] = _bind(stored["port"] if stored else 0)
        port = self.sockets[host].getsockname()[1]
        if stored and stored["port"] != port:
            self.moved.append(host)
        self._store.put("_port", host, {"port": port})
        return self.url(host)

    def close(self, host: str) -> None:
        """Forgets the host; the server closes its socket after the request."""
        self._store.delete("_port", host)

    def known(self) -> dict[str, int]:
        return {host: int(body["port"]) for host, body in self._store.find("_port")}


def _bind(port: int) -> socket.socket:
    """A listening socket on `port`; on any free one where somebody else has taken it meanwhile."""
    for candidate in (port, 0):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((LOOPBACK, candidate))
        except OSError:
            made.close()
            continue
        made.listen(128)
        made.setblocking(False)
        return made
    raise OSError("no free port on the loopback interface")
