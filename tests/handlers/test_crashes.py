"""kill -9 after each write of an issuance: the next process goes on with the same key, and nothing is issued twice."""

import pytest

from certwright.model.verification import is_key_of
from tests.handlers.cluster import Cluster, Killed

WRITES = {
    "the record is staged": 1,
    "the order is stored": 2,
    "the Secret is written": 3,
    "the status is written": 4,
    "the Event is posted": 5,
    "the record is dropped": 6,
}


@pytest.mark.parametrize("writes", WRITES.values(), ids=WRITES.keys())
async def test_the_next_process_goes_on(cluster: Cluster, writes: int) -> None:
    await cluster.issuer()
    await cluster.certificate()
    cluster.server.writes_left = writes
    with pytest.raises(Killed):
        await cluster.handle()

    await cluster.restart()
    await cluster.handle()

    (leaf,) = cluster.ca.issued
    assert list(cluster.ca.orders) == ["order-1"]
    assert all(is_key_of(leaf, asked.key) for asked in cluster.ca.asked)
    assert cluster.condition() == ("True", "Ready")
    assert cluster.status()["revision"] == 1
    assert cluster.staged == []


async def test_an_event_that_a_crash_swallowed_is_all_that_is_lost(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.certificate()
    cluster.server.writes_left = WRITES["the status is written"]
    with pytest.raises(Killed):
        await cluster.handle()
    await cluster.restart()

    await cluster.handle()

    assert cluster.writes() == ["DELETE secrets"]
