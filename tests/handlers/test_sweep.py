"""The sweep: nobody works before everything was shown, and what the watches miss is found later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest

from certwright.handlers.inventory import Inventory
from certwright.handlers.sweep import Sweep
from certwright.kube.objects import path_of
from certwright.kube.resources import Resources
from certwright.model.metadata import Key, Kind
from certwright.runtime.queue import WorkQueue
from tests.handlers.cluster import CA, ISSUER_SPEC, KINDS, WEB, Cluster

PERIOD = timedelta(minutes=10)


class Start:
    """A sweep of an operator to which nothing was shown yet, over the objects of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.inventory = Inventory()
        self.queue: WorkQueue[Key] = WorkQueue(cluster.clock)
        self.sweep = Sweep(
            inventory=self.inventory,
            resources=Resources(cluster.server),
            watch=None,
            queue=self.queue,
            kinds=KINDS,
            namespaces=(),
            clock=cluster.clock,
        )
        self.hooks = 0
        self.sweep.on_synced.append(self._hook)
        self.task = asyncio.create_task(self.sweep.run())

    def _hook(self) -> None:
        self.hooks += 1


@pytest.fixture
async def start(cluster: Cluster) -> AsyncIterator[Start]:
    await cluster.issuer()
    await cluster.certificate()
    start = Start(cluster)
    yield start
    start.task.cancel()
    with suppress(asyncio.CancelledError):
        await start.task


async def test_it_is_synced_only_after_everything_was_shown(start: Start) -> None:
    await start.cluster.clock.advance(60)
    start.inventory.upsert_certificate(WEB, start.cluster.server.body("certificates", "web"))
    await start.cluster.clock.advance(60)
    assert start.hooks == 0

    start.inventory.upsert_issuer(CA, start.cluster.server.body("issuers", "ca"))
    await start.cluster.clock.advance(1)

    assert start.hooks == 1
    assert start.sweep.is_synced
    assert await start.queue.get() == WEB


async def test_what_was_deleted_before_it_was_shown_keeps_nobody_waiting(start: Start) -> None:
    await start.cluster.clock.advance(1)
    await start.cluster.delete(WEB)
    await start.cluster.delete(CA)

    await start.cluster.clock.advance(10)

    assert start.sweep.is_synced


async def test_an_api_server_that_is_away_is_waited_for(start: Start) -> None:
    start.cluster.server.trouble = lambda _method, _path: 0
    start.inventory.upsert_certificate(WEB, start.cluster.server.body("certificates", "web"))
    start.inventory.upsert_issuer(CA, start.cluster.server.body("issuers", "ca"))
    await start.cluster.clock.advance(60)
    assert start.hooks == 0

    start.cluster.server.trouble = lambda _method, _path: None
    await start.cluster.clock.advance(3)

    assert start.sweep.is_synced


async def blind(cluster: Cluster) -> None:
    """A settled Certificate; from now on the watches show nothing."""
    await cluster.issued()
    await cluster.sync()
    await cluster.woken()
    cluster.is_shown.clear()


async def test_nothing_is_done_where_nothing_was_missed(cluster: Cluster) -> None:
    await blind(cluster)

    await cluster.clock.advance(PERIOD)

    assert await cluster.woken() == set()


async def test_a_missed_deletion_is_found(cluster: Cluster) -> None:
    await blind(cluster)
    await cluster.delete(WEB)

    await cluster.clock.advance(PERIOD)

    assert await cluster.woken() == {WEB}
    assert WEB not in cluster.operator.inventory.certificates


async def test_a_missed_edit_is_carried_out(cluster: Cluster) -> None:
    await blind(cluster)
    await cluster.edit(spec={"dnsNames": ["other.example.com"]})

    await cluster.clock.advance(PERIOD)
    assert await cluster.woken() == {WEB}
    await cluster.handle()

    assert len(cluster.ca.issued) == 2


async def test_a_missed_issuer_is_found(cluster: Cluster) -> None:
    await blind(cluster)
    await cluster.issuer("other", spec=ISSUER_SPEC, status={})
    other = CA._replace(name="other")

    await cluster.clock.advance(PERIOD)
    assert await cluster.woken() == {other}
    await cluster.handle(other)

    assert cluster.condition(name="other", plural="issuers") == ("True", "Ready")


async def test_a_sweep_that_fails_is_made_again(cluster: Cluster) -> None:
    await blind(cluster)
    await cluster.delete(WEB)
    cluster.server.trouble = lambda _method, _path: 500
    await cluster.clock.advance(PERIOD)

    cluster.server.trouble = lambda _method, _path: None
    await cluster.clock.advance(PERIOD)

    assert await cluster.woken() == {WEB}


async def test_only_the_watched_namespaces_are_swept(cluster: Cluster) -> None:
    await cluster.certificate()
    cluster.server.requests.clear()
    kinds, namespaces = (Kind.CERTIFICATE, Kind.ISSUER), ("shop", "bank")
    sweep = Sweep(
        inventory=cluster.operator.inventory,
        resources=Resources(cluster.server),
        watch=None,
        queue=cluster.operator.queue,
        kinds=kinds,
        namespaces=namespaces,
        clock=cluster.clock,
    )
    task = asyncio.create_task(sweep.run())
    await cluster.clock.advance(1)
    task.cancel()

    assert sweep.is_synced
    assert {path for _, path in cluster.server.requests} == {
        path_of(kind, namespace) for kind in kinds for namespace in namespaces
    }
