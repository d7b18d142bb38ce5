"""Who may do what in the directory.

A person's token acts within the permissions that its client was given, and within the person's own rights: an ordinary
member registers applications unless the tenant forbids it, and changes those that it owns. An application's own token
needs application permissions, and the sandbox gives none.
Sources: learn.microsoft.com/entra/fundamentals/users-default-permissions, /graph/permissions-reference.
"""

from __future__ import annotations

from dbxwizard.sandbox.http import ApiError, Call
from dbxwizard.sandbox.store import Document
from dbxwizard.sandbox.tokens import Identity

# Directory roles that manage every application.
_MANAGERS = frozenset({"Global Administrator", "Application Administrator", "Cloud Application Administrator"})
# Acting as the person who is signed in includes what this person may do.
_ACTS_AS_USER = "Directory.AccessAsUser.All"


def denied() -> ApiError:
    return ApiError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def check_permission(identity: Identity, permission: str) -> None:
    """Raises ApiError unless the token carries the permission, or one that includes it."""
    wider = permission.replace(".Read.", ".ReadWrite.")
    if not identity.scopes & {permission, wider, _ACTS_AS_USER, "Directory.ReadWrite.All"}:
        raise denied()


def check_may_register(call: Call) -> None:
    """The tenant's setting "users can register applications" (setting `entra`, `members_may_register`)."""
    allowed = (call.store.get("_setting", "entra") or {}).get("members_may_register", True)
    if not allowed and not manages_applications(call):
        raise denied()


def check_may_change(call: Call, body: Document) -> None:
    """`body`: the application or service principal that is to be changed."""
    if call.principal.object_id not in body["owners"] and not manages_applications(call):
        raise denied()


def manages_applications(call: Call) -> bool:
    user = call.store.get("directory.user", call.principal.object_id)
    return user is not None and bool(_MANAGERS & set(user.get("roles", ())))
