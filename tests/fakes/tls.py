"""TLS without sockets: both ends of a connection in memory, with OpenSSL's real handshakes between them.

A network under httpcore (``open_client(..., network=TLSNetwork(...))``) whose other side is an ``ssl`` server and
a handler of HTTP requests. What the client sees of certificates, alerts and channel bindings is what it would see of a
server on the wire.
"""

import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import h11
import httpcore
import httpx

CHUNK = 1 << 16


@dataclass(frozen=True)
class Peer:
    """The client's end of a connection, as the server sees it."""

    certificate: bytes | None
    tls_unique: bytes | None


Handler = Callable[[httpx.Request, Peer], httpx.Response]


class TLSNetwork(httpcore.AsyncNetworkBackend):
    """Every connection leads to the same server. ``handshakes`` counts those begun.

    ``requests`` tells what was asked. With ``hangs_up`` a failure brings no alert, only the end of the connection.
    """

    def __init__(self, context: ssl.SSLContext, handler: Handler) -> None:
        self.context = context
        self.handler = handler
        self.handshakes = 0
        self.hangs_up = False
        self.requests: list[str] = []
        self.open: list[_TLSStream] = []

    def drop(self) -> None:
        """The server closes the connections that are idle."""
        for stream in self.open:
            stream.is_dropped = True

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        del host, port, timeout, local_address, socket_options
        return _TCPStream(self)


class _TCPStream(httpcore.AsyncNetworkStream):
    """A connection before its handshake: nothing but that may happen on it."""

    def __init__(self, network: TLSNetwork) -> None:
        self._network = network

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
    ) -> httpcore.AsyncNetworkStream:
        del timeout
        self._network.handshakes += 1
        stream = _TLSStream(self._network, ssl_context, server_hostname)
        try:
            stream.shake_hands()
        except ssl.SSLError as error:
            raise httpcore.ConnectError(str(error)) from error
        self._network.open.append(stream)
        return stream

    async def aclose(self) -> None:
        return


class _TLSStream(httpcore.AsyncNetworkStream):
    """The client's end, with the server's behind it: the server acts whenever the client waits for it."""

    def __init__(self, network: TLSNetwork, context: ssl.SSLContext, host: str | None) -> None:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._network = network
        self._client = context.wrap_bio(to_client, to_server, server_hostname=host)
        self._server = network.context.wrap_bio(to_server, to_client, server_side=True)
        self._http = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body = b""
        self._is_shaken = False
        self._has_failed = False
        self.is_dropped = False

    def shake_hands(self) -> None:
        for _ in range(8):
            done = self._step(self._client.do_handshake)
            self._serve()
            if done:
                return
        raise AssertionError("the handshake does not end")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        del timeout
        self._client.write(buffer)
        self._serve()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        del timeout
        try:
            if self._has_failed and self._network.hangs_up:
                return b""
            return self._client.read(max_bytes)
        except ssl.SSLWantReadError as error:
            raise httpcore.ReadTimeout from error
        except ssl.SSLZeroReturnError:
            return b""

    async def aclose(self) -> None:
        if self in self._network.open:
            self._network.open.remove(self)

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "ssl_object":
                return self._client
            case "is_readable":
                return self.is_dropped
            case _:
                return None

    def _step(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except ssl.SSLWantReadError:
            return False
        return True

    def _serve(self) -> None:
        """What the server does now: its part of the handshake, then answers. After a failure it is gone."""
        if self._has_failed:
            return
        try:
            self._is_shaken = self._is_shaken or self._step(self._server.do_handshake)
            while self._is_shaken:
                self._http.receive_data(self._server.read(CHUNK))
                self._answer()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError:
            self._has_failed = True  # Its alert is on the way to the client.

    def _answer(self) -> None:
        while (event := self._http.next_event()) is not h11.NEED_DATA:
            match event:
                case h11.Request():
                    self._request, self._body = event, b""
                case h11.Data():
                    self._body += event.data
                case h11.EndOfMessage():
                    assert self._request is not None
                    self._send(self._handled(self._request, self._body))
                    if self._http.our_state is not h11.DONE:
                        return
                    self._http.start_next_cycle()
                case _:
                    return

    def _handled(self, request: h11.Request, body: bytes) -> httpx.Response:
        method, target = request.method.decode(), request.target.decode()
        self._network.requests.append(f"{method} {target}")
        headers = [(name.decode(), value.decode()) for name, value in request.headers]
        peer = Peer(self._server.getpeercert(binary_form=True), self._server.get_channel_binding("tls-unique"))
        asked = httpx.Request(method, f"https://server.test{target}", headers=headers, content=body)
        return self._network.handler(asked, peer)

    def _send(self, answer: httpx.Response) -> None:
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() != b"content-length"]
        if answer.status_code != httpx.codes.NO_CONTENT:
            headers.append((b"Content-Length", str(len(answer.content)).encode()))
        head = self._http.send(h11.Response(status_code=answer.status_code, headers=headers))
        body = self._http.send(h11.Data(data=answer.content)) if answer.content else b""
        end = self._http.send(h11.EndOfMessage())
        self._server.write((head or b"") + (body or b"") + (end or b""))
