"""Runs the operator: starts the services in the order in which they depend on each other, stops them in reverse.

Workers finish while the Lease is still held, then the Lease is released, then the watches end: whoever takes over
finds everything stored.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

import kopf
from aiohttp import web

from certwright.handlers.assembly import Operator
from certwright.handlers.election import LeaseAdapter
from certwright.handlers.intake import Intake, kinds_watched, registry
from certwright.handlers.intake import settings as kopf_settings
from certwright.handlers.metrics import InventoryCollector
from certwright.handlers.settings import Settings
from certwright.kube.client import APIServer
from certwright.kube.connection import Connection, connect, own_namespace
from certwright.kube.installation import require_definitions
from certwright.kube.leases import Leases
from certwright.runtime.clock import Clock, SystemClock
from certwright.runtime.clock_steps import ClockSteps
from certwright.runtime.health import Health
from certwright.runtime.leader import Elector, unique_identity
from certwright.runtime.limits import TokenBucket
from certwright.runtime.loop_lag import LoopLag
from certwright.runtime.probes import probe_app
from certwright.runtime.serving import serve
from certwright.runtime.supervise import Service, endless, stop_on_signals, supervise
from certwright.runtime.workers import run_workers
from certwright.solvers.http01.responder import responder

__all__ = ["own_namespace", "run"]

_log = logging.getLogger(__name__)

KOPF_GRACE = timedelta(seconds=10)


async def run(settings: Settings) -> None:
    """Run until a signal comes. Raises what `certwright run` turns into one clear line."""
    clock = SystemClock()
    connection = await connect(kubeconfig=settings.kubeconfig, context=settings.context)
    throttle = TokenBucket(clock, rate=settings.api_qps, burst=int(settings.api_qps * 2))
    server = APIServer(connection, throttle=throttle, connections=max(settings.workers, 32))
    # The Lease has connections of its own: its renewal must not wait behind a thousand writes.
    lease_server = APIServer(connection)
    try:
        await require_definitions(server)
        kinds = kinds_watched(is_clusterwide=settings.is_clusterwide)
        addresses = await api_server_addresses(connection)
        operator = Operator(settings, server, clock=clock, kinds=kinds, api_server_addresses=addresses)
        await _Process(settings, connection, (server, lease_server), operator, clock).run()
    finally:
        await server.close()
        await lease_server.close()


async def api_server_addresses(connection: Connection) -> tuple[IPv4Network | IPv6Network, ...]:
    """The API server's addresses, which no tenant's Issuer may reach through the operator."""
    parts = urlsplit(connection.server)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(parts.hostname or "", parts.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(ip_network(str(address[0]).partition("%")[0]) for *_, address in found)


class _Process:
    """One run of the operator."""

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        servers: tuple[APIServer, APIServer],
        operator: Operator,
        clock: Clock,
    ) -> None:
        server, lease_server = servers
        self._settings = settings
        self._connection = connection
        self._operator = operator
        self._clock = clock
        self._lag = LoopLag(clock, observe=operator.metrics.loop_was_late)
        self._steps = ClockSteps(clock, on_step=operator.look_at_all)
        self._intake = Intake(operator.inventory, operator.queue)
        leases = Leases(lease_server, namespace=settings.operator_namespace, name=settings.lease_name)
        identity = unique_identity(settings.identity)
        self._elector = Elector(LeaseAdapter(leases), identity=identity, clock=clock)
        self._leads = not settings.leader_election
        server.may_write = self._leads_now
        self._opened = asyncio.Event()
        self._stop = asyncio.Event()
        operator.sweep.on_synced.append(self._open_if_due)

    async def run(self) -> None:
        """Serve the probes first, so that a process which hangs at its start can say so."""
        stop_on_signals(self._stop)
        try:
            async with AsyncExitStack() as stack:
                for app, (host, port) in self._listeners():
                    await stack.enter_async_context(serve(app, host=host, port=port))
                await supervise(self._services(), stop=self._stop, clock=self._clock)
        finally:
            await self._operator.drivers.close()
            self._operator.executor.close()

    def _listeners(self) -> Sequence[tuple[web.Application, tuple[str, int]]]:
        found: list[tuple[web.Application, tuple[str, int]]] = []
        if self._settings.metrics_listen is not None:
            found.append((self._probes(), self._settings.metrics_listen))
        if self._settings.http01_listen is not None:
            found.append((responder(self._operator.board.published), self._settings.http01_listen))
        return found

    def _services(self) -> list[Service]:
        operator, settings = self._operator, self._settings
        services = [
            # Kopf comes first because it ends last: at its end it cancels every task that was born after it.
            Service(name="Kopf", run=self._kopf, grace=KOPF_GRACE),
            Service(name="the due times", run=endless(operator.queue.run)),
            Service(name="the loop lag monitor", run=endless(self._lag.run)),
            Service(name="the watch on the clock", run=endless(self._steps.run)),
            Service(name="the HTTP-01 board", run=endless(operator.board.run)),
            Service(name="the sweep", run=endless(operator.sweep.run)),
        ]
        if operator.watch is not None:
            services.insert(-1, Service(name="the Secret watch", run=endless(operator.watch.run)))
        if settings.leader_election:
            services.append(Service(name="the leader election", run=self._lead))
        services.append(Service(name="the sweep of challenges", run=endless(self._collect_garbage)))
        services.append(Service(name="the workers", run=self._work, grace=settings.grace + timedelta(seconds=5)))
        return services

    async def _kopf(self, stop: asyncio.Event) -> None:
        started = asyncio.Event()
        taking_back = asyncio.ensure_future(self._take_back_signals(started))
        try:
            await kopf.operator(
                registry=registry(self._intake, self._connection, is_clusterwide=self._settings.is_clusterwide),
                settings=kopf_settings(),
                standalone=True,
                clusterwide=self._settings.is_clusterwide,
                namespaces=self._settings.namespaces,
                ready_flag=started,
                stop_flag=stop,
            )
        finally:
            self._intake.is_open = False
            taking_back.cancel()

    async def _take_back_signals(self, started: asyncio.Event) -> None:
        """Kopf sets handlers of its own, which would stop the watches before the workers."""
        await started.wait()
        stop_on_signals(self._stop)

    async def _lead(self, stop: asyncio.Event) -> None:
        await self._elector.run(stop=stop, on_started=self._on_leading, on_lost=self._operator.queue.shut_down)

    async def _work(self, stop: asyncio.Event) -> None:
        await run_workers(
            self._operator.queue,
            self._operator.handle,
            count=self._settings.workers,
            stop=stop,
            grace=self._settings.grace,
            clock=self._clock,
        )

    async def _collect_garbage(self) -> None:
        """Only who works may tell what is garbage."""
        await self._opened.wait()
        await self._operator.garbage.run()

    def _on_leading(self) -> None:
        self._leads = True
        self._open_if_due()

    def _open_if_due(self) -> None:
        """Nobody works before this process leads and has seen everything that exists."""
        if self._leads and self._operator.sweep.is_synced and not self._opened.is_set():
            self._opened.set()
            count = len(self._operator.inventory.certificates)
            _log.info("working: %d Certificates and %d issuers are known", count, len(self._operator.inventory.issuers))
            self._operator.queue.open()

    def _probes(self) -> web.Application:
        operator = self._operator
        live, ready = Health(), Health()
        live.add("event loop", self._lag.check)
        ready.add("synced", lambda: None if operator.sweep.is_synced else "the first lists are not complete yet")
        if operator.watch is not None:
            watch = operator.watch
            ready.add("Secret watch", lambda: watch.trouble)
        ready.add("HTTP-01 board", lambda: operator.board.trouble)
        operator.metrics.registry.register(
            InventoryCollector(
                operator.inventory,
                gauges=(
                    ("certwright_queue_depth", "Keys that wait for a worker.", lambda: float(len(operator.queue))),
                    (
                        "certwright_queue_oldest_age_seconds",
                        "How long the first of them has waited.",
                        lambda: float(operator.queue.oldest_age.total_seconds()),
                    ),
                    ("certwright_enrolments", "Enrolments under way.", lambda: float(len(operator.enrolments))),
                    ("certwright_leader", "1 while this process leads.", lambda: float(self._leads_now())),
                    (
                        "certwright_loop_lag_seconds",
                        "Longest delay of the event loop in the last ten seconds.",
                        lambda: float(self._lag.worst.total_seconds()),
                    ),
                ),
            )
        )
        return probe_app(live=live, ready=ready, registry=operator.metrics.registry)

    def _leads_now(self) -> bool:
        return self._elector.is_leader if self._settings.leader_election else True
