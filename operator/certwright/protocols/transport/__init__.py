"""HTTP for all four protocols: guarded connections, bounded answers, one family of errors.

``open_client`` builds the ``httpx.AsyncClient`` of one Issuer, ``exchange`` sends one request with it. What is specific
to a protocol (signing, CMS, channel binding, which statuses mean what) stays with that protocol.
"""

from certwright.protocols.transport.addresses import LOCAL_NETWORKS, AddressPolicy
from certwright.protocols.transport.connection import TransportSettings, UnusableTrust, open_client, tls_context
from certwright.protocols.transport.errors import (
    AddressRefused,
    ConnectionFailed,
    NameNotResolved,
    NotHTTP,
    ProxyFailed,
    RedirectRefused,
    TimedOut,
    TLSFailed,
    TooLarge,
    TransportError,
    UnexpectedStatus,
    UnusableURL,
    translated,
)
from certwright.protocols.transport.exchange import MAX_BODY, MAX_ERROR_BODY, Answer, exchange, read_bounded
from certwright.protocols.transport.text import parse_retry_after, shown

__all__ = [
    "LOCAL_NETWORKS",
    "MAX_BODY",
    "MAX_ERROR_BODY",
    "AddressPolicy",
    "AddressRefused",
    "Answer",
    "ConnectionFailed",
    "NameNotResolved",
    "NotHTTP",
    "ProxyFailed",
    "RedirectRefused",
    "TLSFailed",
    "TimedOut",
    "TooLarge",
    "TransportError",
    "TransportSettings",
    "UnexpectedStatus",
    "UnusableTrust",
    "UnusableURL",
    "exchange",
    "open_client",
    "parse_retry_after",
    "read_bounded",
    "shown",
    "tls_context",
    "translated",
]
