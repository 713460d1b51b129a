"""The cluster that most of these tests stand on."""

from collections.abc import AsyncIterator

import pytest

from tests.handlers.cluster import Cluster


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    cluster = Cluster()
    await cluster.start()
    yield cluster
    await cluster.stop()
