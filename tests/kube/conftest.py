"""What the tests of ``kube`` share: an API server in memory that has the Gateway API, and where to lead requests."""

import pytest

from certwright.kube.route_objects import ResponderService
from tests.fakes.api_server import BUILT_IN, GATEWAY_API, FakeAPIServer


@pytest.fixture
def server() -> FakeAPIServer:
    return FakeAPIServer(groups=BUILT_IN | GATEWAY_API)


@pytest.fixture
def service() -> ResponderService:
    return ResponderService(namespace="certwright", name="certwright-http01", port=8089)
