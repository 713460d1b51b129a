"""Open connections, kept between requests: the pool under ``connection.PooledTransport``.

Httpcore's own pool looks at every connection and polls every idle socket each time that a request begins or ends, which
with twenty requests in flight takes more CPU than the requests. This one looks only at the connection that it is about
to use, and takes the one used last, so that the others can grow old and be closed.
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import httpcore

MAX_CONNECTIONS = 32  # More in flight than a CA that sets limits would serve at once.
KEEPALIVE = 30.0  # Seconds; less than what servers and load balancers usually keep an idle connection open.

Connection = httpcore.AsyncHTTPConnection


class ConnectionPool:
    """Up to ``MAX_CONNECTIONS`` requests at once over HTTP/1.1; who comes when all are busy waits for one to end.

    As many connections may lie idle, whatever their origins: servers hand out URLs, and may name many hosts.
    """

    def __init__(self, *, tls: ssl.SSLContext, backend: httpcore.AsyncNetworkBackend) -> None:
        self._tls = tls
        self._backend = backend
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._idle: deque[tuple[httpcore.Origin, Connection, float]] = deque()
        self._is_closed = False

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request and return its answer, which holds the connection until it is closed."""
        await self._slots.acquire()
        origin = request.url.origin
        connection: Connection | None = None
        try:
            connection = await self._connection(origin)
            answer = await connection.handle_async_request(request)
        except BaseException:
            # Cancelled or failed: what the connection would say next belongs to nobody.
            self._slots.release()
            if connection is not None:
                await connection.aclose()
            raise
        return httpcore.Response(
            status=answer.status,
            headers=answer.headers,
            content=_Body(answer, give_back=partial(self._give_back, origin, connection)),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed when their requests end."""
        self._is_closed = True
        await self._drop_idle(keep=0)

    async def _connection(self, origin: httpcore.Origin) -> Connection:
        """The connection to this origin that was used last, if it is still good, else a new one."""
        while (connection := self._take_idle(origin)) is not None:
            if connection.is_available() and not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(
            origin=origin, ssl_context=self._tls, keepalive_expiry=KEEPALIVE, network_backend=self._backend
        )

    def _take_idle(self, origin: httpcore.Origin) -> Connection | None:
        for position in reversed(range(len(self._idle))):
            if self._idle[position][0] == origin:
                _, connection, _ = self._idle[position]
                del self._idle[position]
                return connection
        return None

    async def _give_back(self, origin: httpcore.Origin, connection: Connection) -> None:
        self._slots.release()
        if connection.is_available() and not self._is_closed:
            self._idle.append((origin, connection, time.monotonic()))
        else:
            await connection.aclose()
        await self._drop_idle(keep=MAX_CONNECTIONS)

    async def _drop_idle(self, *, keep: int) -> None:
        """Close those that have waited too long, and the oldest of too many."""
        oldest = time.monotonic() - KEEPALIVE
        while self._idle and (len(self._idle) > keep or self._idle[0][2] < oldest):
            await self._idle.popleft()[1].aclose()


class _Body:
    """The body of an answer, which gives its connection back to the pool when it is closed."""

    def __init__(self, answer: httpcore.Response, *, give_back: Callable[[], Awaitable[None]]) -> None:
        self._answer = answer
        self._give_back = give_back
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await self._answer.aclose()
        finally:
            await self._give_back()
