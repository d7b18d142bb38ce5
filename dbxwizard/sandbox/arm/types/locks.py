"""Microsoft.Authorization/locks: what keeps a scope from being deleted or changed."""

from __future__ import annotations

from typing import ClassVar

from dbxwizard.sandbox.arm.ids import ResourceId
from dbxwizard.sandbox.arm.stored import KIND, StoredType
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.http import ApiError
from dbxwizard.sandbox.rbac import scopes_above
from dbxwizard.sandbox.store import Store

_TAIL = "/providers/microsoft.authorization/locks/"


class LockType(StoredType):
    name = "Microsoft.Authorization/locks"
    api_versions = ("2015-01-01", "2016-09-01", "2017-04-01", "2020-05-01")
    extension = True
    body: ClassVar[Spec] = {
        "properties": {
            "level": frozenset({"CanNotDelete", "ReadOnly", "NotSpecified"}),
            "notes?": str,
            "owners?": [{"applicationId?": str}],
        }
    }
    has_state = False


def require_unlocked(store: Store, resource_id: ResourceId, operation: str) -> None:
    """Raises 409 ScopeLocked where a lock at or above the scope, or for a deletion below it, forbids `operation`."""
    if resource_id.type.lower() == LockType.name.lower():
        return
    locks = [lock for outer in scopes_above(resource_id.key) for lock in store.all(KIND, outer + _TAIL)]
    if operation == "delete":
        locks += [lock for key, lock in store.find(KIND, resource_id.key + "/") if _TAIL in key]
    for lock in locks:
        if operation == "delete" or lock["properties"]["level"] == "ReadOnly":
            raise ApiError(
                409,
                "ScopeLocked",
                f"The scope '{resource_id.text}' cannot perform {operation} operation because following scope(s) are "
                f"locked: '{lock['id'][: -len(_TAIL) - len(lock['name'])]}'. Please remove the lock and try again.",
            )
