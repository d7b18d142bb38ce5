"""Settings and secrets by one call, from wherever they are kept: environment, secret scope, Key Vault."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any

from dbkframework.engine.place import dbutils, installed
from dbkframework.errors import FrameworkError
from dbkframework.redaction import Secret, clean

SCOPE_VARIABLE, VAULT_VARIABLE = "DBK_SECRET_SCOPE", "DBK_KEY_VAULT"


class SettingNotFoundError(FrameworkError):
    """No source has it; the text says where it was looked for, and why a source could not be asked."""


class _NotHereError(Exception):
    """Why a source has no answer."""


def get_setting(name: str, *, scope: str = "", key: str = "", vault: str = "", default: str | None = None) -> str:
    """The value of `name`: from the environment, else secret scope, else Key Vault, else `default`.

    `scope` and `vault` (a vault's name or address) default to DBK_SECRET_SCOPE and DBK_KEY_VAULT; without either only
    the environment is asked. There the value is called `key`, by default `name`; Key Vault knows no `_`, so it is
    asked for `-`. Raises SettingNotFoundError.
    """
    found, tried = _find(name, scope, key or name, vault)
    if found is not None:
        return found.reveal() if isinstance(found, Secret) else found
    if default is not None:
        return default
    raise _not_found(name, tried)


def get_secret(name: str, *, scope: str = "", key: str = "", vault: str = "", default: str | None = None) -> Secret:
    """As `get_setting`; the value shows in no repr and no record."""
    found, tried = _find(name, scope, key or name, vault)
    if found is not None:
        return found if isinstance(found, Secret) else Secret(found)
    if default is not None:
        return Secret(default)
    raise _not_found(name, tried)


def _not_found(name: str, tried: list[str]) -> SettingNotFoundError:
    fix = f"set the environment variable {name}, or name a secret scope or Key Vault that has it"
    return SettingNotFoundError(f"{name} is nowhere to be found ({'; '.join(tried)})", fix)


def _find(name: str, scope: str, key: str, vault: str) -> tuple[str | Secret | None, list[str]]:
    """What the first source that has it gives, else why each has not. An empty variable counts as none."""
    if os.environ.get(name):
        return os.environ[name], []
    tried = [f"no environment variable {name}"]
    for kind, where, ask in _sources(scope, vault):
        try:
            return Secret(ask(where, key)), []
        except _NotHereError as error:
            tried.append(f"{kind} {where}: {error}")
        except Exception as error:  # a service's SDK may raise anything; the next source may have it
            tried.append(f"{kind} {where}: {type(error).__name__}: {_first_line(error)}")
    return None, tried


def _first_line(error: Exception) -> str:
    return str(clean(str(error))).partition("\n")[0][:200]


def _sources(scope: str, vault: str) -> Iterator[tuple[str, str, Any]]:
    if scope := scope or os.environ.get(SCOPE_VARIABLE, ""):
        yield "secret scope", scope, _from_scope
    if vault := vault or os.environ.get(VAULT_VARIABLE, ""):
        yield "Key Vault", vault, _from_vault


def _from_scope(scope: str, key: str) -> str:
    """On a cluster through dbutils, elsewhere through the API, as whoever is signed in to Databricks."""
    here = dbutils()
    if here is not None:
        return str(here.secrets.get(scope=scope, key=key))
    if not installed("databricks.sdk"):
        raise _NotHereError("databricks-sdk is not installed")
    from databricks.sdk import WorkspaceClient

    # The API gives it in base64 (docs.databricks.com/api/workspace/secrets/getsecret).
    return base64.b64decode(WorkspaceClient().secrets.get_secret(scope, key).value or "").decode()


def _from_vault(vault: str, key: str) -> str:
    if not (installed("azure.keyvault.secrets") and installed("azure.identity")):
        raise _NotHereError("install dbkframework[secrets] to ask it")
    from azure.identity import DefaultAzureCredential
    from azure.keyvault.secrets import SecretClient

    address = vault if vault.startswith("https://") else f"https://{vault}.vault.azure.net"
    with DefaultAzureCredential() as credential, SecretClient(address, credential) as client:
        value = client.get_secret(key.replace("_", "-")).value
    if value is None:
        raise _NotHereError(f"{key} has no value")
    return value
