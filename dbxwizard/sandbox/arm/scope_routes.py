"""Tenants, subscriptions, regions and resource providers, as clients read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbxwizard.sandbox import rbac
from dbxwizard.sandbox.arm import access, errors, providers, subscriptions
from dbxwizard.sandbox.arm.locations import REGIONS
from dbxwizard.sandbox.arm.queries import filters, page
from dbxwizard.sandbox.entra.directory import TENANT_DISPLAY_NAME, TENANT_NAME
from dbxwizard.sandbox.http import Call, Response
from dbxwizard.sandbox.rbac import Decision
from dbxwizard.sandbox.store import Document, Store
from dbxwizard.sandbox.tokens import TENANT_ID

if TYPE_CHECKING:
    from dbxwizard.sandbox.arm.service import ArmService

# Of Microsoft.Resources' subscriptions; the SDKs send 2022-12-01, the Azure CLI 2022-12-01 and 2016-06-01.
VERSIONS = (
    "2016-06-01",
    "2018-06-01",
    "2019-03-01",
    "2019-06-01",
    "2019-11-01",
    "2020-01-01",
    "2021-01-01",
    "2021-04-01",
    "2022-09-01",
    "2022-12-01",
)
PROVIDER_VERSIONS = (
    "2016-02-01",
    "2018-05-01",
    "2019-10-01",
    "2020-06-01",
    "2020-10-01",
    "2021-04-01",
    "2022-09-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-03-01",
    "2025-04-01",
)
_SUBSCRIPTION = "/subscriptions/{subscription}"
_READ = "Microsoft.Resources/subscriptions/read"


def register(service: ArmService) -> None:
    route = service.route
    route("GET", "/tenants", api_versions=VERSIONS)(_tenants)
    route("GET", "/subscriptions", api_versions=VERSIONS)(_subscriptions)
    one = route("GET", _SUBSCRIPTION, api_versions=VERSIONS, action=_READ)
    one(_subscription)
    service.own_authorization.add(f"GET {_SUBSCRIPTION}")
    locations = "Microsoft.Resources/subscriptions/locations/read"
    route("GET", f"{_SUBSCRIPTION}/locations", api_versions=VERSIONS, action=locations)(_locations)
    base = f"{_SUBSCRIPTION}/providers"
    read = "Microsoft.Resources/subscriptions/providers/read"
    route("GET", base, api_versions=PROVIDER_VERSIONS, action=read)(_providers)
    route("GET", f"{base}/{{namespace}}", api_versions=PROVIDER_VERSIONS, action=read)(_provider)
    for name in ("register", "unregister"):
        path = f"{base}/{{namespace}}/{name}"
        handler = _register if name == "register" else _unregister
        # The right is the provider's own: Microsoft.KeyVault/register/action.
        route("POST", path, api_versions=PROVIDER_VERSIONS, action=f"{{namespace}}/{name}/action")(handler)
        service.own_authorization.add(f"POST {path}")


def _tenants(call: Call) -> Response:
    entry = {
        "id": f"/tenants/{TENANT_ID}",
        "tenantId": TENANT_ID,
        "countryCode": "GB",
        "displayName": TENANT_DISPLAY_NAME,
        "domains": [TENANT_NAME],
        "tenantCategory": "Home",
        "defaultDomain": TENANT_NAME,
        "tenantType": "AAD",
    }
    return Response(200, {"value": [entry]})


def _subscriptions(call: Call) -> Response:
    """Those in which the caller holds any role, at any scope."""
    found = call.store.all("arm.subscription")
    seen = [_rendered(body) for body in found if _has_a_role(call, f"/subscriptions/{body['id']}")]
    return Response(200, page(call, seen) | {"count": {"type": "Total", "value": len(seen)}})


def _subscription(call: Call) -> Response:
    scope = f"/subscriptions/{call.params['subscription']}"
    if not _has_a_role(call, scope):
        access.require(call, access.caller_of(call.store, call.principal), _READ, scope)
    body = subscriptions.find(call.store, call.params["subscription"])
    if body is None:
        raise errors.subscription_not_found(call.params["subscription"])
    return Response(200, _rendered(body))


def _has_a_role(call: Call, scope: str) -> bool:
    principal = call.principal.object_id
    if rbac.decide(call.store, principal, _READ, scope, call.now) is Decision.ALLOWED:
        return True
    principals = rbac.identities(call.store, principal)
    below = call.store.all("arm.roleAssignment", scope.lower() + "/")
    return any(body["principalId"] in principals and body["effectiveAt"] <= call.now for body in below)


def _rendered(body: Document) -> Document:
    return {
        "id": f"/subscriptions/{body['id']}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "tags": body.get("tags", {}),
        "subscriptionId": body["id"],
        "tenantId": TENANT_ID,
        "displayName": body["displayName"],
        "state": body.get("state", "Enabled"),
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def _locations(call: Call) -> Response:
    subscription = call.params["subscription"]
    entries = [
        {
            "id": f"/subscriptions/{subscription}/locations/{name}",
            "name": name,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": display,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        }
        for name, display in REGIONS.items()
    ]
    return Response(200, {"value": entries})


def _providers(call: Call) -> Response:
    filters(call, ("registrationState",))
    wanted = filters(call, ("registrationState",)).get("registrationState", "").lower()
    entries = [_document(call.store, call, name) for name in providers.NAMESPACES]
    chosen = [entry for entry in entries if not wanted or entry["registrationState"].lower() == wanted]
    return Response(200, page(call, chosen))


def _provider(call: Call) -> Response:
    return Response(200, _document(call.store, call, call.params["namespace"]))


def _document(store: Store, call: Call, namespace: str) -> Document:
    return providers.document(store, call.params["subscription"], namespace)


def _register(call: Call) -> Response:
    return _move(call, "register")


def _unregister(call: Call) -> Response:
    return _move(call, "unregister")


def _move(call: Call, name: str) -> Response:
    subscription, namespace = call.params["subscription"], providers.canonical(call.params["namespace"])
    caller = access.caller_of(call.store, call.principal)
    access.require(call, caller, f"{namespace}/{name}/action", f"/subscriptions/{subscription}")
    move = providers.register if name == "register" else providers.unregister
    move(call, subscription, namespace)
    return Response(200, _document(call.store, call, namespace))
