"""Why no usable answer came: one family for all that fails at or below HTTP, and the table that sorts foreign errors.

    TransportError
    ├── AddressRefused     the host resolves to an address that this client must not reach
    ├── NameNotResolved    DNS has no address for the host
    ├── ConnectionFailed   refused, unreachable, reset or closed
    ├── TLSFailed          handshake or verification of the server's certificate failed
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
    """Nobody answered, or not in a way that can be used. ``retry_after`` is the server's wish, if it had one."""

    def __init__(self, text: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class AddressRefused(TransportError):
    """The host resolves only to addresses that the policy denies. Nothing was sent."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host}: its address {address} is not allowed here")
        self.host = host
        self.address = address


class NameNotResolved(TransportError):
    """The host has no address in DNS, or DNS did not answer."""


class ConnectionFailed(TransportError):
    """No connection, or it broke before the answer was complete."""


class TLSFailed(TransportError):
    """No TLS with this server: its certificate does not verify, or the handshake failed. Nothing was sent."""


class TimedOut(TransportError):
    """The answer was not complete in time. The server may have acted on the request."""


class ProxyFailed(TransportError):
    """The proxy refused or could not reach the server."""


class RedirectRefused(TransportError):
    """A redirect to another origin, of a request that must not be repeated, or one too many."""


class UnusableURL(TransportError):
    """Not a URL that this client can ask."""


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


@contextmanager
def translated(host: str) -> Iterator[None]:
    """Turn every error of ``FOREIGN`` into its ``TransportError`` about this host. All others pass unchanged."""
    try:
        yield
    except TransportError:
        raise
    except tuple(FOREIGN) as error:
        raise _translate(host, error) from error


def _translate(host: str, error: Exception) -> TransportError:
    causes = tuple(_causes(error))
    kind = next(FOREIGN[cls] for cls in type(error).__mro__ if cls in FOREIGN)
    for cause in causes:
        # An SSLWantReadError is no failure: it is how OpenSSL waits, and hangs under every time-out of a read.
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLWantReadError | ssl.SSLWantWriteError):
            return TLSFailed(f"{host}: {_tls_text(cause)}")
    return kind(f"{host}: {_text(kind, error, causes)}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(MAX_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _tls_text(error: ssl.SSLError) -> str:
    # Python sets both attributes on the errors that OpenSSL reports, and not on those that it makes up itself.
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", None) or "no reason given"
        return f"the server's certificate does not verify ({shown(why, 200)})"
    reason = getattr(error, "reason", None) or "no reason given"
    return f"the TLS handshake failed ({reason.replace('_', ' ').lower()})"


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
