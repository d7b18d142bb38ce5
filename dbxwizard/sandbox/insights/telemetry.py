"""What an envelope of telemetry becomes: a row of one of Application Insights' tables.

Envelopes: the protocol's schema, applicationinsights/data-plane/Monitor.Exporters in Azure/azure-rest-api-specs.
Tables and columns: learn.microsoft.com/azure/azure-monitor/app/data-model-complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from dbxwizard.sandbox.fields import check
from dbxwizard.sandbox.insights.times import iso
from dbxwizard.sandbox.store import Document

_COMMON = {
    "timestamp": "datetime",
    "itemType": "string",
    "customDimensions": "dynamic",
    "customMeasurements": "dynamic",
    "operation_Name": "string",
    "operation_Id": "string",
    "operation_ParentId": "string",
    "operation_SyntheticSource": "string",
    "session_Id": "string",
    "user_Id": "string",
    "user_AuthenticatedId": "string",
    "user_AccountId": "string",
    "application_Version": "string",
    "client_Type": "string",
    "client_Model": "string",
    "client_OS": "string",
    "cloud_RoleName": "string",
    "cloud_RoleInstance": "string",
    "appId": "string",
    "appName": "string",
    "iKey": "string",
    "sdkVersion": "string",
    "itemId": "string",
    "itemCount": "int",
}
_CALL = {"id": "string", "name": "string", "success": "string", "resultCode": "string", "duration": "real"}
TABLES: Mapping[str, Mapping[str, str]] = {
    name: {**_COMMON, **own}
    for name, own in {
        "traces": {"message": "string", "severityLevel": "int"},
        "exceptions": {
            "problemId": "string",
            "type": "string",
            "method": "string",
            "outerType": "string",
            "outerMessage": "string",
            "innermostType": "string",
            "innermostMessage": "string",
            "severityLevel": "int",
            "details": "dynamic",
        },
        "requests": {**_CALL, "source": "string", "url": "string"},
        "dependencies": {**_CALL, "target": "string", "type": "string", "data": "string"},
        "customEvents": {"name": "string"},
        "customMetrics": {
            "name": "string",
            "value": "real",
            "valueCount": "int",
            "valueSum": "real",
            "valueMin": "real",
            "valueMax": "real",
            "valueStdDev": "real",
        },
    }.items()
}
_TAGS = {
    "ai.operation.name": "operation_Name",
    "ai.operation.id": "operation_Id",
    "ai.operation.parentId": "operation_ParentId",
    "ai.operation.syntheticSource": "operation_SyntheticSource",
    "ai.session.id": "session_Id",
    "ai.user.id": "user_Id",
    "ai.user.authUserId": "user_AuthenticatedId",
    "ai.user.accountId": "user_AccountId",
    "ai.application.ver": "application_Version",
    "ai.device.type": "client_Type",
    "ai.device.model": "client_Model",
    "ai.device.osVersion": "client_OS",
    "ai.cloud.role": "cloud_RoleName",
    "ai.cloud.roleInstance": "cloud_RoleInstance",
    "ai.internal.sdkVersion": "sdkVersion",
}
_LEVELS = {"Verbose": 0, "Information": 1, "Warning": 2, "Error": 3, "Critical": 4}
_SPAN = re.compile(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_OLDEST, _NEWEST = 172_800_000, 86_400_000  # milliseconds around now within which a time is believed

_ENVELOPE = {
    "ver?": int,
    "name": str,
    "time": str,
    "sampleRate?": float,
    "seq?": str,
    "iKey?": str,
    "flags?": object,
    "tags?": {"*": str},
    "data?": {"baseType": str, "baseData": dict},
}
_MORE = {"properties?": {"*": str}, "measurements?": {"*": float}}
_CALLED = {"ver": int, "id?": str, "name?": str, "duration": str, "success?": bool, **_MORE}
_STACK = {"level": int, "method": str, "assembly?": str, "fileName?": str, "line?": int}
_THROWN = {
    "id?": int,
    "outerId?": int,
    "typeName?": str,
    "message": str,
    "hasFullStack?": bool,
    "stack?": str,
    "parsedStack?": [_STACK],
}
_POINT = {
    "ns?": str,
    "name": str,
    "kind?": frozenset({"Measurement", "Aggregation"}),
    "value": float,
    "count?": int,
    "min?": float,
    "max?": float,
    "stdDev?": float,
}


class ItemError(Exception):
    """One item that is not taken: the words of the answer."""


def row(envelope: Any, now: float) -> tuple[str, Document]:
    """The table, and the item's columns that it sets itself. Raises ItemError."""
    if problem := check(envelope, _ENVELOPE):
        raise ItemError(f"100: Field '{problem.path}' on type 'Envelope' is not as it has to be: {problem.message}")
    if not envelope.get("data"):
        raise ItemError("100: Field 'data' on type 'Envelope' is required but missing or empty.")
    base_type, base = envelope["data"]["baseType"], envelope["data"]["baseData"]
    if base_type not in _KINDS:
        raise ItemError(f"101: Field 'data' on type 'Envelope' has an unknown type: {base_type}")
    table, spec, columns = _KINDS[base_type]
    if problem := check(base, spec):
        raise ItemError(f"100: Field '{problem.path}' on type '{base_type}' is not as it has to be: {problem.message}")
    known = {_TAGS[name]: value for name, value in (envelope.get("tags") or {}).items() if name in _TAGS}
    return table, {
        **known,
        "timestamp": _time(envelope["time"], now),
        "itemType": _ITEM_TYPES[table],
        "itemCount": round(100 / (envelope.get("sampleRate") or 100)),
        "customDimensions": base.get("properties") or {},
        "customMeasurements": base.get("measurements") or {},
        **columns(base),
    }


def _time(text: str, now: float) -> str:
    """Within two days before now and one after it, as the service words it."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ItemError("102: Field 'time' on type 'Envelope' is not a valid time string.") from error
    stamp = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    late = (now - stamp.timestamp()) * 1000
    if late > _OLDEST:
        raise ItemError(
            "103: Field 'time' on type 'Envelope' is older than the allowed min date. Expected: now - "
            f"{_OLDEST}ms, Actual: now - {late:.0f}ms"
        )
    if -late > _NEWEST:
        raise ItemError("104: Field 'time' on type 'Envelope' is later than the allowed max date.")
    return iso(stamp)


def _message(base: Mapping[str, Any]) -> Document:
    return {"message": base["message"], "severityLevel": _level(base)}


def _level(base: Mapping[str, Any]) -> int | None:
    """The exporters' number, or the word of the API description."""
    level = base.get("severityLevel")
    if level is None:
        return None
    found = _LEVELS.get(level.title(), -1) if isinstance(level, str) else int(level)
    if found not in _LEVELS.values():
        raise ItemError(f"107: Field 'severityLevel' is none of {', '.join(_LEVELS)}.")
    return found


def _exception(base: Mapping[str, Any]) -> Document:
    outer, inner = base["exceptions"][0], base["exceptions"][-1]
    stack = outer.get("parsedStack") or [{}]
    return {
        "type": outer.get("typeName") or "",
        "method": stack[0].get("method", ""),
        "outerType": outer.get("typeName") or "",
        "outerMessage": outer["message"],
        "innermostType": inner.get("typeName") or "",
        "innermostMessage": inner["message"],
        "problemId": base.get("problemId") or outer.get("typeName") or "",
        "severityLevel": _level(base),
        "details": base["exceptions"],
    }


def _called(base: Mapping[str, Any]) -> Document:
    span = _SPAN.fullmatch(base["duration"])
    if span is None:
        raise ItemError("105: Field 'duration' is not a time span, DD.HH:MM:SS.MMMMMM")
    days, hours, minutes, seconds = (float(part or 0) for part in span.groups())
    milliseconds = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
    return {
        "id": base.get("id") or "",
        "name": base.get("name") or "",
        "success": str(base.get("success", True)),
        "resultCode": base.get("responseCode") or base.get("resultCode") or "",
        "duration": milliseconds,
    }


def _request(base: Mapping[str, Any]) -> Document:
    return {**_called(base), "source": base.get("source") or "", "url": base.get("url") or ""}


def _dependency(base: Mapping[str, Any]) -> Document:
    return {**_called(base), **{name: base.get(name) or "" for name in ("target", "type", "data")}}


def _event(base: Mapping[str, Any]) -> Document:
    return {"name": base["name"]}


def _metric(base: Mapping[str, Any]) -> Document:
    """Exactly one point: more are not taken."""
    if len(base["metrics"]) != 1:
        raise ItemError("106: Field 'metrics' on type 'MetricData' must have exactly one element.")
    point = base["metrics"][0]
    count = point.get("count") or 1
    return {
        "name": point["name"],
        "value": point["value"],
        "valueCount": count,
        "valueSum": point["value"],
        "valueMin": point["value"] if point.get("min") is None else point["min"],
        "valueMax": point["value"] if point.get("max") is None else point["max"],
        "valueStdDev": point.get("stdDev") or 0.0,
    }


_ITEM_TYPES = {
    "traces": "trace",
    "exceptions": "exception",
    "requests": "request",
    "dependencies": "dependency",
    "customEvents": "customEvent",
    "customMetrics": "customMetric",
}
_KINDS: Mapping[str, tuple[str, Any, Callable[[Mapping[str, Any]], Document]]] = {
    "MessageData": ("traces", {"ver": int, "message": str, "severityLevel?": (str, int), **_MORE}, _message),
    "ExceptionData": (
        "exceptions",
        {"ver": int, "exceptions": [_THROWN], "severityLevel?": (str, int), "problemId?": str, **_MORE},
        _exception,
    ),
    "RequestData": (
        "requests",
        {**_CALLED, "id": str, "responseCode": str, "source?": str, "url?": str},
        _request,
    ),
    "RemoteDependencyData": (
        "dependencies",
        {**_CALLED, "name": str, "resultCode?": str, "data?": str, "type?": str, "target?": str},
        _dependency,
    ),
    "EventData": ("customEvents", {"ver": int, "name": str, **_MORE}, _event),
    "MetricData": ("customMetrics", {"ver": int, "metrics": [_POINT], "properties?": {"*": str}}, _metric),
}
