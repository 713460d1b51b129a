"""A driver against an EST server in memory, and a stage on which enrolments are played step by step."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from certwright.issuers.est import ESTCredentials, ESTDriver
from certwright.model import keys
from certwright.model.csr import build_csr
from certwright.model.enrolment import (
    CurrentCertificate,
    EnrolmentRequest,
    Issued,
    LearnedAnchor,
    OneTimeCredential,
    Pending,
    Prepared,
)
from certwright.model.keys import KeyKind, PrivateKey
from certwright.model.names import general_names, requested_names, requested_subject
from certwright.model.resources import CertificateSpec, ESTIssuer
from certwright.protocols.transport import TransportSettings
from tests.fakes.clock import FakeClock
from tests.fakes.est import URL, FakeESTServer, FakeOpener
from tests.model.builders import P256, common_name, key_of, metadata_of, spec_of

DAY = timedelta(days=1)
NEW_KEY, OLD_KEY = key_of(P256, 11), key_of(P256, 12)
BOTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
SERVER_ONLY = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
ENOUGH_STEPS = 20


def password(value: str = "pass:word", *, username: str = "device", **changes: Any) -> OneTimeCredential:
    """A Certificate's own."""
    fields: dict[str, Any] = {"username": username, "value": value.encode(), **changes}
    return OneTimeCredential(**fields)


PASSWORD = {"auth": {"password": {"username": "device", "passwordSecretRef": {"name": "est"}}}}
BEARER = {"auth": {"bearer": {"secretRef": {"name": "est"}}}}
CLIENT_CERTIFICATE = {"auth": {"clientCertificate": {"secretRef": {"name": "est"}}}}
ISSUER_PASSWORD = ESTCredentials(password=b"pass:word")


@dataclass
class Stage:
    """Plays the operator: prepares, stages, waits by moving the clock, and calls again.

    ``driver`` makes another driver each time, as a restart does: with what was reported, and nothing else remembered.
    """

    server: FakeESTServer
    clock: FakeClock
    settings: dict[str, Any] = field(default_factory=dict)
    credentials: ESTCredentials = field(default_factory=ESTCredentials)
    roots: bytes | None = None
    learned: tuple[LearnedAnchor, ...] = ()
    openers: list[FakeOpener] = field(default_factory=list)

    def driver(self, **spec: Any) -> ESTDriver:
        self.openers.append(self.server.opener())
        return ESTDriver(
            ESTIssuer.model_validate({"url": URL, **self.settings, **spec}),
            self.credentials,
            transport=TransportSettings(user_agent="certwright-test", roots=self.roots),
            clock=self.clock.now,
            learned=self.learned,
            opener=self.openers[-1],
        )

    def certificate(
        self,
        spec: CertificateSpec | None = None,
        key: PrivateKey = OLD_KEY,
        *,
        purposes: x509.ExtendedKeyUsage | None = BOTH,
        not_after: datetime | None = None,
    ) -> x509.Certificate:
        """What the server's CA once issued; its fake makes certificates for servers only."""
        wanted, now = spec or spec_of(), self.clock.now()
        builder = (
            x509.CertificateBuilder()
            .subject_name(requested_subject(wanted))
            .issuer_name(common_name("Fake Intermediate"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 60 * DAY)
            .not_valid_after(not_after or now + 30 * DAY)
            .add_extension(x509.SubjectAlternativeName(general_names(requested_names(wanted))), critical=False)
        )
        if purposes is not None:
            builder = builder.add_extension(purposes, critical=False)
        return builder.sign(self.server.ca.key, hashes.SHA256())

    def current(self, spec: CertificateSpec | None = None, key: PrivateKey = OLD_KEY, **how: Any) -> CurrentCertificate:
        return CurrentCertificate(self.certificate(spec, key, **how), tuple(self.server.ca.intermediates.values()), key)

    def asked(self, spec: CertificateSpec | None = None, **fields: Any) -> EnrolmentRequest:
        """A request before anything is staged."""
        return EnrolmentRequest(
            certificate=metadata_of(), spec=spec or spec_of(), started_at=self.clock.now(), **fields
        )

    def count(self, operation: str) -> int:
        return sum(request.endswith(f"/{operation}") for request in self.server.requests)

    async def enrol(self, request: EnrolmentRequest, **spec: Any) -> Issued:
        """From the first question to the certificate, each step by a new process."""
        prepared = await self.driver(**spec).prepare(request)
        request = staged(request, prepared)
        for _ in range(ENOUGH_STEPS):
            answer = await self.driver(**spec).enrol(request, resume=prepared.resume)
            match answer:
                case Issued():
                    return answer
                case Pending():
                    assert answer.resume == prepared.resume
                    await self.clock.advance(answer.retry_after)
                case _:
                    raise AssertionError(answer)
        raise AssertionError("No certificate after so many steps.")


def staged(request: EnrolmentRequest, prepared: Prepared, key: PrivateKey | None = None) -> EnrolmentRequest:
    """The request with key and CSR, as handlers make them."""
    made = key or (NEW_KEY if prepared.key_kind is None else key_of(prepared.key_kind, 13))
    return EnrolmentRequest(
        certificate=request.certificate,
        spec=request.spec,
        key=made,
        csr=build_csr(request.spec, made, prepared),
        current=request.current,
        credential=request.credential,
        started_at=request.started_at,
    )


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def client_pair(stage: Stage, kind: KeyKind = P256, **how: Any) -> ESTCredentials:
    """An issuer's client certificate."""
    key = key_of(kind, 14)
    certificate = stage.certificate(spec_of(dnsNames=["ra.example.com"]), key, **how)
    return ESTCredentials(client_certificate=pem(certificate), client_key=keys.encode(key))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> FakeESTServer:
    return FakeESTServer(clock=clock.now)


@pytest.fixture
def stage(server: FakeESTServer, clock: FakeClock) -> Stage:
    return Stage(server, clock)
