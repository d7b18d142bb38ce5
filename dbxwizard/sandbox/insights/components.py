"""The components as Resource Manager keeps them."""

from __future__ import annotations

from dbxwizard.sandbox.store import Document, Store

_TYPE = "/providers/microsoft.insights/components/"


def of_key(store: Store, instrumentation_key: str) -> Document | None:
    return _component(store, "InstrumentationKey", instrumentation_key)


def of_application(store: Store, application_id: str) -> Document | None:
    return _component(store, "AppId", application_id)


def _component(store: Store, field: str, value: str) -> Document | None:
    """GUIDs are the same whatever their case."""
    components = (body for key, body in store.find("arm.resource") if _TYPE in key)
    return next((one for one in components if str(one["properties"][field]).lower() == value.lower()), None)
