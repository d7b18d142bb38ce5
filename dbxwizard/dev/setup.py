"""`dev setup`: a developer's machine beside an environment, read, planned, then made so."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dbxwizard.dev import access_token, dotenv
from dbxwizard.dev.access_token import TokenPlan
from dbxwizard.dev.changes import FileChange, existing, exists, writable
from dbxwizard.dev.editor_files import DOCKERFILE, editor_changes, own_dockerfile
from dbxwizard.dev.ignored import ignore_change, require_ignored
from dbxwizard.dev.lock import NAME as LOCK
from dbxwizard.dev.lock import lock_of
from dbxwizard.dev.profiles import profile_change, profile_name, read_profile
from dbxwizard.dev.pythons import Python, demanded, find
from dbxwizard.dev.target import Target, find_target
from dbxwizard.dev.venv import VenvChange, plan_venv

if TYPE_CHECKING:
    from dbxwizard.core.secret import Secret
    from dbxwizard.deployed import Deployed

ENV = ".env"
_ENV_MODE = 0o600
_IGNORED = (ENV, ".venv/", ".databricks/")
_MODULES = "framework/src"  # as the accelerator's PYTHONPATH; from the project's folder: right in the container too
# Ways in which a person signs in, of databricks.sdk.credentials_provider.
_OWN_SIGN_INS = ("azure-cli", "databricks-cli", "external-browser")

Change = FileChange | VenvChange


@dataclass(frozen=True, slots=True)
class Wish:
    """`auth`: oauth or token. `config`: the file of profiles. `cluster`: its name or id, "" for the usual one."""

    root: Path
    config: Path
    environ: Mapping[str, str]
    auth: str = "oauth"
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the services say. `sign_in`: how code on this machine signs in as the person, in the SDK's words.

    `leftover`: the id of an access token that was ours and is not wanted any more. `authorities`: the certificates by
    which the sandbox is trusted, None for a real cloud.
    """

    target: Target
    workspace_number: str
    connection_string: Secret
    sign_in: str
    token: TokenPlan | None
    leftover: str = ""
    authorities: Path | None = None


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """`changes` in the order in which they are made. `notes`: what was left as it is and may matter."""

    environment: str
    runtime: str
    python: Python
    profile: str
    target: Target
    root: Path
    changes: tuple[Change, ...]
    token: TokenPlan | None = None
    leftover: str = ""
    notes: tuple[str, ...] = ()

    @property
    def touching(self) -> tuple[Change, ...]:
        """Those for which somebody has to be asked."""
        return tuple(change for change in self.changes if change.yours)


async def read_facts(wish: Wish, deployed: Deployed) -> Facts:
    """Raises the core's errors."""
    from dbxwizard.telemetry import connection_string_of

    target, connection = await find_target(deployed, wish.cluster), deployed.connection
    demanded(target.runtime)
    text = existing(wish.root / ENV).text
    profile = read_profile(wish.config, profile_name(deployed.environment.name))
    return Facts(
        target,
        await deployed.workspace_number(),
        await connection_string_of(deployed),
        _sign_in(connection.signed_in.method, profile.get("auth_type", ""), wish.environ),
        await access_token.plan_token(target.workspace, text) if wish.auth == "token" else None,
        access_token.own_token(text) if wish.auth != "token" else "",
        connection.cloud.ca_bundle if connection.cloud.is_sandbox else None,
    )


async def plan(wish: Wish, facts: Facts) -> SetupPlan:
    """Reads this machine, changes nothing. Raises the core's errors."""
    return await asyncio.to_thread(_plan, wish, facts)


async def apply(plan: SetupPlan, tell: Callable[[str], object], done: Callable[[Change], object]) -> None:
    """Makes all changes; `done` is called after each. What takes long and may fail goes first, single files follow.

    Raises OperationError at the first that fails; running it again goes on there.
    """
    for change in plan.changes:
        if isinstance(change, VenvChange):
            await change.make(tell)
        elif change.name == ENV:
            require_ignored(plan.root, ENV)
            await _write_env(plan, change)
        else:
            change.write()
        done(change)


def _plan(wish: Wish, facts: Facts) -> SetupPlan:
    environment, runtime = facts.target.environment.name, facts.target.runtime
    root, name = wish.root, profile_name(environment)
    python = find(demanded(runtime), wish.environ)
    minor = ".".join(python.version.split(".")[:2])
    lock = lock_of(root, runtime)
    own_profile = {
        "host": facts.target.workspace.url,
        "cluster_id": facts.target.cluster_id,
        "auth_type": facts.sign_in,
    }
    found: list[Change | None] = [
        ignore_change(root, _IGNORED),
        plan_venv(root, runtime, python, lock),
        lock.change(runtime),
        *editor_changes(root, minor),
        profile_change(wish.config, name, own_profile),
        _trust_change(wish, facts.authorities),
        _env_change(wish, facts),
    ]
    changes = tuple(change for change in found if change)
    for change in changes:
        if isinstance(change, FileChange):
            writable(change.document)
    notes = tuple(_notes(root, facts, lock.ours))
    return SetupPlan(
        environment, runtime, python, name, facts.target, root, changes, facts.token, facts.leftover, notes
    )


def _sign_in(method: str, had: str, environ: Mapping[str, str]) -> str:
    """As the profile has it already; else az where that is how the person is signed in, else Databricks' own ways."""
    if had in _OWN_SIGN_INS:
        return had
    if method == "azure-cli":
        return "azure-cli"
    found = shutil.which("databricks", path=environ.get("PATH", ""))
    return "databricks-cli" if found else "external-browser"


def _env_change(wish: Wish, facts: Facts) -> FileChange | None:
    document = existing(wish.root / ENV)
    kept = document.text if facts.token else access_token.without_token(document.text)
    heading = "# dbxwizard dev setup: where code on this machine runs, and where it tells of itself"
    after = dotenv.with_values(kept, _values(wish, facts, dotenv.values(kept)), heading)
    yours = after != kept
    why = f"{facts.target.environment.name}: its cluster, its Application Insights" if yours else "no access token"
    if facts.token and facts.token.make:
        own = access_token.own_token(after)
        yours, why = yours or not own, why if yours else facts.token.why
        after = access_token.planned(after, heading)
    if after == document.text:
        return None
    mode = _ENV_MODE if facts.token or not exists(document) else None
    return FileChange(document, ENV, after, exists(document) and yours, why, mode)


def _values(wish: Wish, facts: Facts, there: Mapping[str, str]) -> dict[str, str]:
    """APPI_IK and DATABRICKS_ORDGID are the accelerator's names."""
    telemetry = facts.connection_string.reveal()
    paths = [one for one in there.get("PYTHONPATH", "").split(os.pathsep) if one]
    return {
        "PYTHONPATH": os.pathsep.join(paths if _MODULES in paths else [*paths, _MODULES]),
        "APPLICATIONINSIGHTS_CONNECTION_STRING": telemetry,
        "APPI_IK": telemetry,
        "DATABRICKS_HOST": facts.target.workspace.url,
        "DATABRICKS_CLUSTER_ID": facts.target.cluster_id,
        "DATABRICKS_ORDGID": facts.workspace_number,
        # Named, or variables of other tools would stand beside it and the SDK refuse to choose.
        "DATABRICKS_AUTH_TYPE": facts.sign_in if facts.token is None else "pat",
        **(_of_sandbox(wish) if facts.authorities else {}),
    }


def _of_sandbox(wish: Wish) -> dict[str, str]:
    """What code needs to reach the sandbox: its profile, and the certificates for requests and for gRPC."""
    trusted = dict.fromkeys(("REQUESTS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"), str(_trusted(wish)))
    return {"DATABRICKS_CONFIG_FILE": str(wish.config), **trusted}


def _trusted(wish: Wish) -> Path:
    return wish.config.with_name("dbxwizard-sandbox.pem")


def _trust_change(wish: Wish, authorities: Path | None) -> FileChange | None:
    """The public authorities and the sandbox's own: code from the editor reaches package indexes too."""
    if authorities is None:
        return None
    import certifi

    document = existing(_trusted(wish))
    after = f"{Path(certifi.where()).read_text('utf-8')}\n{authorities.read_text('ascii')}"
    if document.text == after:
        return None
    return FileChange(document, str(document.path), after, yours=False, why="the sandbox is trusted by its certificate")


async def _write_env(plan: SetupPlan, change: FileChange) -> None:
    """With a new token, where one is to be made; the one before it is deleted once the new one is kept."""
    token, workspace = plan.token, plan.target.workspace
    if token and token.make:
        change = replace(change, after=await access_token.made(workspace, change.after))
    change.write()
    gone = token.old if token else plan.leftover
    if gone:
        await access_token.delete_token(workspace, gone)


def _notes(root: Path, facts: Facts, ours: bool) -> Iterator[str]:
    if facts.authorities and facts.token is None:
        yield "the sandbox's workspaces let code in with a token alone: --auth token"
    if not ours:
        yield f"{LOCK} is yours: it was taken as it is"
    if own_dockerfile(root):
        yield f"{DOCKERFILE} is yours: it was left as it is"
    if not (root / "framework" / "pyproject.toml").is_file():
        yield "there is no framework/ here: it was not installed"
