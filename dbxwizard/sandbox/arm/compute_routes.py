"""How many cores a subscription may use in a region.

Source: learn.microsoft.com/rest/api/compute/usage/list. The sandbox has the 350 cores a region of an
enterprise agreement; the setting `quota` (region → limit) lowers them. Nothing runs here, so nothing is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbxwizard.sandbox.arm import providers
from dbxwizard.sandbox.arm.ids import ResourceId
from dbxwizard.sandbox.arm.locations import REGIONS, normal
from dbxwizard.sandbox.http import ApiError, Call, Response

if TYPE_CHECKING:
    from dbxwizard.sandbox.arm.service import ArmService

VERSIONS = (
    "2022-08-01",
    "2023-03-01",
    "2023-07-01",
    "2023-09-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-04-01",
)
_PATH = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/usages"
_LIMIT = 350


def register(service: ArmService) -> None:
    service.route("GET", _PATH, api_versions=VERSIONS, action="Microsoft.Compute/locations/usages/read")(_usages)


def _usages(call: Call) -> Response:
    subscription, location = call.params["subscription"].lower(), normal(call.params["location"])
    if location not in REGIONS:
        message = f"The provided location '{call.params['location']}' is not available."
        raise ApiError(400, "NoRegisteredProviderFound", message)
    scope = f"/subscriptions/{subscription}"
    providers.require(call.store, ResourceId(scope, scope, "Microsoft.Compute/locations/usages", (location,)))
    limit = int((call.store.get("_setting", "quota") or {}).get(location, _LIMIT))
    cores = {"value": "cores", "localizedValue": "Total Regional vCPUs"}
    return Response(200, {"value": [{"unit": "Count", "currentValue": 0, "limit": limit, "name": cores}]})
