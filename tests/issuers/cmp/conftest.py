"""A driver against a CMP server in memory, and a stage on which enrolments are played as the operator does."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.issuers.cmp import CMPCredentials, CMPDriver
from certwright.model import keys
from certwright.model.chain import to_pem
from certwright.model.csr import build_csr
from certwright.model.enrolment import (
    Answer,
    Checkpoint,
    CurrentCertificate,
    EnrolmentRequest,
    Issued,
    LearnedAnchor,
    OneTimeCredential,
    Pending,
    ResumeData,
    StartAfresh,
)
from certwright.model.keys import PrivateKey
from certwright.model.metadata import ObjectMetadata
from certwright.model.resources import CertificateSpec, CMPIssuer
from certwright.protocols.cmp import InfoType, asn1
from certwright.protocols.transport import TransportSettings
from tests.fakes.clock import FakeClock
from tests.fakes.cmp import FakeCMPServer, Pair
from tests.fakes.cmp.refusing import FakeTransaction

REFERENCE, SECRET = "device-1", b"sesame"
ENOUGH_STEPS = 40
MAC = {"mac": {"reference": REFERENCE, "secretRef": {"name": "cmp"}, "iterations": 500}}
SIGNATURE = {"signature": {"secretRef": {"name": "cmp"}}}
AUTHORITY = {"registrationAuthority": {"secretRef": {"name": "ra"}}}


@dataclass(frozen=True)
class Staged:
    """What the enrolment Secret holds. ``writes`` counts how often it was written."""

    request: EnrolmentRequest
    resume: ResumeData
    writes: int = 1

    def going_on(self, resume: ResumeData) -> "Staged":
        # Through JSON and back, as a Secret keeps it; what did not change is not written.
        kept = json.loads(json.dumps(resume))
        return replace(self, resume=kept, writes=self.writes + (kept != self.resume))

    def for_request(self, **changes: Any) -> "Staged":
        """What the record is gone on with has changed."""
        return replace(self, request=replace(self.request, **changes))


@dataclass
class Stage:
    """Plays the operator: prepares, makes key and CSR, stores what is to be stored, waits by moving the clock.

    ``driver`` makes another driver, as a restart does: with what was reported, and nothing else remembered. ``early``
    are raised once each instead of answers, before the server has seen the message; ``late`` after it has acted.
    ``unreachable_after`` so many messages nobody is reached any more.
    """

    server: FakeCMPServer
    clock: FakeClock
    settings: dict[str, Any] = field(default_factory=lambda: {"protection": MAC})
    credentials: CMPCredentials = field(default_factory=lambda: CMPCredentials(mac_secret=SECRET))
    has_trust: bool = True
    learned: tuple[LearnedAnchor, ...] = ()
    early: list[Exception] = field(default_factory=list)
    late: list[Exception] = field(default_factory=list)
    unreachable_after: int | None = None

    def driver(self, **spec: Any) -> CMPDriver:
        trust = to_pem([self.server.root]) if self.has_trust else None
        return self.driver_of(replace(self.credentials, trust=trust), **spec)

    def driver_of(self, credentials: CMPCredentials | None = None, **spec: Any) -> CMPDriver:
        return CMPDriver(
            CMPIssuer.model_validate({"url": self.server.url, **self.settings, **spec}),
            credentials or self.credentials,
            transport=TransportSettings(user_agent="certwright-test"),
            clock=self.clock.now,
            run_cpu=run_here,
            learned=self.learned,
            open_client=self.open_client,
        )

    def signed_by(self, pair: Pair) -> None:
        """The issuer's credential is a certificate."""
        self.settings = {**self.settings, "protection": SIGNATURE}
        self.credentials = CMPCredentials(certificate=pem_of(pair), key=keys.encode(pair.key))

    def vouched_by(self, pair: Pair, **protection: Any) -> None:
        """The issuer has a registration authority's certificate, beside what else it has."""
        self.settings = {**self.settings, "protection": {**protection, **AUTHORITY}}
        self.credentials = replace(self.credentials, ra_certificate=pem_of(pair), ra_key=keys.encode(pair.key))

    def without_credential(self) -> None:
        """Each Certificate brings its own."""
        self.settings = {name: value for name, value in self.settings.items() if name != "protection"}
        self.credentials = CMPCredentials()

    def open_client(self, _settings: TransportSettings) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.handle))

    async def handle(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)  # As a network would, it lets others have their turn.
        if self.unreachable_after is not None:
            self.unreachable_after -= 1
            if self.unreachable_after < 0:
                raise httpx.ConnectError("")
        if self.early:
            raise self.early.pop(0)
        answer = self.server.handle(request)
        if self.late:
            raise self.late.pop(0)
        return answer

    def request(
        self,
        *,
        current: CurrentCertificate | None = None,
        credential: OneTimeCredential | None = None,
        **spec: Any,
    ) -> EnrolmentRequest:
        """One that is not staged yet; ``spec`` is in the API's spelling."""
        wanted = {"secretName": "tls", "issuerRef": {"name": "ca"}, "commonName": "web.shop.test"}
        return EnrolmentRequest(
            certificate=ObjectMetadata("shop", "web", "11111111-2222-3333-4444-555555555555", "1", labels={}),
            spec=CertificateSpec.model_validate({**wanted, "dnsNames": ["web.shop.test"], **spec}),
            current=current,
            credential=credential,
            started_at=self.clock.now(),
        )

    async def stage(self, driver: CMPDriver, request: EnrolmentRequest, *, key: PrivateKey | None = None) -> Staged:
        prepared = await driver.prepare(request)
        key = key or keys.generate(keys.new_kind(request.spec, prepared.key_kind))
        staged = replace(request, key=key, csr=build_csr(request.spec, key, prepared))
        return Staged(staged, json.loads(json.dumps(prepared.resume)))

    async def play(
        self, staged: Staged, driver: CMPDriver, *, restart: Callable[[], CMPDriver] | None = None
    ) -> tuple[Issued, Staged]:
        """Enrol to the end. With ``restart`` every step but the first is taken by a new process."""
        for _ in range(ENOUGH_STEPS):
            answer = await driver.enrol(staged.request, resume=staged.resume)
            driver = restart() if restart else driver
            match answer:
                case Issued():
                    return answer, staged
                case Checkpoint():
                    staged = staged.going_on(answer.resume)
                case Pending():
                    staged = staged.going_on(answer.resume)
                    self.clock.jump(answer.retry_after.total_seconds())
                case StartAfresh():
                    raise AssertionError(answer.message)
        raise AssertionError("No certificate after so many steps.")

    async def issue(self, driver: CMPDriver, request: EnrolmentRequest) -> Issued:
        """From nothing to the certificate, in one process."""
        return (await self.play(await self.stage(driver, request), driver))[0]

    async def enrolled(self, **spec: Any) -> CurrentCertificate:
        """A certificate of this CA, as it stands in the Secret later."""
        return await self.enrolled_by(None, **spec)

    async def enrolled_by(self, credential: OneTimeCredential | None, **spec: Any) -> CurrentCertificate:
        """One that was asked for with the Certificate's own secret."""
        driver = self.driver()
        staged = await self.stage(driver, self.request(credential=credential, **spec))
        issued, _ = await self.play(staged, driver)
        self.server.seen.clear()
        assert staged.request.key is not None
        return CurrentCertificate(issued.chain[0], issued.chain[1:], issued.key or staged.request.key)

    @property
    def bodies(self) -> list[str]:
        """What was sent, questions apart."""
        return [body for body, _ in self.server.seen if body != "genm"]

    @property
    def transaction(self) -> FakeTransaction:
        """The last one, as the server sees it."""
        return list(self.server.transactions.values())[-1]


def pem_of(pair: Pair) -> bytes:
    return to_pem((pair.certificate, *pair.chain))


async def run_here(work: Callable[..., Any], *args: Any) -> Any:
    return work(*args)


async def step(driver: CMPDriver, staged: Staged) -> Answer:
    return await driver.enrol(staged.request, resume=staged.resume)


def own(value: bytes = b"own secret", *, reference: str = "device-2", **more: Any) -> OneTimeCredential:
    """A Certificate's own secret."""
    return OneTimeCredential(username=reference, value=value, **more)


def ec_key() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> FakeCMPServer:
    server = FakeCMPServer(clock=clock.now)
    server.secrets["device-2"] = b"own secret"
    return server


def carried(certificate: x509.Certificate) -> Any:
    return asn1.CMPCertificate.load(certificate.public_bytes(Encoding.DER))


@pytest.fixture
def publish(server: FakeCMPServer) -> Callable[[], None]:
    """Have the server answer which CA certificates there are."""

    def publish() -> None:
        certificates = asn1.Certificates([carried(server.authority.issuing.certificate), carried(server.root)])
        server.infos[InfoType.CA_CERTS] = (InfoType.CA_CERTS.value, certificates)

    return publish


@pytest.fixture
def stage(server: FakeCMPServer, clock: FakeClock) -> Stage:
    return Stage(server, clock)
