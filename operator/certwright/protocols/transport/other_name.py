"""Servers that are authorised by what their certificate says, although it bears another name than the URL.

EST allows this for a server whose certificate is marked for a registration authority (RFC 7030 §3.6.1). The name is
tried first; only where nothing but the name was wrong is the server asked again, over a connection that is given up
before a byte of the request is sent, unless its certificate is of the accepted kind.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import httpcore
import httpx

from certwright.protocols.transport.errors import is_name_mismatch
from certwright.protocols.transport.handshakes import Look, LookingNetwork


@dataclass(frozen=True, slots=True)
class OtherName:
    """What else than the host name authorises a server.

    ``tls`` makes a context that verifies the chain and no name; ``accepts`` then judges the server's certificate (DER).
    """

    tls: Callable[[], ssl.SSLContext]
    accepts: Callable[[bytes], bool]


class _Opening(Protocol):
    def __call__(self, *, tls: ssl.SSLContext, network: httpcore.AsyncNetworkBackend) -> httpx.AsyncBaseTransport: ...


class OtherNameTransport(httpx.AsyncBaseTransport):
    """``named`` verifies host names; ``opening`` opens its like over the given network for when the name is wrong."""

    def __init__(
        self,
        named: httpx.AsyncBaseTransport,
        other: OtherName,
        *,
        opening: _Opening,
        network: httpcore.AsyncNetworkBackend,
    ) -> None:
        self._named = named
        self._other = other
        self._opening = opening
        self._network = network
        self._unnamed: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request to a server that bears the host's name, or is authorised otherwise."""
        if (unnamed := self._unnamed) is not None:
            # Found out before: asking by name first would cost a failing handshake for each request.
            try:
                return await unnamed.handle_async_request(request)
            except _NotAccepted:
                # It has another certificate by now, which may well bear the name.
                await self._forget(unnamed)
        try:
            return await self._named.handle_async_request(request)
        except httpcore.ConnectError as error:
            if not is_name_mismatch(error):
                raise
            mismatch = error
        return await self._ask_unnamed(request, mismatch=mismatch)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._named.aclose()
        if self._unnamed is not None:
            await self._unnamed.aclose()

    async def _forget(self, unnamed: httpx.AsyncBaseTransport) -> None:
        if self._unnamed is unnamed:
            self._unnamed = None
            await unnamed.aclose()

    async def _ask_unnamed(self, request: httpx.Request, *, mismatch: httpcore.ConnectError) -> httpx.Response:
        tls = self._other.tls()
        network = LookingNetwork(self._network, _accepting(tls, self._other.accepts))
        unnamed = self._opening(tls=tls, network=network)
        try:
            answer = await unnamed.handle_async_request(request)
        except BaseException as error:
            await unnamed.aclose()
            if isinstance(error, _NotAccepted):
                # What is wrong with this server is its name; its cause says so, and must stay.
                raise mismatch from mismatch.__cause__
            raise
        previous, self._unnamed = self._unnamed, unnamed
        if previous is not None:
            # Two requests found out at the same time; the other's connections close when their answers are read.
            await previous.aclose()
        return answer


class _NotAccepted(httpcore.ConnectError):
    """The chain verifies, and neither the name nor the certificate authorises the server."""


def _accepting(tls: ssl.SSLContext, accepts: Callable[[bytes], bool]) -> Look:
    """Give up right after the handshake if the server's certificate is not of the accepted kind."""

    async def look(stream: httpcore.AsyncNetworkStream, context: ssl.SSLContext, _host: str) -> None:
        if context is not tls:
            return  # A proxy's, which has been verified by its name.
        certificate = stream.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if not certificate or not accepts(certificate):
            raise _NotAccepted("the server's certificate bears another name")

    return look
