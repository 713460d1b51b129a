"""An EST server in memory and a client of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.est import Credentials, ESTClient
from certwright.protocols.transport import ClientIdentity
from tests.fakes.clock import FakeClock
from tests.fakes.est import URL, FakeESTServer

Connect = Callable[..., ESTClient]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> FakeESTServer:
    return FakeESTServer(clock=clock.now)


@pytest.fixture(scope="session")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
async def connect(server: FakeESTServer, clock: FakeClock) -> AsyncIterator[Connect]:
    """Makes clients of the server, and closes them."""
    async with AsyncExitStack() as stack:

        def connected(
            *, credentials: Credentials | None = None, identity: ClientIdentity | None = None, label: str | None = None
        ) -> ESTClient:
            http = server.opener().open(anchors=None, identity=identity)
            stack.push_async_callback(http.aclose)
            return ESTClient(URL, http=http, clock=clock.now, credentials=credentials, label=label)

        yield connected


@pytest.fixture
def client(connect: Connect) -> ESTClient:
    return connect()
