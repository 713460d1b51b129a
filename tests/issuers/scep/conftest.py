"""A driver against a SCEP server in memory, and a stage on which enrolments are played as the operator does."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.issuers.scep import SCEPCredentials, SCEPDriver
from certwright.model import keys
from certwright.model.chain import fingerprint
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
from certwright.model.resources import CertificateSpec, KeyAlgorithm, SCEPIssuer
from certwright.protocols.transport import TransportSettings
from tests.fakes.challenge_webhook import FakeChallengeWebhook
from tests.fakes.clock import FakeClock
from tests.fakes.ndes import FakeNDES
from tests.fakes.scep.authority import rsa_key
from tests.fakes.scep.server import FakeSCEPServer

CHALLENGE = "issuer challenge"
ENOUGH_STEPS = 40


@dataclass(frozen=True)
class Staged:
    """What the enrolment Secret holds: the request with its key and CSR, and what the driver wants to be told again."""

    request: EnrolmentRequest
    resume: ResumeData

    def going_on(self, resume: ResumeData) -> "Staged":
        # Through JSON and back, as a Secret keeps it.
        return replace(self, resume=json.loads(json.dumps(resume)))


@dataclass
class Stage:
    """Plays the operator: prepares, makes key and CSR, stores what is to be stored, waits by moving the clock.

    ``driver`` makes another driver, as a restart does. ``http_errors`` are raised once each instead of the next
    answers of the SCEP server; one that is marked as ``late`` is raised after the server has acted.
    """

    server: FakeSCEPServer
    clock: FakeClock
    ndes: FakeNDES
    hook: FakeChallengeWebhook
    credentials: SCEPCredentials = field(default_factory=lambda: SCEPCredentials(challenge=CHALLENGE.encode()))
    early: list[Exception] = field(default_factory=list)
    late: list[Exception] = field(default_factory=list)
    opened: list[TransportSettings] = field(default_factory=list)

    def driver(
        self,
        *,
        learned: tuple[LearnedAnchor, ...] = (),
        algorithms: tuple[KeyAlgorithm, ...] | None = None,
        **spec: Any,
    ) -> SCEPDriver:
        settings: dict[str, Any] = {
            "url": FakeSCEPServer.url,
            "caFingerprintSHA256": fingerprint(self.server.authority.ca.certificate),
            "challenge": {"secretRef": {"name": "challenge"}} if self.credentials.challenge else None,
        }
        return SCEPDriver(
            SCEPIssuer.model_validate({**settings, **spec}),
            self.credentials,
            transport=TransportSettings(user_agent="certwright-test"),
            clock=self.clock.now,
            run_cpu=run_here,
            learned=learned,
            algorithms=algorithms,
            open_client=self.open_client,
        )

    def driver_without_challenge(self, **spec: Any) -> SCEPDriver:
        self.credentials = SCEPCredentials()
        return self.driver(**spec)

    def ndes_driver(self, **spec: Any) -> SCEPDriver:
        """One whose challenges come from NDES's page."""
        self.credentials = SCEPCredentials(
            ndes_username=self.ndes.username.encode(), ndes_password=self.ndes.password.encode()
        )
        ndes = {"url": FakeNDES.url, "credentialsSecretRef": {"name": "ndes"}}
        return self.driver(**{"challenge": {"ndes": ndes, **spec.pop("more", {})}, **spec})

    def hook_driver(self, **spec: Any) -> SCEPDriver:
        """One whose challenges come from a webhook."""
        self.credentials = SCEPCredentials(webhook_key=self.hook.key)
        return self.driver(**{"challenge": {"webhook": {"url": FakeChallengeWebhook.url}}, **spec})

    def open_client(self, settings: TransportSettings) -> httpx.AsyncClient:
        self.opened.append(settings)
        return httpx.AsyncClient(transport=httpx.MockTransport(self.handle))

    async def handle(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)  # As a network would, it lets others have their turn.
        match request.url.host:
            case "ndes.test":
                return self.ndes.handle(request)
            case "hook.test":
                return self.hook.handle(request)
        if self.early and "PKIOperation" in str(request.url):
            raise self.early.pop(0)
        answer = self.server.handle(request)
        if self.late and "PKIOperation" in str(request.url):
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

    async def stage(self, driver: SCEPDriver, request: EnrolmentRequest, *, key: PrivateKey | None = None) -> Staged:
        prepared = await driver.prepare(request)
        assert prepared.key_kind is not None
        kind = keys.new_kind(request.spec, prepared.key_kind)
        key = key or (rsa_key("web") if kind.algorithm is KeyAlgorithm.RSA else keys.generate(kind))
        staged = replace(request, key=key, csr=build_csr(request.spec, key, prepared))
        return Staged(staged, {}).going_on(prepared.resume)

    async def play(
        self, staged: Staged, driver: SCEPDriver, *, restart: Callable[[], SCEPDriver] | None = None
    ) -> Issued:
        """Enrol to the end. With ``restart`` every step but the first is taken by a new process."""
        for _ in range(ENOUGH_STEPS):
            answer = await driver.enrol(staged.request, resume=staged.resume)
            driver = restart() if restart else driver
            match answer:
                case Issued():
                    return answer
                case Checkpoint():
                    staged = staged.going_on(answer.resume)
                case Pending():
                    staged = staged.going_on(answer.resume)
                    self.clock.jump(answer.retry_after.total_seconds())
                case StartAfresh():
                    raise AssertionError(answer.message)
        raise AssertionError("No certificate after so many steps.")

    async def enrolled(self, driver: SCEPDriver, *, key: PrivateKey | None = None, **spec: Any) -> CurrentCertificate:
        """A certificate of this CA, as it stands in the Secret later."""
        staged = await self.stage(driver, self.request(**spec), key=key)
        issued = await self.play(staged, driver)
        assert staged.request.key is not None
        return CurrentCertificate(issued.chain[0], issued.chain[1:], staged.request.key)

    def forget_requests(self) -> None:
        self.server.seen.clear()
        self.server.csrs.clear()


async def run_here(work: Callable[..., Any], *args: Any) -> Any:
    return work(*args)


async def step(driver: SCEPDriver, staged: Staged) -> Answer:
    return await driver.enrol(staged.request, resume=staged.resume)


def ec_key() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def own(value: bytes) -> OneTimeCredential:
    """A Certificate's own challenge."""
    return OneTimeCredential(value=value)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> FakeSCEPServer:
    server = FakeSCEPServer(clock=clock.now)
    server.challenges = {CHALLENGE}
    return server


@pytest.fixture
def stage(server: FakeSCEPServer, clock: FakeClock) -> Stage:
    return Stage(server, clock, FakeNDES(), FakeChallengeWebhook(clock=clock.now))
