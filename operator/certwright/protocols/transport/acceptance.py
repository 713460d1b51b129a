"""Whether the server accepted our certificate, found out before the first request is sent.

With TLS 1.3 the client's handshake ends before the server has looked at the client's certificate. A server that
refuses it sends an alert and closes the connection while the client is sending its request. Whether the client then
gets to know of the alert, or only that the connection broke, is a matter of luck. So the connection first listens for
the server's next word: the alert, or a session ticket, which servers send once they are content.
"""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from certwright.protocols.transport.errors import ClientCertificateRefused

TLS_1_3 = "TLSv1.3"
# Seconds, a second in all: what a new connection with a client certificate costs at a server that has no tickets.
STEPS = tuple(0.002 * 2**doubled for doubled in range(9))


class AcceptanceNetwork(httpcore.AsyncNetworkBackend):
    """A network whose TLS connections are ready once the server has accepted the client's certificate."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, and watch over the handshake to come."""
        return _WatchedStream(
            await self._inner.connect_tcp(
                host, port, timeout=timeout, local_address=local_address, socket_options=socket_options
            )
        )

    async def sleep(self, seconds: float) -> None:
        """Httpcore pauses with this between attempts of its own; certwright asks for none."""
        await self._inner.sleep(seconds)


class _WatchedStream(httpcore.AsyncNetworkStream):
    """A connection before its handshake."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        tls: ssl.SSLObject = stream.get_extra_info("ssl_object")
        if tls.version() == TLS_1_3:
            try:
                await _listen(stream, tls, host=server_hostname or "the server")
            except BaseException:
                await stream.aclose()
                raise
        return stream

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


async def _listen(stream: httpcore.AsyncNetworkStream, tls: ssl.SSLObject, *, host: str) -> None:
    """Wait for a ticket, an alert (which is raised) or the end of patience."""
    closed = f"{host}: the server closed the connection when it had seen the client certificate"
    for step in STEPS:
        if tls.session is not None and tls.session.has_ticket:
            return
        try:
            heard = await stream.read(1, timeout=step)
        except httpcore.ReadTimeout:
            continue
        except httpcore.ReadError as error:
            raise ClientCertificateRefused(closed) from error
        if not heard:
            raise ClientCertificateRefused(closed)
        raise httpcore.RemoteProtocolError("the server speaks before it is asked")
