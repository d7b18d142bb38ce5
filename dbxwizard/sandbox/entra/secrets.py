"""Client secrets: made once, shown once, and kept as a salted hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from dbxwizard.sandbox.store import Store


def make(store: Store, key_id: str) -> str:
    """A new secret for the password credential of that key id. Its form is Entra's: 40 characters, `Q~` after four."""
    text = secrets.token_urlsafe(48).replace("-", ".")
    secret = f"{text[:3]}8Q~{text[3:37]}"
    salt = secrets.token_hex(16)
    store.put("_client_secret", key_id, {"salt": salt, "hash": _hash(salt, secret)})
    return secret


def matches(store: Store, key_id: str, secret: str) -> bool:
    kept = store.get("_client_secret", key_id)
    return kept is not None and hmac.compare_digest(kept["hash"], _hash(kept["salt"], secret))


def forget(store: Store, key_id: str) -> None:
    store.delete("_client_secret", key_id)


def _hash(salt: str, secret: str) -> str:
    # The secret has 200 random bits, so one round is enough.
    return hashlib.sha256(f"{salt}:{secret}".encode()).hexdigest()
