"""A certificate authority of the sandbox's own, and the bundle that trusts it beside the public ones."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path

import certifi
import trustme


def authority(folder: Path) -> trustme.CA:
    """The authority kept in `folder` (made there on first use; its key is readable by the user alone)."""
    certificate, key = folder / "ca.pem", folder / "ca.key"
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    ca = trustme.CA(organization_name="dbxwizard sandbox")
    key.touch(mode=0o600)
    key.write_bytes(ca.private_key_pem.bytes())
    certificate.write_bytes(ca.cert_pem.bytes())
    return ca


def server_context(folder: Path, *protocols: str) -> ssl.SSLContext:
    """A server side context with a fresh certificate for 127.0.0.1 and localhost; `protocols`: of ALPN, best first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocols:
        context.set_alpn_protocols(list(protocols))
    authority(folder).issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


def bundle(folder: Path, name: str = "bundle.pem", others: Iterable[Path] = ()) -> Path:
    """A PEM file with the public authorities and the sandbox's own, and with `others`, for one client's `verify=`."""
    path = folder / name
    text = b"\n".join(one.read_bytes() for one in (Path(certifi.where()), folder / "ca.pem", *others))
    if not path.exists() or path.read_bytes() != text:
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as made:
            made.write(text)
        Path(made.name).replace(path)
    return path
