"""Linking identity and proof of possession (RFC 7030 §3.5): a request that only one TLS connection can carry.

The password in such a request is the connection's tls-unique value (RFC 5929). So the connection comes first, then the
request, and it must leave over that connection or not at all.
"""

import base64
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from certwright.protocols.est.errors import NoChannelBinding
from certwright.protocols.transport import TLSFailed

TLS_1_3 = "TLSv1.3"
# What a server says that speaks nothing as old as TLS 1.2, and what OpenSSL says when it hears of such a server.
VERSION_REFUSED = frozenset({"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_VERSION_NUMBER"})


class AnotherConnection(Exception):
    """The connection was closed meanwhile, and the request would go over another one. It was not sent."""


def challenge_password(tls: ssl.SSLObject | None) -> str:
    """The challengePassword for requests over this connection: the base64 of its tls-unique."""
    if tls is None:
        raise NoChannelBinding("the request does not go over a TLS connection of its own")
    if tls.version() == TLS_1_3:
        raise NoChannelBinding("the connection uses TLS 1.3, which has no tls-unique (RFC 9266)")
    unique = tls.get_channel_binding("tls-unique")
    if not unique:
        raise NoChannelBinding("the TLS library gives no tls-unique for this connection")
    return base64.b64encode(unique).decode("ascii")


def on_this_connection() -> Mapping[str, Any]:
    """Extensions of a request that must not open a connection: it raises AnotherConnection instead."""
    return {"trace": _refuse_to_connect}


@contextmanager
def without_binding() -> Iterator[None]:
    """Say what it means when a server refuses every version of TLS that has a tls-unique."""
    try:
        yield
    except TLSFailed as error:
        if error.reason in VERSION_REFUSED:
            raise NoChannelBinding("the server speaks TLS 1.3 only, which has no tls-unique (RFC 9266)") from error
        raise


async def _refuse_to_connect(event: str, _info: Mapping[str, Any]) -> None:
    if event.endswith("connect_tcp.started"):
        raise AnotherConnection
