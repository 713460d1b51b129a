"""With ``--secret-watch=false`` nothing tells of Secrets: they are read, and the sweep has each looked at in time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.handlers.cluster import SETTINGS, WEB, Cluster, Killed

PERIOD = timedelta(minutes=10)


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    cluster = Cluster(replace(SETTINGS, secret_watch=False))
    await cluster.start()
    yield cluster
    await cluster.stop()


async def test_a_certificate_costs_the_same_writes(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.certificate()
    cluster.writes()

    await cluster.handle()

    assert cluster.writes() == [
        "POST secrets",
        "PUT secrets",
        "PATCH secrets",
        "PATCH certificates/status",
        "POST events",
        "DELETE secrets",
    ]


async def test_a_look_at_what_is_well_writes_nothing(cluster: Cluster) -> None:
    await cluster.issued()

    await cluster.handle()

    assert cluster.server.writes() == []
    assert len(cluster.server.requests) <= 3


async def test_a_tampered_secret_is_found_in_time(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.sync()
    await cluster.work()
    path = "/api/v1/namespaces/shop/secrets/web-tls"
    await cluster.server.merge(path, {"data": {"tls.crt": "bm9uc2Vuc2U="}}, manager="kubectl")

    await cluster.clock.advance(PERIOD)

    assert len(cluster.ca.issued) == 2


@pytest.mark.parametrize("writes", range(1, 7), ids=lambda count: f"killed after write {count}")
async def test_the_next_process_goes_on(cluster: Cluster, writes: int) -> None:
    await cluster.issuer()
    await cluster.certificate()
    cluster.server.writes_left = writes
    with pytest.raises(Killed):
        await cluster.handle()
    await cluster.restart()

    await cluster.handle()

    assert len(cluster.ca.issued) == 1
    assert cluster.staged == []


async def test_every_certificate_may_have_an_enrolment_under_way(cluster: Cluster) -> None:
    await cluster.issued()

    uid = cluster.operator.inventory.certificates[WEB].uid
    assert cluster.operator.enrolments.live_uids() == {uid}
