"""Opening the HTTP client of one Issuer: whom it trusts, where it may connect, how long it waits.

``open_client`` is what drivers call, once per Issuer and generation; it loads trust anchors, which takes milliseconds
of CPU, and keeps connections open between requests.
"""

import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from certwright.protocols.transport.addresses import AddressPolicy, GuardedBackend
from certwright.protocols.transport.pool import KEEPALIVE, MAX_CONNECTIONS, ConnectionPool


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """How to reach one server. ``roots`` is PEM and replaces the system's roots; None means the system's.

    ``proxy_url`` may hold credentials. With a proxy, the policy is applied to the proxy's address: the server's name
    is then looked up by the proxy.
    """

    user_agent: str
    addresses: AddressPolicy = field(default_factory=AddressPolicy)
    roots: bytes | None = None
    connect_timeout: timedelta = timedelta(seconds=10)
    request_timeout: timedelta = timedelta(seconds=30)
    proxy_url: str | None = field(default=None, repr=False)


_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class UnusableTrust(ValueError):
    """The CA bundle holds no certificate that OpenSSL can read. Raised while opening, before any request."""


def tls_context(roots: bytes | None) -> ssl.SSLContext:
    """A context that verifies servers against these roots (PEM), or against the system's."""
    if roots is None:
        return ssl.create_default_context()
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


def open_client(settings: TransportSettings, *, tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """A client for one server. ``tls`` replaces the context that ``settings.roots`` would give (client certificates).

    Close it with ``aclose``. Redirects are ``exchange``'s affair; cookies, netrc and proxy variables play no part.
    """
    request = settings.request_timeout.total_seconds()
    return httpx.AsyncClient(
        transport=PooledTransport(settings, tls=tls or tls_context(settings.roots)),
        timeout=httpx.Timeout(request, connect=settings.connect_timeout.total_seconds()),
        headers={"User-Agent": settings.user_agent, "Accept-Encoding": "identity"},
        follow_redirects=False,
        trust_env=False,
        # No protocol here knows cookies, and a jar would keep whatever a server puts in.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


class PooledTransport(httpx.AsyncBaseTransport):
    """Httpx over a connection pool of httpcore's whose every connection is guarded by the address policy.

    Errors stay httpcore's: ``errors.translated`` knows both libraries.
    """

    def __init__(self, settings: TransportSettings, *, tls: ssl.SSLContext) -> None:
        self._pool = _open_pool(settings, tls=tls)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request over a pooled connection."""
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=target,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_BodyStream(answer),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _BodyStream(httpx.AsyncByteStream):
    """The body of an answer, which gives its connection back to the pool when it is closed."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


def _open_pool(settings: TransportSettings, *, tls: ssl.SSLContext) -> ConnectionPool | httpcore.AsyncHTTPProxy:
    backend = GuardedBackend(settings.addresses)
    if settings.proxy_url is None:
        return ConnectionPool(tls=tls, backend=backend)
    proxy = httpx.Proxy(settings.proxy_url)
    return httpcore.AsyncHTTPProxy(
        proxy_url=str(proxy.url),
        proxy_auth=proxy.raw_auth,
        ssl_context=tls,
        proxy_ssl_context=ssl.create_default_context() if proxy.url.scheme == "https" else None,
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=MAX_CONNECTIONS,
        keepalive_expiry=KEEPALIVE,
        network_backend=backend,
    )
