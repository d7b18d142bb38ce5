"""Asynchronous operations that clients ask after: their state follows from the time."""

from __future__ import annotations

import math
from typing import Any

from dbxwizard.sandbox.arm.model import Operation
from dbxwizard.sandbox.arm.timestamps import iso
from dbxwizard.sandbox.http import ApiError, Call, Response

KIND = "_operation"


def begin(call: Call, operation: Operation, path: str) -> dict[str, str]:
    """Remembers the operation; the headers that tell where to ask, below `path`, and when."""
    token = call.new_id("operation", operation.resource_id.lower())
    call.store.put(KIND, token, {"startedAt": call.now, "endsAt": operation.ready_at, "id": operation.resource_id})
    return {
        "address": f"{call.url('arm')}{path}/{token}?api-version={call.query['api-version']}",
        **pace(call, operation),
    }


def pace(call: Call, operation: Operation) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(operation.ready_at - call.now)))}


def status(call: Call) -> Response:
    """The answer of an Azure-AsyncOperation address."""
    stored = _find(call)
    done = stored["endsAt"] <= call.now
    body = {
        "id": call.request.path,
        "name": call.params["operation"],
        "status": "Succeeded" if done else "InProgress",
        "startTime": iso(stored["startedAt"]),
    }
    return Response(200, body | ({"endTime": iso(stored["endsAt"])} if done else {}))


def result(call: Call) -> Response:
    """The answer of a Location address: 202 until it is done."""
    stored = _find(call)
    if stored["endsAt"] <= call.now:
        return Response(200)
    query = f"api-version={call.query['api-version']}"
    again = Operation(stored["id"], created=False, ready_at=stored["endsAt"])
    return Response(202, None, {"Location": f"{call.url('arm')}{call.request.path}?{query}", **pace(call, again)})


def _find(call: Call) -> dict[str, Any]:
    stored = call.store.get(KIND, call.params["operation"].lower())
    if stored is None:
        raise ApiError(404, "NotFound", f"The operation '{call.params['operation']}' was not found.")
    return stored
