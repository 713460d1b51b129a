"""TLS contexts: which roots a connection trusts, and which certificate it shows.

``open_client`` uses these, and so does whoever hands it a context of his own: EST and CMP with client certificates,
channel bindings and provisional connections. A context takes milliseconds of CPU and serves any number of connections.
"""

import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class UnusableTrust(ValueError):
    """The CA bundle holds no certificate that OpenSSL can read. Raised while opening, before any request."""


class UnusableIdentity(ValueError):
    """The client certificate and its key cannot be used for TLS. The text says nothing of the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientIdentity:
    """A client certificate: ``certificates`` is PEM, the leaf first; ``private_key`` is PEM without a passphrase."""

    certificates: bytes
    private_key: bytes = field(repr=False)


def tls_context(
    roots: bytes | None, *, identity: ClientIdentity | None = None, newest: ssl.TLSVersion | None = None
) -> ssl.SSLContext:
    """A context that verifies servers against these roots (PEM), or against the system's.

    ``identity`` is shown to servers that ask for a client certificate. ``newest`` bounds the version of TLS, for those
    who need what newer ones do not have. Raises UnusableTrust and UnusableIdentity.
    """
    if roots is None and identity is None and newest is None:
        return _system_context()
    context = ssl.create_default_context() if roots is None else _explicit(roots)
    return _completed(context, identity=identity, newest=newest)


@cache
def _system_context() -> ssl.SSLContext:
    """Read once per process, as it takes tens of milliseconds: all issuers without roots of their own mean the same."""
    return _completed(ssl.create_default_context(), identity=None, newest=None)


def unverified_tls_context() -> ssl.SSLContext:
    """A context that believes every server: for what is verified by other means, and never with a secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _completed(context, identity=None, newest=None)


def _explicit(roots: bytes) -> ssl.SSLContext:
    # Bundles carry comments in any encoding. An empty one must not come through either: Python takes it for "none
    # given" and loads the system's roots.
    certificates = b"\n".join(_CERTIFICATE.findall(roots)).decode("ascii", "replace")
    if not certificates:
        raise UnusableTrust("The CA bundle holds no PEM certificate.")
    try:
        context = ssl.create_default_context(cadata=certificates)
    except (ssl.SSLError, ValueError) as error:
        raise UnusableTrust("The CA bundle holds a certificate that cannot be read.") from error
    # Whoever names an intermediate or the server's own certificate means to trust it. Python 3.13 checks certificates
    # of private CAs more strictly than 3.11: the same Issuer has to work on both.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _completed(
    context: ssl.SSLContext, *, identity: ClientIdentity | None, newest: ssl.TLSVersion | None
) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if newest is not None:
        context.maximum_version = newest
    if identity is not None:
        show_identity(context, identity)
    return context


def show_identity(context: ssl.SSLContext, identity: ClientIdentity) -> None:
    """Let connections of this context show the certificate; raises UnusableIdentity."""
    pem = identity.certificates.rstrip() + b"\n" + identity.private_key
    try:
        with _readable(pem) as path:
            # Without this answer to "what is the passphrase?" OpenSSL would ask the terminal.
            context.load_cert_chain(path, password=b"")
    except (ssl.SSLError, ValueError, OSError) as error:
        reason = getattr(error, "reason", None) or "unreadable"
        raise UnusableIdentity(
            f"The client certificate and its key cannot be used for TLS ({reason.replace('_', ' ').lower()})."
        ) from error


@contextmanager
def _readable(content: bytes) -> Iterator[str]:
    """A path under which OpenSSL can read this: Python takes a client's key by path only.

    On Linux it leads to memory. Elsewhere it is a file that only its owner may read, and only for this moment.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("identity")
        try:
            _write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:  # pragma: no cover - for developers' machines
        descriptor, path = tempfile.mkstemp()
        try:
            _write(descriptor, content)
            os.close(descriptor)
            yield path
        finally:
            Path(path).unlink()


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
