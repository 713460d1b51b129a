"""The connections of the fake EST server: whom a client trusts, what it shows, what ties a request to one of them.

Nothing is encrypted: a client that does not hold the server's root fails as if a handshake had, and so on. Real
handshakes are in ``tests.fakes.tls``.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import httpcore
import httpx
from cryptography import x509

from certwright.protocols.transport import ClientIdentity


@dataclass
class FakeConnection:
    """What the server knows about the connection that a request came over."""

    certificate: x509.Certificate | None = None
    tls_unique: bytes = b""
    tls_version: str = "TLSv1.2"

    def get_extra_info(self, name: str) -> Any:
        """For httpcore's ``network_stream`` extension: this object stands for the stream and for its SSLObject."""
        return self if name == "ssl_object" else None

    def version(self) -> str:
        return self.tls_version

    def get_channel_binding(self, kind: str) -> bytes | None:
        return self.tls_unique if kind == "tls-unique" else None


class Server(Protocol):
    """What a connection needs of the server behind it."""

    tls_root: x509.Certificate | None
    refuses_client_certificates: bool

    def connection(self, certificate: x509.Certificate | None = None) -> FakeConnection: ...

    def handle(self, request: httpx.Request, connection: FakeConnection) -> httpx.Response: ...


class FakeOpener:
    """Opens clients of the fake server as ``est.Opener`` does; ``open_clients`` counts those not closed yet."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.opened: list[ClientIdentity | None] = []
        self.open_clients = 0
        self.provisional: list[httpx.AsyncClient] = []

    def open(
        self,
        *,
        anchors: Sequence[x509.Certificate] | None,
        identity: ClientIdentity | None = None,
        for_binding: bool = False,
    ) -> httpx.AsyncClient:
        del for_binding
        self.opened.append(identity)
        return self._client(partial(self._verified, anchors, identity, self._connection(identity)))

    def open_provisional(self) -> httpx.AsyncClient:
        client = self._client(partial(self._unverified, self._connection(None)))
        self.provisional.append(client)
        return client

    def _connection(self, identity: ClientIdentity | None) -> FakeConnection:
        leaf = None if identity is None else x509.load_pem_x509_certificates(identity.certificates)[0]
        return self._server.connection(leaf)

    def _verified(
        self,
        anchors: Sequence[x509.Certificate] | None,
        identity: ClientIdentity | None,
        connection: FakeConnection,
        request: httpx.Request,
    ) -> httpx.Response:
        trusted = self._server.tls_root is None if anchors is None else self._server.tls_root in anchors
        if not trusted:
            raise httpcore.ConnectError from _unverified()
        if identity is not None and self._server.refuses_client_certificates:
            raise _alert("TLSV1_ALERT_UNKNOWN_CA")
        return self._server.handle(request, connection)

    def _unverified(self, connection: FakeConnection, request: httpx.Request) -> httpx.Response:
        assert request.url.path.endswith("/cacerts"), "nothing else goes over a provisional connection"
        assert "authorization" not in request.headers, "no credential goes over a provisional connection"
        return self._server.handle(request, connection)

    def _client(self, handler: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
        self.open_clients += 1
        return httpx.AsyncClient(transport=_CountedTransport(handler, closed=self._closed))

    def _closed(self) -> None:
        self.open_clients -= 1


class _CountedTransport(httpx.MockTransport):
    def __init__(self, handler: Callable[[httpx.Request], httpx.Response], *, closed: Callable[[], None]) -> None:
        super().__init__(handler)
        self._closed = closed

    async def aclose(self) -> None:
        self._closed()


def _unverified() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 19, "self-signed certificate in certificate chain"
    return error


def _alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason.lower())
    error.reason = reason
    return error
