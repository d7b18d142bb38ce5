"""On the sandbox its own jobs get dbxwizard from it, in the version that runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dbxwizard.backend.workflows.files import REQUIREMENTS, rendered
from dbxwizard.backend.workflows.install_from import FROM_SANDBOX, UNPUBLISHED, Source, of_sandbox
from dbxwizard.backend.workflows.update import Base, read_base, updates, write, write_base
from dbxwizard.clients.cloud import Cloud


def sandbox_source(cloud: Cloud) -> Source:
    """The wheel that the sandbox serves, by its hash. Raises Transient, ServiceError."""
    return of_sandbox(cloud.package_index, cloud.ca_bundle)


def is_open(base: Base | None) -> bool:
    """Whether nobody has said where dbxwizard comes from, or a sandbox was said."""
    return base is None or bool({UNPUBLISHED, FROM_SANDBOX} & set(base.install))


def take_from_sandbox(root: Path, cloud: Cloud) -> list[str]:
    """Names the sandbox's wheel in the requirements of `root`, where nothing else was said; what was written.

    Nothing is done on a real cloud and where init has not written. Raises Transient, ServiceError, OSError, UsageError.
    """
    base = read_base(root)
    if not cloud.package_index or base is None or not is_open(base):
        return []
    install = sandbox_source(cloud).lines
    if install == base.install:
        return []
    [found] = [one for one in updates(root, base, base.choices, install) if one.path == REQUIREMENTS]
    write(root, found)
    shipped = rendered(base.choices, install)[REQUIREMENTS]
    write_base(root, replace(base, install=install, files={**base.files, REQUIREMENTS: shipped}))
    return [REQUIREMENTS]
