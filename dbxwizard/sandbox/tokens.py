"""The access tokens that the sandbox's Entra signs and every other host verifies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.types import Options

from dbxwizard.sandbox.http import WORLD, ApiError
from dbxwizard.sandbox.store import Store

TENANT_ID = str(uuid.uuid5(WORLD, "tenant"))
LIFETIME = 3600.0  # seconds; Entra's default is 60 to 90 minutes
SKEW = 300.0  # seconds by which clocks may differ; learn.microsoft.com/entra/identity-platform/access-tokens
DATABRICKS_APP_ID = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
_ALGORITHM = "RS256"
_UNCHECKED: Options = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token speaks for. `app_id` is the client that asked; `user` is False for an application's own token."""

    object_id: str
    tenant_id: str
    app_id: str
    user: bool
    scopes: frozenset[str]
    audience: str


def signing_key(store: Store, name: str) -> rsa.RSAPrivateKey:
    """The RSA key of an issuer (`entra`, `oidc`), made on first use and kept in the state."""
    stored = store.get("_key", name)
    if stored is None:
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        store.put("_key", name, {"pem": pem.decode()})
        return made
    return _loaded(stored["pem"])


@lru_cache(maxsize=64)
def _loaded(pem: str) -> rsa.RSAPrivateKey:
    """Reading a key checks its primes, which takes 50 ms; every request needs one."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101  written by signing_key
    return key


def sign(store: Store, issuer: str, claims: dict[str, Any]) -> str:
    """`claims` as a JWT of the issuer's key; the key id is the issuer's name."""
    return jwt.encode(claims, signing_key(store, issuer), algorithm=_ALGORITHM, headers={"kid": issuer})


def public_keys(store: Store, issuer: str) -> dict[str, Any]:
    """The issuer's JSON Web Key Set."""
    key = jwt.algorithms.RSAAlgorithm.to_jwk(signing_key(store, issuer).public_key(), as_dict=True)
    return {"keys": [{**key, "kid": issuer, "use": "sig", "alg": _ALGORITHM}]}


def verify(store: Store, now: float, token: str, audiences: frozenset[str]) -> Identity:
    """The identity of an access token of Entra's.

    Raises ApiError 401 with one of the codes `invalid`, `expired`, `audience`; each service words it in its own way.
    """
    try:
        claims = _signed(signing_key(store, "entra"), token)
    except jwt.InvalidTokenError as error:
        raise ApiError(401, "invalid", "The access token is invalid.") from error
    if claims["exp"] <= now:
        raise ApiError(401, "expired", "The access token expiry UTC time is earlier than current UTC time.")
    if claims.get("nbf", 0) > now + SKEW:
        raise ApiError(401, "invalid", "The access token is not yet valid.")
    if str(claims["aud"]).rstrip("/") not in {audience.rstrip("/") for audience in audiences}:
        raise ApiError(401, "audience", f"The access token has been obtained for wrong audience '{claims['aud']}'.")
    return Identity(
        object_id=claims["oid"],
        tenant_id=claims["tid"],
        app_id=claims["appid"],
        user=claims.get("idtyp") == "user",
        scopes=frozenset(str(claims.get("scp", "")).split() + list(claims.get("roles", []))),
        audience=str(claims["aud"]),
    )


@lru_cache(maxsize=256)
def _signed(key: rsa.RSAPrivateKey, token: str) -> Mapping[str, Any]:
    """The claims of an access token that the key has signed; jwt takes a millisecond, and each request brings one."""
    # Times are compared with the sandbox's clock by whoever asks. An id token lacks appid: it opens nothing.
    options: Options = {**_UNCHECKED, "require": ["aud", "exp", "oid", "tid", "appid"]}
    claims: Mapping[str, Any] = jwt.decode(token, key.public_key(), algorithms=[_ALGORITHM], options=options)
    return claims


@lru_cache(maxsize=256)
def unverified(token: str) -> Mapping[str, Any]:
    """The claims of a JWT of anybody's; raises jwt.InvalidTokenError when it is none."""
    options: Options = {**_UNCHECKED, "verify_signature": False}
    claims: Mapping[str, Any] = jwt.decode(token, options=options)
    return claims


def is_signed_by(store: Store, issuer: str, token: str) -> bool:
    """Whether the key that `public_keys` publishes for the issuer has signed the token."""
    try:
        jwt.decode(token, signing_key(store, issuer).public_key(), algorithms=[_ALGORITHM], options=_UNCHECKED)
    except jwt.InvalidTokenError:
        return False
    return True


def bearer(authorization: str) -> str:
    """The token of an Authorization header; "" when there is none."""
    kind, _, token = authorization.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
