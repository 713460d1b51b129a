"""HTTP for all four protocols: guarded connections, bounded answers, one family of errors.

``open_client`` builds the ``httpx.AsyncClient`` of one Issuer, ``exchange`` sends one request with it. What is specific
to a protocol (signing, CMS, channel binding, which statuses mean what) stays with that protocol.
"""

from certwright.protocols.transport.addresses import LOCAL_NETWORKS, AddressPolicy
from certwright.protocols.transport.connection import TransportSettings, open_client
from certwright.protocols.transport.errors import (
    AddressRefused,
    ClientCertificateRefused,
    ConnectionFailed,
    NameNotResolved,
    NotHTTP,
    ProxyFailed,
    RedirectRefused,
    ServerNotVerified,
    TimedOut,
    TLSFailed,
    TooLarge,
    TransportError,
    UnexpectedStatus,
    UnusableURL,
    translated,
)
from certwright.protocols.transport.exchange import MAX_BODY, MAX_ERROR_BODY, Answer, exchange, read_bounded
from certwright.protocols.transport.other_name import OtherName
from certwright.protocols.transport.text import parse_retry_after, shown
from certwright.protocols.transport.tls import (
    ClientIdentity,
    UnusableIdentity,
    UnusableTrust,
    tls_context,
    unverified_tls_context,
)

__all__ = [
    "LOCAL_NETWORKS",
    "MAX_BODY",
    "MAX_ERROR_BODY",
    "AddressPolicy",
    "AddressRefused",
    "Answer",
    "ClientCertificateRefused",
    "ClientIdentity",
    "ConnectionFailed",
    "NameNotResolved",
    "NotHTTP",
    "OtherName",
    "ProxyFailed",
    "RedirectRefused",
    "ServerNotVerified",
    "TLSFailed",
    "TimedOut",
    "TooLarge",
    "TransportError",
    "TransportSettings",
    "UnexpectedStatus",
    "UnusableIdentity",
    "UnusableTrust",
    "UnusableURL",
    "exchange",
    "open_client",
    "parse_retry_after",
    "read_bounded",
    "shown",
    "tls_context",
    "translated",
    "unverified_tls_context",
]
