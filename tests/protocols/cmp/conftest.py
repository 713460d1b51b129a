"""A CMP server in memory, and clients of it that protect by MAC and by signature."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.cmp import CMPClient, MACProtection, Protection, SignatureProtection, Trust
from tests.fakes.clock import FakeClock
from tests.fakes.cmp import FakeCMPServer, Pair

MakeClient = Callable[..., CMPClient]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> FakeCMPServer:
    return FakeCMPServer(clock=clock.now)


@pytest.fixture
async def http(server: FakeCMPServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=server.transport()) as http:
        yield http


@pytest.fixture
def make_client(server: FakeCMPServer, http: httpx.AsyncClient, clock: FakeClock) -> MakeClient:
    def make(protection: Protection, **more: Any) -> CMPClient:
        given: dict[str, Any] = {"trust": Trust((server.root,)), "clock": clock.now, "http": http} | more
        return CMPClient(given.pop("url", server.url), protection=protection, **given)

    return make


@pytest.fixture
def mac() -> MACProtection:
    return MACProtection(reference="device-1", secret=b"sesame", iterations=500)


@pytest.fixture
def device(server: FakeCMPServer) -> Pair:
    """A certificate that the CA knows, with its key."""
    return server.authority.pair("device-1")


@pytest.fixture
def signature(device: Pair) -> SignatureProtection:
    return SignatureProtection(key=device.key, certificate=device.certificate, chain=device.chain)


@pytest.fixture
def client(make_client: MakeClient, mac: MACProtection) -> CMPClient:
    return make_client(mac)


@pytest.fixture
def signing(make_client: MakeClient, signature: SignatureProtection) -> CMPClient:
    return make_client(signature)


@pytest.fixture(scope="session")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
