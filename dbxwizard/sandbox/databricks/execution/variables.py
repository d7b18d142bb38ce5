"""The environment of a cluster's driver."""

from __future__ import annotations

import base64
from pathlib import Path

from dbxwizard.sandbox import tls
from dbxwizard.sandbox.databricks.state import WorkspaceState
from dbxwizard.sandbox.store import Document

_SECRET = "{{secrets/"  # noqa: S105 - how a cluster's variables name a secret


def driver_variables(state: WorkspaceState, spec: Document, folder: Path) -> dict[str, str]:
    """Of a cluster with the settings `spec`, with a home in `folder`, and its wheels in `site` and `more` there.

    Nothing of the process that serves the sandbox.
    """
    own = {name: _secret(state, value) for name, value in spec.get("spark_env_vars", {}).items()}
    bundle = str(tls.bundle(state.store.path.parent))
    home = folder / "home"
    home.mkdir()
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "DATABRICKS_RUNTIME_VERSION": str(spec.get("spark_version", "")).partition(".x")[0],
        "PYTHONPATH": f"{folder / 'site'}:{folder / 'more'}",
        # The sandbox's authority, which a driver would not need, and telemetry that stays on this machine.
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
        "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
        **own,
    }


def _secret(state: WorkspaceState, value: str) -> str:
    """`{{secrets/SCOPE/KEY}}` as a cluster's variables may say it."""
    if not (value.startswith(_SECRET) and value.endswith("}}")):
        return value
    found = state.get("secret", value.removeprefix(_SECRET).removesuffix("}}"))
    return base64.b64decode(found["value"]).decode() if found else ""
