"""Why no usable answer came: one family for all that fails at or below HTTP, and the table that sorts foreign errors.

    TransportError
    ├── AddressRefused     the host resolves to an address that this client must not reach
    ├── NameNotResolved    DNS has no address for the host
    ├── ConnectionFailed   refused, unreachable, reset or closed
    ├── TLSFailed          the handshake failed
    │   ├── ServerNotVerified         the server's certificate does not verify
    │   └── ClientCertificateRefused  the server does not accept our certificate
    ├── TimedOut           not within the time given
    ├── ProxyFailed        the proxy said no
    ├── RedirectRefused    the server points elsewhere, where this client does not follow
    ├── UnusableURL        not a URL that this client can ask
    ├── NotHTTP            bytes that are no HTTP, or in a content coding that was not asked for
    ├── TooLarge           a body beyond its bound
    └── UnexpectedStatus   an HTTP status that is no answer of the protocol (a proxy's HTML, an overloaded server)

Not for a server that answered in its protocol's terms: each protocol has its own exceptions for that. The texts name
the host and the cause in a few words, and hold no byte of a body.
"""

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import httpcore
import httpx

from certwright.protocols.transport.text import shown

MAX_CAUSES = 16  # A chain of exceptions is followed this far: longer ones are loops.


class TransportError(Exception):
    """Nobody answered, or not in a way that can be used. ``retry_after`` is the server's wish, if it had one.

    ``is_unsent`` says that the request certainly reached no server: what it asked for has not happened. Where it is
    False, nobody knows.
    """

    is_unsent = False

    def __init__(self, text: str, *, retry_after: timedelta | None = None, is_unsent: bool | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        if is_unsent is not None:
            self.is_unsent = is_unsent


class AddressRefused(TransportError):
    """The host resolves only to addresses that the policy denies."""

    is_unsent = True

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host}: its address {address} is not allowed here")
        self.host = host
        self.address = address


class NameNotResolved(TransportError):
    """The host has no address in DNS, or DNS did not answer."""

    is_unsent = True


class ConnectionFailed(TransportError):
    """No connection, or it broke before the answer was complete."""


class TLSFailed(TransportError):
    """No TLS with this server: the handshake failed, or the connection was broken off later with an alert.

    ``reason`` is OpenSSL's word for it, such as ``TLSV1_ALERT_PROTOCOL_VERSION``.
    """

    reason = ""


class ServerNotVerified(TLSFailed):
    """The server's certificate does not verify. ``is_name_mismatch``: it would, for another name."""

    is_unsent = True
    is_name_mismatch = False


class ClientCertificateRefused(TLSFailed):
    """The server does not accept our certificate, or asks for one. With TLS 1.3 it says so only after the handshake."""

    is_unsent = True


class TimedOut(TransportError):
    """The answer was not complete in time. The server may have acted on the request."""


class ProxyFailed(TransportError):
    """The proxy refused or could not reach the server."""

    is_unsent = True


class RedirectRefused(TransportError):
    """A redirect to another origin, of a request that must not be repeated, or one too many."""


class UnusableURL(TransportError):
    """Not a URL that this client can ask."""

    is_unsent = True


class NotHTTP(TransportError):
    """The bytes that came are no HTTP/1.1 answer."""


class TooLarge(TransportError):
    """The body is longer than the bound, which is in ``limit`` (bytes)."""

    def __init__(self, text: str, *, limit: int) -> None:
        super().__init__(text)
        self.limit = limit


class UnexpectedStatus(TransportError):
    """An HTTP status that says nothing in the protocol's terms; of the body only its type and length are shown."""

    def __init__(self, host: str, *, status: int, media_type: str, length: int, retry_after: timedelta | None) -> None:
        what = f" of {shown(media_type, 100)}" if media_type else ""
        super().__init__(f"{host}: HTTP status {status} with {length} bytes{what}", retry_after=retry_after)
        self.status = status
        self.media_type = media_type
        self.length = length


FOREIGN: Mapping[type[Exception], type[TransportError]] = {
    # httpx, raised by its client and by test doubles.
    httpx.TimeoutException: TimedOut,
    httpx.NetworkError: ConnectionFailed,
    httpx.ProxyError: ProxyFailed,
    httpx.UnsupportedProtocol: UnusableURL,
    httpx.InvalidURL: UnusableURL,
    httpx.ProtocolError: NotHTTP,
    httpx.DecodingError: NotHTTP,
    httpx.TooManyRedirects: RedirectRefused,
    # httpcore, raised by the connection pool and by the streams of its answers.
    httpcore.TimeoutException: TimedOut,
    httpcore.NetworkError: ConnectionFailed,
    httpcore.ProxyError: ProxyFailed,
    httpcore.UnsupportedProtocol: UnusableURL,
    httpcore.ProtocolError: NotHTTP,
    httpcore.ConnectionNotAvailable: ConnectionFailed,
    # Python: a deadline around the whole exchange, and what the event loop raises under a connection.
    TimeoutError: TimedOut,
    ssl.SSLError: TLSFailed,
    OSError: ConnectionFailed,
}


UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
)
"""What is raised before the first byte of a request leaves: connecting includes the TLS handshake."""

# Alerts that a server sends about a client's certificate (RFC 8446 §6.2), in OpenSSL's spelling.
CERTIFICATE_ALERTS = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_NO_CERTIFICATE",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "TLSV1_ALERT_ACCESS_DENIED",
        "TLSV1_ALERT_UNKNOWN_CA",
    }
)

# X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
NAME_MISMATCHES = frozenset({62, 64})


@contextmanager
def translated(host: str) -> Iterator[None]:
    """Turn every error of ``FOREIGN`` into its ``TransportError`` about this host. All others pass unchanged."""
    try:
        yield
    except TransportError:
        raise
    except tuple(FOREIGN) as error:
        raise _translate(host, error) from error


def is_name_mismatch(error: Exception) -> bool:
    """Whether this is a handshake that failed because of the server's name, and of nothing else."""
    return any(_is_name_mismatch(cause) for cause in _causes(error))


def _translate(host: str, error: Exception) -> TransportError:
    causes = tuple(_causes(error))
    is_unsent = isinstance(error, UNSENT)
    kind = next(FOREIGN[cls] for cls in type(error).__mro__ if cls in FOREIGN)
    for cause in causes:
        # An SSLWantReadError is no failure: it is how OpenSSL waits, and hangs under every time-out of a read.
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLWantReadError | ssl.SSLWantWriteError):
            return _tls_failure(host, cause, is_unsent=is_unsent)
    return kind(f"{host}: {_text(kind, error, causes)}", is_unsent=is_unsent or None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, but nothing that somebody was dealing with when it happened.

    Httpcore's pool for proxies raises ``from None`` what it caught, which leaves the cause in the context alone.
    """
    for _ in range(MAX_CAUSES):
        if error is None or isinstance(error, TransportError):
            return
        yield error
        error = error.__cause__ or (error.__context__ if error.__suppress_context__ else None)


def _tls_failure(host: str, error: ssl.SSLError, *, is_unsent: bool) -> TLSFailed:
    # Python sets these attributes on the errors that OpenSSL reports, and not on those that it makes up itself.
    reason = getattr(error, "reason", None) or "no reason given"
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", None) or "no reason given"
        failure = ServerNotVerified(f"{host}: the server's certificate does not verify ({shown(why, 200)})")
        failure.is_name_mismatch = _is_name_mismatch(error)
        return failure
    why = reason.replace("_", " ").lower()
    if reason in CERTIFICATE_ALERTS:
        return ClientCertificateRefused(f"{host}: the server refused the client certificate ({why})")
    other = TLSFailed(f"{host}: the TLS handshake failed ({why})", is_unsent=is_unsent)
    other.reason = reason
    return other


def _is_name_mismatch(error: BaseException) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError) and getattr(error, "verify_code", 0) in NAME_MISMATCHES


def _text(kind: type[TransportError], error: Exception, causes: tuple[BaseException, ...]) -> str:
    if kind is TimedOut:
        connecting = isinstance(error, httpx.ConnectTimeout | httpcore.ConnectTimeout)
        return "no connection in time" if connecting else "no answer in time"
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower()
    return f"{_PLAIN[kind]} ({shown(str(error), 200)})" if str(error) else _PLAIN[kind]


_PLAIN: Mapping[type[TransportError], str] = {
    ConnectionFailed: "the connection failed",
    ProxyFailed: "the proxy refused",
    UnusableURL: "not a usable URL",
    NotHTTP: "not an HTTP answer",
    RedirectRefused: "too many redirects",
}
