"""The open clients of one issuer: one that lives as long as the driver, and short ones for other identities.

A pool of connections belongs to one identity and one set of anchors: a request over a connection of somebody else would
enrol as somebody else.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import httpx
from cryptography import x509

from certwright.issuers.est.credentials import IssuerIdentity
from certwright.model.chain import fingerprint
from certwright.model.resources import ESTIssuer
from certwright.protocols.est import Credentials, ESTClient, Opener
from certwright.protocols.transport import ClientIdentity

Anchors: TypeAlias = Sequence[x509.Certificate] | None

RunCPU: TypeAlias = Callable[..., Awaitable[Any]]
"""Computes in a thread: reading the system's roots takes 30 ms."""

MOST_SHORT = 16
"""Short clients open at once; each is a handshake with somebody's key."""


async def run_inline(work: Callable[..., Any], *args: Any) -> Any:
    """Computes where it stands: for tests, and for whoever has no threads."""
    return work(*args)


class Connections:
    """Opens clients for one issuer. ``anchors`` None everywhere means the system's roots."""

    def __init__(
        self,
        opener: Opener,
        spec: ESTIssuer,
        identity: IssuerIdentity,
        *,
        clock: Callable[[], datetime],
        run_cpu: RunCPU = run_inline,
    ) -> None:
        self._opener = opener
        self._spec = spec
        self._identity = identity
        self._clock = clock
        self._run_cpu = run_cpu
        self._lasting: dict[tuple[str, ...] | None, tuple[httpx.AsyncClient, ESTClient]] = {}
        self._opening = asyncio.Lock()
        self._short = asyncio.Semaphore(MOST_SHORT)

    async def lasting(self, anchors: Anchors, own: Credentials | None = None) -> ESTClient:
        """A client over the issuer's own connections, which are opened anew only where there are other anchors.

        ``own`` is a Certificate's own password instead of the issuer's: HTTP authenticates each request for itself.
        Connections under earlier anchors stay open for the requests that are under way: a driver learns anchors once
        or twice, and is made anew then.
        """
        key = None if anchors is None else tuple(map(fingerprint, anchors))
        async with self._opening:
            if key not in self._lasting:
                opened = await self._open(anchors, self._identity.tls)
                self._lasting[key] = opened, self._client(opened, self._identity.http)
        opened, client = self._lasting[key]
        return client if own is None else self._client(opened, own)

    @asynccontextmanager
    async def short(
        self,
        anchors: Anchors,
        identity: ClientIdentity | None,
        http: Credentials,
        *,
        for_binding: bool = False,
    ) -> AsyncIterator[ESTClient]:
        """A client for one exchange, closed at its end."""
        async with self._short:
            opened = await self._open(anchors, identity, for_binding=for_binding)
            try:
                yield self._client(opened, http)
            finally:
                await opened.aclose()

    async def aclose(self) -> None:
        """Close everything that is open."""
        while self._lasting:
            _, (opened, _) = self._lasting.popitem()
            await opened.aclose()

    async def _open(
        self,
        anchors: Anchors,
        identity: ClientIdentity | None,
        *,
        for_binding: bool = False,
    ) -> httpx.AsyncClient:
        opening = partial(self._opener.open, anchors=anchors, identity=identity, for_binding=for_binding)
        opened: httpx.AsyncClient = await self._run_cpu(opening)
        return opened

    def _client(self, opened: httpx.AsyncClient, http: Credentials) -> ESTClient:
        return ESTClient(self._spec.url, http=opened, clock=self._clock, label=self._spec.label, credentials=http)
