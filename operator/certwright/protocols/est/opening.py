"""Opening HTTP clients for EST: whom they trust, and whose certificate they show (RFC 7030 §3.3, §3.6).

Drivers open one client for each set of anchors and each identity, and close it: a pool that two identities share would
enrol one of them as the other.
"""

import ssl
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import httpcore
import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.transport import (
    ClientIdentity,
    OtherName,
    TransportSettings,
    open_client,
    tls_context,
    unverified_tls_context,
)

ID_KP_CMC_RA = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.28")


class Opener(Protocol):
    """Opens the clients of one server. Raises UnusableTrust or UnusableIdentity, before any request."""

    def open(
        self,
        *,
        anchors: Sequence[x509.Certificate] | None,
        identity: ClientIdentity | None = None,
        for_binding: bool = False,
    ) -> httpx.AsyncClient:
        """A client that trusts these anchors explicitly: a server is authorised by its name or by being a CMC RA.

        Without anchors the system's roots are trusted implicitly, which authorise by name alone. ``for_binding`` is for
        ``ESTClient.bound_enrol``: such a client serves one enrolment.
        """
        ...

    def open_provisional(self) -> httpx.AsyncClient:
        """A client that believes every server: for ``bootstrap`` and ``seek_successors`` alone."""
        ...


class HTTPOpener:
    """The Opener of real connections. ``settings.roots`` play no part; ``network`` replaces the network, for tests."""

    def __init__(self, settings: TransportSettings, *, network: httpcore.AsyncNetworkBackend | None = None) -> None:
        self._settings = settings
        self._network = network

    def open(
        self,
        *,
        anchors: Sequence[x509.Certificate] | None,
        identity: ClientIdentity | None = None,
        for_binding: bool = False,
    ) -> httpx.AsyncClient:
        """See `Opener.open`."""
        roots = None if anchors is None else b"".join(anchor.public_bytes(Encoding.PEM) for anchor in anchors)
        newest = ssl.TLSVersion.TLSv1_2 if for_binding else None
        context = partial(tls_context, roots, identity=identity, newest=newest)
        other = None if anchors is None else OtherName(tls=partial(_unnamed, context), accepts=is_cmc_ra)
        return open_client(
            self._settings,
            tls=context(),
            shows_identity=identity is not None,
            other_name=other,
            network=self._network,
        )

    def open_provisional(self) -> httpx.AsyncClient:
        """See `Opener.open_provisional`."""
        return open_client(self._settings, tls=unverified_tls_context(), network=self._network)


def is_cmc_ra(certificate: bytes) -> bool:
    """Whether this certificate (DER) is marked for a registration authority (RFC 6402 §2.10)."""
    try:
        usages = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False
    return ID_KP_CMC_RA in usages.value


def _unnamed(context: partial[ssl.SSLContext]) -> ssl.SSLContext:
    unnamed = context()
    unnamed.check_hostname = False
    return unnamed
