"""An ACME server in memory and a client with an account at it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.acme import AccountKey, ACMEClient
from tests.fakes.acme import FakeACMEServer
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> FakeACMEServer:
    return FakeACMEServer(clock=clock.now, roots=("Fake Root", "Old Root", "Older Root"))


@pytest.fixture(scope="session")
def key() -> AccountKey:
    return AccountKey(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
async def http(server: FakeACMEServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=server.transport(), headers={"User-Agent": "certwright-test"}) as http:
        yield http


@pytest.fixture
def stranger(http: httpx.AsyncClient, key: AccountKey, clock: FakeClock) -> ACMEClient:
    """A client without an account yet."""
    return ACMEClient(FakeACMEServer.directory_url, key, http=http, clock=clock.now)


@pytest.fixture
async def client(stranger: ACMEClient) -> ACMEClient:
    await stranger.new_account(terms_agreed=True)
    return stranger
