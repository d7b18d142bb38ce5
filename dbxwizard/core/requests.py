"""The writes that a step foretells, so that a person sees them before they are sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Host(StrEnum):
    """Which service a request goes to; one of several workspaces or vaults is told by the step's environment."""

    ARM = "arm"
    GRAPH = "graph"
    GITHUB = "github"
    WORKSPACE = "workspace"
    VAULT = "vault"

    @property
    def display_name(self) -> str:
        return _TITLES[self]


_TITLES = {
    Host.ARM: "Azure Resource Manager",
    Host.GRAPH: "Microsoft Graph",
    Host.GITHUB: "GitHub",
    Host.WORKSPACE: "Databricks",
    Host.VAULT: "Key Vault",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One write of a step.

    `path` as the service has it, without its query. What is known only after apply stands in braces: `{name}` is one
    part of the path, `{+name}` may hold slashes (as in RFC 6570). `purpose` says in plain words what it does: "makes
    the role". `optional`: sent only where it turns out to be needed, which is known once it is the step's turn.
    """

    method: str
    host: Host
    path: str
    purpose: str
    optional: bool = False

    def __str__(self) -> str:
        needed = " where needed" if self.optional else ""
        return f"{self.method} {self.host.display_name} {self.path}: {self.purpose}{needed}"

    def to_json(self) -> dict[str, object]:
        return {**asdict(self), "host": self.host.value}
