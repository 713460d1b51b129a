"""A reverse proxy between the operator and the API server that can kill, hang or refuse at an exact request.

A crash test that sleeps and hopes proves nothing: here the operator dies while a chosen request is under way, either
before the API server has seen it or after it has answered and before the answer arrives.
"""

import asyncio
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "content-length", "host", "keep-alive"})


class When(Enum):
    """At which moment of a request something happens."""

    BEFORE = auto()
    AFTER = auto()


@dataclass(slots=True)
class Trap:
    """Something that happens once, at the first request that fits."""

    method: str
    path: re.Pattern[str]
    when: When
    spring: Callable[[], object]
    sprung: threading.Event = field(default_factory=threading.Event)

    def fits(self, method: str, path: str, when: When) -> bool:
        """Whether this is the request."""
        fits = (method, when) == (self.method, self.when) and self.path.search(path) is not None
        return fits and not self.sprung.is_set()


class Gate:
    """Listens on loopback in plain HTTP and passes everything on to ``upstream``, watches chunk by chunk."""

    def __init__(self, upstream: str, ca_pem: str) -> None:
        self._upstream = upstream
        self._tls = ssl.create_default_context(cadata=ca_pem)
        self._traps: list[Trap] = []
        self._hung = threading.Event()
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._stop = asyncio.Event()
        self.url = ""

    def trap(self, method: str, path: str, when: When, spring: Callable[[], object]) -> Trap:
        """Set a trap; ``path`` is a regular expression over path and query."""
        trap = Trap(method, re.compile(path), when, spring)
        self._traps.append(trap)
        return trap

    def hang(self) -> None:
        """From now on nothing is passed on, neither requests nor watch events; connections stay open."""
        self._hung.set()

    def flow(self) -> None:
        """Pass everything on again."""
        self._hung.clear()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        await self._while_hung()
        body = await request.read()
        await self._spring(request, When.BEFORE)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = self._upstream + request.raw_path
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.request(
            request.method,
            url,
            headers=headers,
            data=body or None,
            skip_auto_headers=("Content-Type", "Accept", "User-Agent"),
            timeout=timeout,
            allow_redirects=False,
        ) as answer:
            await self._spring(request, When.AFTER)
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await self._while_hung()
                await response.write(chunk)
            await response.write_eof()
            return response

    async def _spring(self, request: web.Request, when: When) -> None:
        for trap in self._traps:
            if trap.fits(request.method, request.path_qs, when):
                trap.sprung.set()
                await asyncio.to_thread(trap.spring)
                # Whoever was killed gets no answer; whoever lives goes on.

    async def _while_hung(self) -> None:
        while self._hung.is_set():  # noqa: ASYNC110 - it is set by another thread
            await asyncio.sleep(0.05)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as self._session:
            app = web.Application(client_max_size=16 * 2**20)
            app.router.add_route("*", "/{path:.*}", self._handle)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self._started.set()
            await self._stop.wait()
            await runner.cleanup()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        # TLS connections say goodbye after their session is closed; the loop must still be there to hear it.
        await asyncio.sleep(0.3)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._hung.clear()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()
