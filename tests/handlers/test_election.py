"""The elector's Lease on a (fake) API server: what ``runtime`` means and what ``kube`` stores are the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from certwright.handlers.election import LeaseAdapter
from certwright.kube.errors import KubeError
from certwright.kube.leases import Leases
from certwright.runtime.leader import LeaseConflict, LeaseRecord
from tests.fakes.api_server import FakeAPIServer

RECORD = LeaseRecord(
    holder="pod-a",
    duration=timedelta(seconds=15),
    acquired_at=datetime(2030, 1, 1, tzinfo=UTC),
    renewed_at=datetime(2030, 1, 1, 0, 0, 2, 500_000, tzinfo=UTC),
    transitions=3,
)


@pytest.fixture
def server() -> FakeAPIServer:
    return FakeAPIServer()


def store(server: FakeAPIServer) -> LeaseAdapter:
    return LeaseAdapter(Leases(server, namespace="certwright", name="certwright"))


async def test_where_there_is_none_there_is_none(server: FakeAPIServer) -> None:
    assert await store(server).get() is None


async def test_what_is_stored_is_read_back(server: FakeAPIServer) -> None:
    made = await store(server).create(RECORD)

    assert made == await store(server).get()
    assert replace(made, version="") == RECORD


async def test_a_released_lease_is_read_back(server: FakeAPIServer) -> None:
    made = await store(server).create(RECORD)

    released = await store(server).update(replace(made, holder="", renewed_at=None))

    assert released == await store(server).get()
    assert released.holder == ""


async def test_who_comes_second_is_told(server: FakeAPIServer) -> None:
    made = await store(server).create(RECORD)
    await store(server).update(replace(made, holder="pod-b"))

    with pytest.raises(LeaseConflict):
        await store(server).create(RECORD)
    with pytest.raises(LeaseConflict):
        await store(server).update(replace(made, holder="pod-c"))


async def test_a_lease_that_is_gone_is_a_conflict(server: FakeAPIServer) -> None:
    made = await store(server).create(RECORD)
    await server.delete("/apis/coordination.k8s.io/v1/namespaces/certwright/leases/certwright")

    with pytest.raises(LeaseConflict):
        await store(server).update(made)


@pytest.mark.parametrize("status", [0, 403, 500], ids=str)
async def test_an_api_server_that_does_not_serve_is_no_conflict(server: FakeAPIServer, status: int) -> None:
    server.trouble = lambda _method, _path: status

    with pytest.raises(KubeError):
        await store(server).get()
    with pytest.raises(KubeError):
        await store(server).create(RECORD)
