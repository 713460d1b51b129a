"""Opening the HTTP client of one Issuer: whom it trusts, where it may connect, how long it waits.

``open_client`` is what drivers call, once per Issuer and generation; it loads trust anchors, which takes milliseconds
of CPU, and keeps connections open between requests.
"""

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from certwright.protocols.transport.acceptance import await_acceptance
from certwright.protocols.transport.addresses import AddressPolicy, GuardedBackend
from certwright.protocols.transport.handshakes import LookingNetwork
from certwright.protocols.transport.other_name import OtherName, OtherNameTransport
from certwright.protocols.transport.pool import KEEPALIVE, MAX_CONNECTIONS, ConnectionPool
from certwright.protocols.transport.tls import tls_context


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


def open_client(
    settings: TransportSettings,
    *,
    tls: ssl.SSLContext | None = None,
    shows_identity: bool = False,
    other_name: OtherName | None = None,
    network: httpcore.AsyncNetworkBackend | None = None,
) -> httpx.AsyncClient:
    """A client for one server. ``tls`` replaces the context that ``settings.roots`` would give (client certificates).

    With ``shows_identity`` no request is sent before the server has accepted the client certificate of ``tls``, so that
    its refusal is told from a broken connection. ``other_name`` says which servers are authorised under another name
    than the URL's; ``network`` replaces the real network, for tests.

    Close the client with ``aclose``. Its connections belong to one identity: whoever needs two opens two clients.
    Redirects are ``exchange``'s affair; cookies, netrc and proxy variables play no part.
    """
    network = network or GuardedBackend(settings.addresses)
    network = LookingNetwork(network, await_acceptance) if shows_identity else network
    request = settings.request_timeout.total_seconds()
    return httpx.AsyncClient(
        transport=_open_transport(settings, tls=tls or tls_context(settings.roots), other=other_name, network=network),
        timeout=httpx.Timeout(request, connect=settings.connect_timeout.total_seconds()),
        headers={"User-Agent": settings.user_agent, "Accept-Encoding": "identity"},
        follow_redirects=False,
        trust_env=False,
        # No protocol here knows cookies, and a jar would keep whatever a server puts in.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


def _open_transport(
    settings: TransportSettings,
    *,
    tls: ssl.SSLContext,
    other: OtherName | None,
    network: httpcore.AsyncNetworkBackend,
) -> httpx.AsyncBaseTransport:
    named = PooledTransport(settings, tls=tls, network=network)
    if other is None:
        return named
    return OtherNameTransport(named, other, opening=partial(PooledTransport, settings), network=network)


class PooledTransport(httpx.AsyncBaseTransport):
    """Httpx over a connection pool of httpcore's whose every connection is guarded by the address policy.

    Errors stay httpcore's: ``errors.translated`` knows both libraries.
    """

    def __init__(
        self, settings: TransportSettings, *, tls: ssl.SSLContext, network: httpcore.AsyncNetworkBackend
    ) -> None:
        self._pool = _open_pool(settings, tls=tls, network=network)

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


def _open_pool(
    settings: TransportSettings, *, tls: ssl.SSLContext, network: httpcore.AsyncNetworkBackend
) -> ConnectionPool | httpcore.AsyncHTTPProxy:
    if settings.proxy_url is None:
        return ConnectionPool(tls=tls, backend=network)
    proxy = httpx.Proxy(settings.proxy_url)
    return httpcore.AsyncHTTPProxy(
        proxy_url=str(proxy.url),
        proxy_auth=proxy.raw_auth,
        ssl_context=tls,
        proxy_ssl_context=ssl.create_default_context() if proxy.url.scheme == "https" else None,
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=MAX_CONNECTIONS,
        keepalive_expiry=KEEPALIVE,
        network_backend=network,
    )
