"""How often the services may be asked in the background: a share of what they allow, so that people and deployments
keep the rest. The limits, with their sources, are in data/request_limits.json; those of Databricks count for each
workspace alone, so they never bind."""

from __future__ import annotations

from dbxwizard.backend.tables import table


def interval(look: str, environments: int) -> float:
    """Seconds from one look at all environments to the next; `look`: state, drift or credentials."""
    return max(float(table("request_limits")["looks"][look]["at_least"]), shortest(look, environments))


def shortest(look: str, environments: int) -> float:
    """Seconds that one look at all environments takes where its requests stay within the share of every limit."""
    known = table("request_limits")
    needs, limits = known["looks"][look], known["limits"]
    taken = [needs[service] / (limit["per_second"] * known["share"]) for service, limit in limits.items()]
    return float(max(taken)) * environments
