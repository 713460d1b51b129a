"""One of the small servers of ``tests/fakes`` on a real socket: aiohttp in a thread, in front of its handler."""

import asyncio
import ssl
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from aiohttp import web

from e2e.authority import Authority

Handler = Callable[[httpx.Request], httpx.Response]
"""What a fake server makes of a request. It is called by one thread at a time."""

BEHAVIOUR = "behaviour"
"""The extension of a response that says how it comes."""


class Behaviour(StrEnum):
    """How an answer comes: an octet at a time, or never."""

    SLOW = "slow"
    SILENT = "silent"


_OCTET_EACH = timedelta(milliseconds=200)
_HOP_BY_HOP = frozenset({"content-length", "transfer-encoding", "connection", "host"})


class Loopback:
    """Listens on loopback, with TLS where it has an authority; ``origin`` is what requests to it begin with."""

    def __init__(self, handler: Handler, *, authority: Authority | None) -> None:
        self._handler = handler
        self._authority = authority
        self._loop = asyncio.new_event_loop()
        self._started, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._transports: set[asyncio.BaseTransport] = set()
        self.origin = ""

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            self._transports.add(request.transport)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        url, body = f"{self.origin}{request.raw_path}", await request.read()
        answer = self._handler(httpx.Request(request.method, url, headers=headers, content=body))
        kept = [(name, value) for name, value in answer.headers.items() if name not in _HOP_BY_HOP]
        match answer.extensions.get(BEHAVIOUR):
            case Behaviour.SILENT:
                await self._stop.wait()
            case Behaviour.SLOW:
                return await self._drip(request, answer.content)
        response = web.Response(status=answer.status_code, body=answer.content)
        response.headers.clear()
        for name, value in kept:
            response.headers.add(name, value)
        return response

    async def _drip(self, request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):  # Whoever waited has gone.
            for octet in body:
                await response.write(bytes([octet]))
                await asyncio.sleep(_OCTET_EACH.total_seconds())
        return response

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls()).start()
        scheme = "https" if self._authority else "http"
        self.origin = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
        self._started.set()
        await self._stop.wait()
        await runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # A client that keeps its connection would be waited for; and the loop must still be there when one ends.
        for transport in self._transports:
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        await asyncio.sleep(0.3)

    def _tls(self) -> ssl.SSLContext | None:
        if self._authority is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory(prefix="certwright-liar-") as directory:
            pair = self._authority.issue("a CA that lies", names=["127.0.0.1"])
            context.load_cert_chain(*pair.write(Path(directory), "https"))
        return context

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10), "it does not listen"
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()
