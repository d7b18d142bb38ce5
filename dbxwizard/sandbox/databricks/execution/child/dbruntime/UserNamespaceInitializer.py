# ruff: noqa: N999 - the runtime's own name
"""Where databricks.sdk.runtime takes a cluster's dbutils from."""

from __future__ import annotations

from typing import Any

from . import DBUTILS


class UserNamespaceInitializer:
    @staticmethod
    def getOrCreate() -> UserNamespaceInitializer:  # noqa: N802 - the runtime's own name
        return UserNamespaceInitializer()

    def get_namespace_globals(self) -> dict[str, Any]:
        return {"dbutils": DBUTILS}


# databricks.sdk.runtime takes the class and this module for the same.
getOrCreate = UserNamespaceInitializer.getOrCreate  # noqa: N816 - the runtime's own name
