"""cidrHost, cidrSubnet, parseCidr: …/templates/template-functions-cidr."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

from dbxwizard.arm_template.evaluation import Invocation
from dbxwizard.arm_template.functions import arguments
from dbxwizard.arm_template.registry import function
from dbxwizard.arm_template.values import JsonObject, JsonValue

Network = IPv4Network | IPv6Network


def _network(call: Invocation, value: JsonValue) -> Network:
    """The range that an address in CIDR notation lies in."""
    text = arguments.text(call, value)
    wrong = call.error(f"has an invalid argument: '{text}' is not a range in CIDR notation.")
    if not re.fullmatch(r"[0-9a-fA-F.:]+/\d{1,3}", text):
        raise wrong
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise wrong from None


def _last_usable(network: Network) -> int:
    reserved = network.version == 4 and network.num_addresses > 2
    return int(network.broadcast_address) - reserved


@function("parseCidr", 1)
def parse_cidr(call: Invocation, value: JsonValue) -> JsonObject:
    network = _network(call, value)
    kind = type(network.network_address)
    first = int(network.network_address) + (network.version == 4 and network.num_addresses > 2)
    result: JsonObject = {"network": str(network.network_address), "netmask": str(network.netmask)}
    if network.version == 4:
        result["broadcast"] = str(network.broadcast_address)
    return {
        **result,
        "firstUsable": str(kind(first)),
        "lastUsable": str(kind(_last_usable(network))),
        "cidr": network.prefixlen,
    }


@function("cidrSubnet", 3)
def cidr_subnet(call: Invocation, value: JsonValue, length: JsonValue, index: JsonValue) -> str:
    network, prefix, position = _network(call, value), arguments.integer(call, length), arguments.integer(call, index)
    if not network.prefixlen <= prefix <= network.max_prefixlen:
        raise call.error(
            f"has an invalid argument: '{prefix}' is not between {network.prefixlen} and the longest prefix."
        )
    if not 0 <= position < 1 << (prefix - network.prefixlen):
        raise call.error(f"has an invalid argument: there is no subnet with the index '{position}'.")
    start = int(network.network_address) + (position << (network.max_prefixlen - prefix))
    return f"{type(network.network_address)(start)}/{prefix}"


@function("cidrHost", 2)
def cidr_host(call: Invocation, value: JsonValue, index: JsonValue) -> str:
    """Counts from 0, the address after the network's own."""
    network, position = _network(call, value), arguments.integer(call, index)
    host = int(network.network_address) + 1 + position
    if position < 0 or host > _last_usable(network):
        raise call.error(f"has an invalid argument: there is no usable address with the index '{position}'.")
    return str(type(network.network_address)(host))
