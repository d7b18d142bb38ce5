"""The certificate that the server shows, and the names that it is valid for."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dbxwizard.core.errors import UsageError
from dbxwizard.web.access import in_url


@dataclass(frozen=True, slots=True)
class Tls:
    """`names` as in access.Own."""

    context: ssl.SSLContext
    names: Sequence[str]


def load(certificate: Path, key: Path) -> Tls:
    """Raises UsageError where the files can't be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    names = _names(certificate)
    try:
        context.load_cert_chain(certificate, key, password=_refuse)
    except UsageError as error:
        raise UsageError(
            "tls-key-encrypted", error.message, resource=str(key), fix="Decrypt it: openssl pkey -in FILE -out FILE."
        ) from error
    except ssl.SSLError as error:
        raise UsageError(
            "tls-key-invalid",
            error.reason or str(error),
            resource=str(key),
            fix="A PEM file with the private key of that certificate is needed.",
        ) from error
    except OSError as error:
        raise UsageError("tls-unreadable", error.strerror or str(error), resource=str(key)) from error
    return Tls(context, names)


def _refuse() -> str:
    """OpenSSL itself would ask at the terminal."""
    raise UsageError("tls-key-encrypted", "the private key is encrypted")


def _names(certificate: Path) -> Sequence[str]:
    """The names and addresses of its subjectAltName (RFC 5280 4.2.1.6)."""
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except OSError as error:
        raise UsageError("tls-unreadable", error.strerror or str(error), resource=str(certificate)) from error
    except ValueError as error:
        raise UsageError(
            "tls-cert-invalid",
            str(error),
            resource=str(certificate),
            fix="A PEM file is needed, the server's own first.",
        ) from error
    try:
        among = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in among.get_values_for_type(x509.IPAddress)]
    names = [*among.get_values_for_type(x509.DNSName), *addresses]
    return tuple(in_url(name) for name in names)
