"""Whether a caller may do something, and the refusal when not."""

from __future__ import annotations

from dbxwizard.sandbox import rbac
from dbxwizard.sandbox.arm import errors
from dbxwizard.sandbox.arm.conditions import Attributes
from dbxwizard.sandbox.arm.ids import scope_of
from dbxwizard.sandbox.arm.model import Caller
from dbxwizard.sandbox.http import ApiError, Context
from dbxwizard.sandbox.rbac import Decision
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.tokens import Identity


def caller_of(store: Store, identity: Identity) -> Caller:
    """The caller behind a token."""
    if not identity.user:
        return Caller(identity.object_id, identity.app_id)
    person = store.get("directory.user", identity.object_id) or {}
    return Caller(identity.object_id, str(person.get("userPrincipalName", identity.object_id)), user=True)


def require(context: Context, caller: Caller, action: str, scope: str, attributes: Attributes | None = None) -> None:
    """Raises 403, AuthorizationFailed or DenyAssignmentAuthorizationFailed, unless `caller` may do `action`."""
    refusal = refusal_of(context, caller, action, scope, attributes)
    if refusal is not None:
        raise refusal


def refusal_of(
    context: Context, caller: Caller, action: str, scope: str, attributes: Attributes | None = None
) -> ApiError | None:
    """The answer to a caller who may not; None for one who may."""
    decision = rbac.decide(context.store, caller.object_id, action, scope, context.now, attributes=attributes)
    if decision is not Decision.ALLOWED:
        return errors.not_authorized(caller, action, scope, condition=decision is Decision.CONDITION)
    for deny in _denials(context.store, scope):
        if caller.object_id not in deny["excluded"] and rbac.covers(deny["permissions"], action):
            return errors.denied(caller, action, scope, deny["name"], deny["id"], deny["scope"])
    return None


def require_linked(context: Context, caller: Caller, write: tuple[str, str], linked: tuple[str, str]) -> None:
    """Raises 403 LinkedAuthorizationFailed unless `caller` may do `linked` (action, scope), which `write` needs too."""
    if rbac.decide(context.store, caller.object_id, *linked, context.now) is not Decision.ALLOWED:
        raise errors.linked_not_authorized(caller, *write, *linked)


def _denials(store: Store, scope: str) -> list[Document]:
    """Deny assignments lie on resource groups: those that Databricks manages."""
    group = scope_of(scope.lower()).group_id
    found = store.get("arm.denyAssignment", group) if group else None
    return [] if found is None else [found]
