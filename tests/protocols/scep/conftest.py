"""A SCEP server in memory, a client at it, and somebody with a key who wants a certificate."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import AttributeOID

from certwright.protocols.scep import (
    LegacyAlgorithms,
    Method,
    SCEPClient,
    Signer,
    Success,
    Transaction,
    requester_certificate,
    transaction_id,
)
from certwright.protocols.scep.certificates import spki
from tests.fakes.ca import common_name
from tests.fakes.clock import FakeClock
from tests.fakes.scep.authority import Key, rsa_key
from tests.fakes.scep.server import FakeSCEPServer

SUBJECT = common_name("device.test")


@dataclass(frozen=True)
class Device:
    """Somebody who wants a certificate, as a driver would go about it."""

    client: SCEPClient
    clock: FakeClock
    key: RSAPrivateKey = field(default_factory=lambda: rsa_key("device"), repr=False)

    def csr(
        self, *, key: Key | None = None, challenge: str | None = None, subject: x509.Name = SUBJECT
    ) -> x509.CertificateSigningRequest:
        names = x509.SubjectAlternativeName([x509.DNSName("device.test")])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False)
        if challenge is not None:
            builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, challenge.encode())
        return builder.sign(key or self.key, hashes.SHA256())

    async def transaction(
        self, csr: x509.CertificateSigningRequest, *, challenge: str | None = None, current: Signer | None = None
    ) -> Transaction:
        """Ask the server about itself, and sign with the current certificate or a new one of the device's key."""
        name = transaction_id(spki(csr), current.certificate.serial_number if current else None)
        return Transaction(
            id=name,
            signer=current or self.signer(csr.subject, name),
            authority=await self.client.get_ca_cert(),
            capabilities=await self.client.get_ca_caps(),
            challenge=challenge,
        )

    def signer(self, subject: x509.Name, name: str) -> Signer:
        now = self.clock.now()
        return Signer(requester_certificate(self.key, subject=subject, transaction_id=name, not_before=now), self.key)

    async def enrolled(self, *, key: Key | None = None, challenge: str | None = None) -> Success:
        csr = self.csr(key=key, challenge=challenge)
        reply = await self.client.pkcs_req(csr, await self.transaction(csr))
        assert isinstance(reply, Success)
        return reply


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> FakeSCEPServer:
    return FakeSCEPServer(clock=clock.now)


@pytest.fixture
async def http(server: FakeSCEPServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=server.transport()) as http:
        yield http


@pytest.fixture
def connect(http: httpx.AsyncClient, clock: FakeClock) -> Callable[..., SCEPClient]:
    """A client; what is not said is the default."""

    def connect(
        *,
        url: str = FakeSCEPServer.url,
        ca_identifier: str | None = None,
        method: Method = Method.AUTO,
        legacy: LegacyAlgorithms | None = None,
    ) -> SCEPClient:
        return SCEPClient(url, http=http, clock=clock.now, ca_identifier=ca_identifier, method=method, legacy=legacy)

    return connect


@pytest.fixture
def client(connect: Callable[..., SCEPClient]) -> SCEPClient:
    return connect()


@pytest.fixture
def device(client: SCEPClient, clock: FakeClock) -> Device:
    return Device(client, clock)
