"""An Event that cannot be posted stops nothing, and is a warning only where somebody could have wanted it."""

import logging
from datetime import UTC, datetime

import pytest

from certwright.kube.events import Events
from certwright.model.metadata import Kind, ObjectMetadata
from tests.fakes.api_server import FakeAPIServer

WEB = ObjectMetadata(namespace="shop", name="web", uid="uid", resource_version="1")


async def warned(server: FakeAPIServer, caplog: pytest.LogCaptureFixture) -> list[str]:
    events = Events(server, instance="certwright-0")
    with caplog.at_level(logging.WARNING):
        await events.post(Kind.CERTIFICATE, WEB, reason="Issued", note="written", at=datetime(2030, 1, 1, tzinfo=UTC))
    return [record.getMessage() for record in caplog.records]


async def test_one_that_is_lost_is_told(server: FakeAPIServer, caplog: pytest.LogCaptureFixture) -> None:
    server.trouble = lambda _method, _path: 403
    (told,) = await warned(server, caplog)
    assert "an Event of Certificate web was lost" in told


async def test_one_of_a_namespace_that_goes_is_no_loss(server: FakeAPIServer, caplog: pytest.LogCaptureFixture) -> None:
    server.terminating.add("shop")
    assert await warned(server, caplog) == []
