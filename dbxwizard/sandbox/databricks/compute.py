"""What a cluster may be made of: node types, runtimes, and the checks of a cluster's settings.

Which node types and runtimes there are is in compute.json, read off Microsoft's pages. Accounts made since the end of
2025 allow no runtime below 13.3 and no cluster without isolation (setting disablelegacyfeatures).
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from dbxwizard.sandbox.databricks import errors
from dbxwizard.sandbox.databricks.state import WorkspaceState
from dbxwizard.sandbox.fields import Spec
from dbxwizard.sandbox.store import Document

_ANY = {"*": object}
_TEXTS = {"*": str}
CLUSTER: dict[str, Spec] = {
    "cluster_name?": str,
    "spark_version": str,
    "num_workers?": int,
    "autoscale?": {"min_workers?": int, "max_workers?": int},
    "node_type_id?": str,
    "driver_node_type_id?": str,
    "instance_pool_id?": str,
    "driver_instance_pool_id?": str,
    "autotermination_minutes?": int,
    "data_security_mode?": str,
    "single_user_name?": str,
    "spark_conf?": _TEXTS,
    "spark_env_vars?": _TEXTS,
    "custom_tags?": _TEXTS,
    "runtime_engine?": str,
    "azure_attributes?": _ANY,
    "cluster_log_conf?": _ANY,
    "init_scripts?": [_ANY],
    "docker_image?": _ANY,
    "workload_type?": _ANY,
    "ssh_public_keys?": [str],
    "enable_elastic_disk?": bool,
    "enable_local_disk_encryption?": bool,
    "policy_id?": str,
    "apply_policy_default_values?": bool,
    "is_single_node?": bool,
    "use_ml_runtime?": bool,
    "kind?": str,
    "clone_from?": _ANY,
    "remote_disk_throughput?": int,
    "total_initial_remote_disk_size?": int,
}
_GB_PER_CORE = {"D": 4, "E": 8, "F": 2, "H": 7, "L": 8, "N": 7}
# The v2 sizes number their steps, not their cores: cores and GB of memory.
_V2 = {3: (4, 14), 4: (8, 28), 5: (16, 56), 11: (2, 14), 12: (4, 28), 13: (8, 56), 14: (16, 112), 15: (20, 140)}
_ISOLATED = frozenset(
    {
        "SINGLE_USER",
        "USER_ISOLATION",
        "LEGACY_SINGLE_USER",
        "LEGACY_SINGLE_USER_STANDARD",
        "LEGACY_TABLE_ACL",
        "LEGACY_PASSTHROUGH",
        "DATA_SECURITY_MODE_AUTO",
        "DATA_SECURITY_MODE_STANDARD",
        "DATA_SECURITY_MODE_DEDICATED",
    }
)
_DEDICATED = frozenset({"SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED", "LEGACY_SINGLE_USER"})


def _data() -> Any:
    return json.loads(files("dbxwizard.sandbox.databricks").joinpath("compute.json").read_text("utf-8"))


@cache
def node_types() -> tuple[Document, ...]:
    series = _data()["node_types"]
    sizes = {pattern.format(size): _size(pattern, size) for pattern, every in series.items() for size in every}
    return tuple(_node_type(name, *size) for name, size in sorted(sizes.items()))


def _size(pattern: str, size: int) -> tuple[int, int]:
    """Cores and GB of memory of a size of a series."""
    if re.fullmatch(r"Standard_DS?\{\}_v2", pattern):
        return _V2[size]
    return size, size * _GB_PER_CORE[pattern.removeprefix("Standard_")[0]]


def _node_type(name: str, cores: int, memory: int) -> Document:
    gpu = name.startswith("Standard_N")
    return {
        "node_type_id": name,
        "memory_mb": memory * 1024,
        "num_cores": float(cores),
        "description": name,
        "instance_type_id": name,
        "category": "GPU Accelerated" if gpu else "General Purpose",
        "is_deprecated": False,
        "num_gpus": int(gpu),
    }


@cache
def spark_versions() -> tuple[Document, ...]:
    return tuple(
        {"key": f"{version}.x-{flavour}scala{scala}", "name": f"{version} {label}(Scala {scala})"}
        for version, scalas in _data()["runtimes"].items()
        for scala in scalas
        for flavour, label in (("", ""), ("cpu-ml-", "ML "), ("gpu-ml-", "ML GPU "))
    )


def check_cluster(state: WorkspaceState, given: dict[str, Any]) -> None:
    """Raises ApiError for settings that the service would refuse."""
    if given["spark_version"] not in {version["key"] for version in spark_versions()}:
        raise errors.invalid(f"Invalid spark version {given['spark_version']}.")
    if len(given.get("cluster_name", "")) > 100:
        raise errors.invalid("Cluster name is too long: at most 100 characters.")
    _check_size(given)
    _check_nodes(given)
    _check_security(state, given)
    _check_elsewhere(given)
    minutes = given.get("autotermination_minutes", 0)
    if minutes and not 10 <= minutes <= 10000:
        raise errors.invalid("The cluster autotermination_minutes must be between 10 and 10000, or 0.")


def _check_elsewhere(given: dict[str, Any]) -> None:
    """Cluster policies and instance pools are not part of the sandbox: no id is one."""
    for field in ("policy_id", "instance_pool_id", "driver_instance_pool_id"):
        if given.get(field):
            raise errors.invalid(f"{field}: {given[field]} does not exist in this workspace.")
    if given.get("runtime_engine", "STANDARD") not in ("NULL", "STANDARD", "PHOTON"):
        raise errors.invalid(f"runtime_engine {given['runtime_engine']} is not one of NULL, STANDARD, PHOTON.")


def _check_size(given: dict[str, Any]) -> None:
    scale = given.get("autoscale")
    if scale is None and "num_workers" not in given and not given.get("is_single_node"):
        raise errors.invalid("Missing required field: size")
    if scale is not None:
        least, most = scale.get("min_workers", 0), scale.get("max_workers", 0)
        if least < 1 or most < least:
            raise errors.invalid(f"Cannot autoscale between {least} and {most} workers.")
    if given.get("num_workers", 0) < 0:
        raise errors.invalid("num_workers must not be negative.")


def _check_nodes(given: dict[str, Any]) -> None:
    if "node_type_id" not in given and "instance_pool_id" not in given:
        raise errors.invalid("Missing required field: node_type_id")
    supported = [node["node_type_id"] for node in node_types()]
    for field in ("node_type_id", "driver_node_type_id"):
        name = given.get(field)
        if name and name not in supported:
            raise errors.invalid(f"Node type {name} is not supported. Supported node types: {', '.join(supported)}")


def _check_security(state: WorkspaceState, given: dict[str, Any]) -> None:
    mode, name = given.get("data_security_mode", "NONE"), given.get("single_user_name", "")
    if mode not in _ISOLATED:
        raise errors.invalid(
            f"data_security_mode {mode} is not allowed: clusters without isolation are disabled in this workspace."
        )
    if mode in _DEDICATED and not name:
        raise errors.invalid(f"single_user_name is required for data_security_mode {mode}.")
    if name and not state.knows(name):
        raise errors.invalid(f"single_user_name {name} does not exist in this workspace.")
