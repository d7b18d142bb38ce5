"""What a backend is started with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dbxwizard.core.secret import Secret

if TYPE_CHECKING:
    from dbxwizard.clients.cloud import Cloud


@dataclass(frozen=True, slots=True)
class Launch:
    """`open_cloud` may take a while and may raise OperationError; `variables`: the environment variables that may be
    used for signing in to that cloud; `find_github_token` looks where a token may lie, and gives None where there is
    none.
    """

    root: Path
    state_folder: Path
    environ: Mapping[str, str]
    open_cloud: Callable[[], AbstractContextManager[Cloud]]
    variables: Callable[[Cloud], Mapping[str, str]]
    find_github_token: Callable[[Cloud], Awaitable[Secret | None]]
    tenant: Callable[[Cloud], str] = lambda _: ""
    sign_in: str = "auto"
    ref: str = ""
    ci: bool = False
    sandbox: bool = False
    read_only: bool = False
