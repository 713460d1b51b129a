"""A look at each TLS connection between its handshake and the first request, while nothing has been sent yet.

``acceptance`` sees here whether the server took our certificate, ``other_name`` whether its own will do.
"""

import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias

import httpcore

Look: TypeAlias = Callable[[httpcore.AsyncNetworkStream, ssl.SSLContext, str], Awaitable[None]]
"""Raises what is wrong with a connection. It gets the context of the handshake too: one with a proxy comes first."""


class LookingNetwork(httpcore.AsyncNetworkBackend):
    """A network whose TLS connections are looked at; one that fails is closed."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend, look: Look) -> None:
        self._inner = inner
        self._look = look

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, and look once TLS is there."""
        stream = await self._inner.connect_tcp(
            host, port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )
        return _Stream(stream, self._look)

    async def sleep(self, seconds: float) -> None:
        """Httpcore pauses with this between attempts of its own; certwright asks for none."""
        await self._inner.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """A connection on which another handshake may come: through a proxy there are two."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, look: Look) -> None:
        self._inner = inner
        self._look = look

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
        try:
            await self._look(stream, ssl_context, server_hostname or "the server")
        except BaseException:
            await stream.aclose()
            raise
        return _Stream(stream, self._look)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
