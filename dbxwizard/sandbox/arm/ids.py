"""Resource ids: what their parts mean, whatever case they are written in."""

from __future__ import annotations

from dataclasses import dataclass

SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
GROUPS = "Microsoft.Resources/resourceGroups"
TENANT = "Microsoft.Resources/tenants"


@dataclass(frozen=True, slots=True)
class ResourceId:
    """One id. `scope` is the id of what it lies in or extends ("" is the tenant), without the providers segment."""

    text: str
    scope: str
    type: str
    names: tuple[str, ...]

    @property
    def key(self) -> str:
        """The key of its document: ids are the same whatever their case."""
        return self.text.lower()

    @property
    def name(self) -> str:
        return self.names[-1] if self.names else ""

    @property
    def namespace(self) -> str:
        return self.type.split("/", 1)[0]

    @property
    def subscription(self) -> str:
        """The subscription's GUID in lower case; "" above subscriptions."""
        parts = self.text.split("/")
        return parts[2].lower() if len(parts) > 2 and parts[1].lower() == "subscriptions" else ""

    @property
    def group(self) -> str:
        """The resource group's name as written; "" outside of one."""
        parts = self.text.split("/")
        return parts[4] if len(parts) > 4 and parts[3].lower() == "resourcegroups" and self.subscription else ""

    @property
    def group_id(self) -> str:
        return "/".join(self.text.split("/")[:5]) if self.group else ""

    @property
    def parent(self) -> ResourceId | None:
        """The resource that a child type lies in: the account of a container. None for the others."""
        if len(self.names) < 2:
            return None
        return ResourceId(self.text.rsplit("/", 2)[0], self.scope, self.type.rsplit("/", 1)[0], self.names[:-1])

    @property
    def extends(self) -> ResourceId:
        """The scope, parsed: what an extension resource is attached to."""
        return parse(self.scope)

    def child(self, kind: str, name: str) -> ResourceId:
        """The id of a resource below this one: `child("blobServices", "default")`."""
        return ResourceId(f"{self.text}/{kind}/{name}", self.scope, f"{self.type}/{kind}", (*self.names, name))


def parse(text: str) -> ResourceId:
    """The parts of `text`; ValueError when it is no id."""
    parts = text.strip("/").split("/") if text.strip("/") else []
    if "" in parts:
        raise ValueError(f"'{text}' is not a resource id")
    clean = "/" + "/".join(parts) if parts else ""
    split = _last_providers(parts)
    if split is not None:
        return _in_provider(clean, parts, split)
    if not parts:
        return ResourceId("", "", TENANT, ())
    if len(parts) in (2, 4) and parts[0].lower() == "subscriptions":
        if len(parts) == 2:
            return ResourceId(clean, "", SUBSCRIPTIONS, (parts[1],))
        if parts[2].lower() == "resourcegroups":
            return ResourceId(clean, f"/subscriptions/{parts[1]}", GROUPS, (parts[3],))
    raise ValueError(f"'{text}' is not a resource id")


def scope_of(path: str) -> ResourceId:
    """The innermost resource, group, subscription or tenant that a path names, whatever operation follows."""
    parts = [part for part in path.split("/") if part]
    for length in range(len(parts), 0, -1):
        try:
            return parse("/" + "/".join(parts[:length]))
        except ValueError:
            continue
    return parse("")


def _last_providers(parts: list[str]) -> int | None:
    found = [index for index, part in enumerate(parts) if part.lower() == "providers"]
    return found[-1] if found else None


def _in_provider(text: str, parts: list[str], split: int) -> ResourceId:
    rest = parts[split + 1 :]
    if len(rest) < 3 or len(rest) % 2 == 0:
        raise ValueError(f"'{text}' is not a resource id")
    scope = "/" + "/".join(parts[:split]) if split else ""
    return ResourceId(text, scope, "/".join((rest[0], *rest[1::2])), tuple(rest[2::2]))


def within(scope: str, outer: str) -> bool:
    """Whether `scope` is `outer` or lies below it; both in lower case, "" or "/" being the tenant."""
    outer = outer.rstrip("/")
    return scope == outer or scope.startswith(outer + "/") or not outer
