"""Rules for single texts that a pattern can't say: they look something up, or know what the author probably meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dbxwizard.parameters import catalog
from dbxwizard.parameters.credentials import show
from dbxwizard.parameters.problems import Severity


class Issue(NamedTuple):
    severity: Severity
    code: str
    message: str
    fix: str


_RUNTIME = re.compile(
    r"(?P<version>[0-9]+(\.[0-9]+)?)\.x(-aarch64)?(-(cpu|gpu)-ml)?(-photon)?-scala(?P<scala>2\.[0-9]+)"
    r"|custom:\S+|auto:\S+"
)
_NODE_TYPE = re.compile(r"Standard_[A-Z]{1,3}[0-9]+(-[0-9]+)?[a-z]*(_[A-Za-z0-9]+)*")
_REGION = re.compile(r"[a-z]{2,40}[0-9]?")
_SIGN_IN_NAME = re.compile(r"[^\s@:]+@[^\s@]+")
_WRITTEN_BY_SETUP = "run dbxwizard setup in a terminal: it writes the object id"
_NAMED_PRINCIPALS = ("databricks-spn", "main-spn", "me")


def region(text: str, *, ci: bool) -> Iterator[Issue]:
    if text in catalog.regions():
        return
    folded = re.sub(r"[\s_-]+", "", text).casefold()
    meant = (
        f'did you mean "{folded}"?' if folded in catalog.regions() else catalog.did_you_mean(text, catalog.regions())
    )
    if not _REGION.fullmatch(text):
        yield Issue(
            "error",
            "invalid-region",
            f"{show(text)} is not written as Azure writes regions",
            meant or "write it like uksouth",
        )
    else:
        message = f"our list of regions with Azure Databricks does not have {show(text)}"
        yield Issue("warning", "unknown-region", message, meant or "check it: az account list-locations")


def node_type(text: str, *, ci: bool) -> Iterator[Issue]:
    if text in catalog.node_types():
        return
    whole = f"Standard_{text}"
    meant = f'did you mean "{whole}"?' if whole in catalog.node_types() else ""
    meant = meant or catalog.did_you_mean(text, catalog.node_types())
    if not _NODE_TYPE.fullmatch(text):
        fix = meant or "write it like Standard_D4ds_v5"
        yield Issue("error", "invalid-node-type", f"{show(text)} is not written as Azure writes VM sizes", fix)
    else:
        message = f"our list of node types does not have {show(text)}"
        yield Issue("warning", "unknown-node-type", message, meant or "check it in the workspace")


def runtime(text: str, *, ci: bool) -> Iterator[Issue]:
    found = _RUNTIME.fullmatch(text)
    if not found:
        near = catalog.did_you_mean(text, _runtime_names())
        fix = near or f"write it like {catalog.recommended_runtime()}"
        yield Issue("error", "invalid-runtime", f"{show(text)} is not written as Databricks writes runtimes", fix)
    elif found["version"]:
        yield from _known_runtime(text, found["version"], found["scala"])


def _known_runtime(text: str, version: str, scala: str) -> Iterator[Issue]:
    known = catalog.runtimes().get(version)
    recommended = f"use {catalog.recommended_runtime()}"
    if not known:
        near = catalog.did_you_mean(text, _runtime_names())
        yield Issue("warning", "unknown-runtime", f"our list of runtimes does not have {version}", near or recommended)
    elif scala not in known["scala"]:
        right = f"{text.removesuffix(scala)}{known['scala'][-1]}"
        yield Issue("warning", "unknown-runtime", f"runtime {version} has no Scala {scala}", f'did you mean "{right}"?')
    elif catalog.support_ended(version):
        message = f"runtime {version} has had no support since {known['end_of_support']}"
        yield Issue("warning", "end-of-support", message, recommended)


def _runtime_names() -> list[str]:
    return [f"{version}.x-scala{scala}" for version, known in catalog.runtimes().items() for scala in known["scala"]]


def principal(text: str, *, ci: bool) -> Iterator[Issue]:
    if ci and (text == "me" or text.startswith("user:")):
        message = f"{show(text)} means nothing to a pipeline"
        yield Issue("error", "identity-me-in-ci", message, _WRITTEN_BY_SETUP)
    elif ci and text.startswith("group:"):
        message = f"a pipeline can't look {show(text)} up in the directory"
        yield Issue("error", "identity-group-in-ci", message, _WRITTEN_BY_SETUP)


def principal_meant(text: str) -> str:
    """What the author of an invalid principal probably meant."""
    if _SIGN_IN_NAME.fullmatch(text):
        return f"did you mean {show('user:' + text)}?"
    return catalog.did_you_mean(text, _NAMED_PRINCIPALS)


def guid(text: str, *, ci: bool) -> Iterator[Issue]:
    if not text.strip("0-"):
        yield Issue(
            "error", "placeholder", "a GUID of zeros stands for nothing", "write the real one, or run dbxwizard setup"
        )


def relative_path(text: str, *, ci: bool) -> Iterator[Issue]:
    if "\\" in text:
        yield Issue("error", "invalid-path", "a backslash in a path", "write / between folders")
    elif not text.strip() or text.startswith(("/", "~")) or text[1:2] == ":" or ".." in text.split("/"):
        fix = "write it relative to the folder that holds environments/"
        yield Issue("error", "invalid-path", f"{show(text)} does not stay in the project", fix)


def scope(text: str, *, ci: bool) -> Iterator[Issue]:
    if "//" in text:
        yield Issue("error", "invalid-value", "an empty part in a scope", "write a single / between the parts")


def ip_range(text: str, *, ci: bool) -> Iterator[Issue]:
    import ipaddress  # 4 ms, and seldom needed

    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        yield Issue("error", "invalid-ip-range", str(error), "write it like 203.0.113.0/24")
        return
    # learn.microsoft.com/azure/storage/common/storage-network-security-limitations: no private ranges, no /31 or /32
    if network.is_private:
        yield Issue("error", "invalid-ip-range", f"{show(text)} is a private range", "only public addresses count here")
    elif "/" in text and network.prefixlen > 30:
        yield Issue("error", "invalid-ip-range", "Azure takes no /31 or /32 here", "write the addresses without a mask")


CHECKS: dict[str, Callable[..., Iterator[Issue]]] = {
    "region": region,
    "node-type": node_type,
    "runtime": runtime,
    "principal": principal,
    "guid": guid,
    "relative-path": relative_path,
    "scope": scope,
    "ip-range": ip_range,
}
